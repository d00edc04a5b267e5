"""The contract kit: a table's columns and rules in one class, each rule in one quality dimension.

A contract is a dataframely schema, so it validates, documents and samples. Here rows are judged; what happens to
a row that broke a rule (quarantine, blocking) is decided in `kit`.
"""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

import dataframely as dy
import polars as pl
import pyarrow as pa
from dataframely._rule import RuleFactory

from shopease_assets.core.quality import Dimension

MONEY_PRECISION, TOTAL_PRECISION, CENTS = 12, 18, 2
_EARLIEST = dt.date(1900, 1, 1)
_EMAIL = r"^[^@\s]+@[^@\s]+\.[^@\s]+$"
_CURRENCY = r"^[A-Z]{3}$"

Case = Literal["lower", "title"]
RuleFunction = Callable[[Any], pl.Expr]
DeclaredT = TypeVar("DeclaredT")
ColumnT = TypeVar("ColumnT", bound=dy.Column)


# ---- rules -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Rule:
    """One promise about a row: `total_adds_up`, `email|format`. Null counts as kept (nullability has its own rule).

    A row that breaks it is refused; one that is `excused` does not count against the partition's score.
    """

    name: str
    dimension: Dimension
    keeps: pl.Expr
    excused: pl.Expr = field(default_factory=lambda: pl.lit(value=False))


class _DimensionRule(RuleFactory):
    """A dataframely rule that knows its dimension."""

    dimension: Dimension

    def __init__(self, dimension: Dimension, function: RuleFunction) -> None:
        super().__init__(function)
        self.dimension = dimension


class _Warning:
    """A rule that only counts: rows that break it are published and reported."""

    def __init__(self, function: RuleFunction) -> None:
        self.function = function


def completeness(function: RuleFunction) -> _DimensionRule:
    """Declare a rule of the completeness dimension."""
    return _DimensionRule(Dimension.COMPLETENESS, function)


def accuracy(function: RuleFunction) -> _DimensionRule:
    """Declare a rule of the accuracy dimension: amounts add up, dates are in order."""
    return _DimensionRule(Dimension.ACCURACY, function)


def consistency(function: RuleFunction) -> _DimensionRule:
    """Declare a rule of the consistency dimension: keys are unique, references exist."""
    return _DimensionRule(Dimension.CONSISTENCY, function)


def validity(function: RuleFunction) -> _DimensionRule:
    """Declare a rule of the validity dimension: formats, enumerations, ranges."""
    return _DimensionRule(Dimension.VALIDITY, function)


def warning(function: RuleFunction) -> _Warning:
    """Declare a rule that is reported but keeps no row out."""
    return _Warning(function)


# ---- columns ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Reference:
    """A foreign key: the silver table it points at, and whether the parent must lie on the same day."""

    table: str
    same_day: bool = False


@dataclass(frozen=True)
class JsonField:
    """A column read from a JSON column of the source: from one key (None: its own name), or from all the rest."""

    column: str
    key: str | None
    rest: bool = False


class Says:
    """What a column says of itself beyond its type: one reader for each word of its metadata."""

    @staticmethod
    def key(column: dy.Column) -> bool:
        """Whether it identifies the row."""
        return bool((column.metadata or {}).get("key"))

    @staticmethod
    def personal(column: dy.Column) -> bool:
        """Whether it holds data of a natural person."""
        return bool((column.metadata or {}).get("personal"))

    @staticmethod
    def case(column: dy.Column) -> Case | None:
        """The case its words are brought to."""
        return (column.metadata or {}).get("case")

    @staticmethod
    def listed(column: dy.Column) -> Sequence[str]:
        """The words it may be, where they are listed."""
        listed: Sequence[str] = (column.metadata or {}).get("listed", ())
        return listed

    @staticmethod
    def reference(column: dy.Column) -> Reference | None:
        """The table its values must exist in."""
        return (column.metadata or {}).get("reference")

    @staticmethod
    def json(column: dy.Column) -> JsonField | None:
        """The JSON column it is read from."""
        return (column.metadata or {}).get("json")


def key(*, references: str | None = None, same_day: bool = False, nullable: bool = False) -> dy.Int64:
    """A column that identifies the row (with the other keys); it may also point at a parent table."""
    return dy.Int64(nullable=nullable, metadata={"key": True} | _reference(references, same_day=same_day))


def foreign_key(table: str, *, same_day: bool = False, nullable: bool = False) -> dy.Int64:
    """A column that must exist in silver `table` under the same column name."""
    return dy.Int64(nullable=nullable, metadata=_reference(table, same_day=same_day))


def integer(*, min: int | None = None, nullable: bool = False) -> dy.Int64:  # noqa: A002
    """A whole number."""
    return dy.Int64(min=min, nullable=nullable)


def money(*, min: int | None = None, nullable: bool = False) -> dy.Decimal:  # noqa: A002
    """An amount of the source: decimal(12,2)."""
    return dy.Decimal(MONEY_PRECISION, CENTS, min=min, nullable=nullable)


def total(*, min: int | None = None, nullable: bool = False) -> dy.Decimal:  # noqa: A002
    """A sum or average of amounts: decimal(18,2)."""
    return dy.Decimal(TOTAL_PRECISION, CENTS, min=min, nullable=nullable)


def ratio(*, nullable: bool = False) -> dy.Float64:
    """A dimensionless number (share, percentage, lift): never money."""
    return dy.Float64(nullable=nullable, allow_inf=False, allow_nan=False)


def text(*, nullable: bool = False, personal: bool = False, key: bool = False) -> dy.String:
    """Free text, trimmed, the empty string being null; `personal` marks data of a natural person."""
    return dy.String(nullable=nullable, metadata={"personal": personal, "key": key})


def enum(values: Sequence[str], *, case: Case = "lower") -> dy.String:
    """One of a fixed list of words, whose case is normalised before it is judged."""
    listed = tuple(values)
    return dy.String(check={"listed": lambda column: column.is_in(listed)}, metadata={"case": case, "listed": listed})


def email() -> dy.String:
    """An e-mail address, trimmed and lower-cased."""
    return dy.String(
        check={"format": lambda column: column.str.contains(_EMAIL)},
        metadata={"case": "lower", "personal": True},
    )


def currency() -> dy.String:
    """An ISO 4217 code: three capitals."""
    return dy.String(check={"format": lambda column: column.str.contains(_CURRENCY)})


def flag(*, nullable: bool = False) -> dy.Bool:
    """True or false."""
    return dy.Bool(nullable=nullable)


def version() -> dy.Datetime:
    """When this version of the row began: part of the key of a table that keeps every version."""
    return dy.Datetime(
        time_unit="us",
        time_zone="UTC",
        check={"plausible": lambda column: _plausible(column.dt.date())},
        metadata={"key": True},
    )


def timestamp(*, nullable: bool = False) -> dy.Datetime:
    """An instant: UTC microseconds, between 1900 and the day after the extraction."""
    return dy.Datetime(
        nullable=nullable,
        time_unit="us",
        time_zone="UTC",
        check={"plausible": lambda column: _plausible(column.dt.date())},
    )


def instant(*, nullable: bool = False) -> dy.Datetime:
    """An instant that was judged upstream: UTC microseconds."""
    return dy.Datetime(nullable=nullable, time_unit="us", time_zone="UTC")


def day(*, nullable: bool = False, key: bool = False) -> dy.Date:
    """A calendar date that was computed, not read."""
    return dy.Date(nullable=nullable, metadata={"key": key})


def date(*, nullable: bool = False, future: bool = False, personal: bool = False) -> dy.Date:
    """A calendar date from 1900 to the day after the extraction; `future` allows dates agreed ahead."""
    return dy.Date(
        nullable=nullable,
        check={"plausible": lambda column: column >= _EARLIEST if future else _plausible(column)},
        metadata={"personal": personal},
    )


def json_field(column: str, kind: ColumnT, *, key: str | None = None) -> ColumnT:
    """A typed, nullable column taken from a key (default: its own name) of the JSON text in `column`."""
    kind.nullable = True
    kind.metadata = {"json": JsonField(column, key)}
    return kind


def json_rest(column: str, *, personal: bool = False) -> dy.String:
    """What `column` holds beyond the known keys, as JSON text; null when nothing is left."""
    return dy.String(nullable=True, metadata={"json": JsonField(column, None, rest=True), "personal": personal})


#: A column the step adds before rules run: the day after the extraction, the latest date a row may speak of.
LATEST_DATE = "_latest_date"


def _plausible(day: pl.Expr) -> pl.Expr:
    return (day >= _EARLIEST) & (day <= pl.col(LATEST_DATE))


def _reference(table: str | None, *, same_day: bool) -> dict[str, Any]:
    return {} if table is None else {"reference": Reference(table, same_day)}


# ---- the contract ----------------------------------------------------------------------------------------------


class Contract(dy.Schema):
    """What a published table promises: its columns, their types, and the rules every row keeps."""

    @classmethod
    def key(cls) -> list[str]:
        """The columns that identify a row within its partition."""
        return [name for name, column in cls.columns().items() if Says.key(column)]

    @classmethod
    def personal(cls) -> list[str]:
        """The columns that hold data of a natural person."""
        return [name for name, column in cls.columns().items() if Says.personal(column)]

    @classmethod
    def references(cls) -> dict[str, Reference]:
        """Foreign keys: column → the silver table it must exist in."""
        return {name: told for name, column in cls.columns().items() if (told := Says.reference(column))}

    @classmethod
    def json_columns(cls) -> list[str]:
        """The JSON columns of the source that the contract reads."""
        return list(dict.fromkeys(told.column for column in cls.columns().values() if (told := Says.json(column))))

    @classmethod
    def json_keys(cls, json_column: str) -> tuple[dict[str, tuple[str, dy.Column]], str | None]:
        """What is read from a JSON column: column → (key, type), and the column that takes the rest."""
        told = {name: (field, column) for name, column in cls.columns().items() if (field := Says.json(column))}
        mine = {name: (field, column) for name, (field, column) in told.items() if field.column == json_column}
        known = {name: (field.key or name, column) for name, (field, column) in mine.items() if not field.rest}
        return known, next((name for name, (field, _) in mine.items() if field.rest), None)

    @classmethod
    def rules(cls) -> list[Rule]:
        """Every rule of the contract, the columns' own first."""
        own = [
            Rule(f"{name}|{_short(rule)}", _dimension_of(rule), keeps)
            for name, column in cls.columns().items()
            for rule, keeps in column.validation_rules(pl.col(name)).items()
        ]
        return own + [
            Rule(name, declared.dimension, declared.validation_fn(cls))
            for name, declared in cls._declared(_DimensionRule)
        ]

    @classmethod
    def source_columns(cls) -> dict[str, str]:
        """Column → the source's column it is read from: its own name, or the JSON column of its key."""
        return {name: told.column if (told := Says.json(column)) else name for name, column in cls.columns().items()}

    @classmethod
    def culprits(cls, rule: str) -> set[str]:
        """The source's columns that a rule looks at; those of `readable` only a row knows."""
        column, _, kind = rule.partition("|")
        sources = cls.source_columns()
        if kind:
            return set(cls.key()) if column == "key" else {sources.get(column, column)}
        looked_at = {name for known in cls.rules() if known.name == rule for name in known.keeps.meta.root_names()}
        return {sources[name] for name in looked_at if name in sources}

    @classmethod
    def warnings(cls) -> dict[str, pl.Expr]:
        """The rules that are only reported."""
        return {name: declared.function(cls) for name, declared in cls._declared(_Warning)}

    @classmethod
    def arrow_schema(cls) -> pa.Schema:
        """The types the table is published with, without the partition column."""
        empty = pl.DataFrame(schema={name: column.dtype for name, column in cls.columns().items()})
        plain = empty.to_arrow(compat_level=pl.CompatLevel.oldest()).schema
        return pa.schema([field.with_type(_plain(field.type)) for field in plain])

    @classmethod
    def _declared(cls, kind: type[DeclaredT]) -> list[tuple[str, DeclaredT]]:
        return [
            (name, value)
            for parent in reversed(cls.__mro__)
            for name, value in vars(parent).items()
            if isinstance(value, kind)
        ]


def _short(rule: str) -> str:
    return rule.removeprefix("check__")


def _dimension_of(column_rule: str) -> Dimension:
    return Dimension.COMPLETENESS if column_rule == "nullability" else Dimension.VALIDITY


def _plain(kind: pa.DataType) -> pa.DataType:
    return pa.string() if pa.types.is_large_string(kind) else kind
