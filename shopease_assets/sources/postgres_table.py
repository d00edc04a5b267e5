"""What a source table looks like: its declaration, the days asked of it, the lake's types for PostgreSQL's.

No connection here; `postgres` reads, `arrow_rows` types what was read.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

import pyarrow as pa

from shopease_assets.core.errors import SourceError


@dataclass(frozen=True)
class PostgresTable:
    """A source table: its key, its columns (`"order_id bigint, total_amount numeric(12,2)"`), and a row's business day.

    `day` is a date or timestamptz column, of the row itself or, with `parent` (table, join column), of its parent row.
    With `versions` the rows of a day are the versions whose `updated_at` falls in it. A row without `tenant_id` is of
    its parent's tenant, or of that of the row it points at: `tenant` (table, join column). `personal` columns hold data
    of natural persons.
    """

    name: str
    key: tuple[str, ...]
    columns: str
    day: str = "updated_at"
    parent: tuple[str, str] | None = None
    tenant: tuple[str, str] | None = None
    schema: str = "shop"
    personal: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.key:
            raise ValueError(f"{self.name}: a source table needs a key")
        missing = {*self.key, "created_at", *self.personal, *(() if self.parent else (self.day,))} - set(self.types)
        if missing:
            raise ValueError(f"{self.name}: {', '.join(sorted(missing))} not among its columns")

    @cached_property
    def types(self) -> Mapping[str, str]:
        """Column → PostgreSQL type, as declared."""
        declared = (line.split(maxsplit=1) for line in re.split(r",(?![^(]*\))", self.columns))
        return {name: kind.strip() for name, kind in declared}

    @property
    def versions(self) -> bool:
        """Whether a day holds the row versions changed in it, rather than what happened in it."""
        return self.day == "updated_at"

    @property
    def money(self) -> list[str]:
        """The columns whose sums must agree between source and lake."""
        return [name for name, kind in self.types.items() if kind.startswith("numeric")]

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True)
class DayRange:
    """Consecutive business days, both ends included; `first` says that everything older belongs to `start` too."""

    start: date
    end: date
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    first: bool = False

    def __post_init__(self) -> None:
        if self.end < self.start:
            raise ValueError(f"{self.end} lies before {self.start}")

    def __iter__(self) -> Iterator[date]:
        """The days, ascending."""
        return (self.start + timedelta(days=n) for n in range((self.end - self.start).days + 1))

    @property
    def instants(self) -> tuple[datetime, datetime]:
        """The half-open interval of instants the days cover, in UTC; days are not always 24 hours long."""
        midnights = (datetime.combine(day, time(), self.zone) for day in (self.start, self.end + timedelta(days=1)))
        start, end = (midnight.astimezone(UTC) for midnight in midnights)
        return start, end


@dataclass(frozen=True)
class Shape:
    """A table as the source has it now: columns with their types, and which of them can be null."""

    types: Mapping[str, str]
    nullable: frozenset[str]
    new_columns: tuple[str, ...]


def lake_type(kind: str) -> pa.DataType | None:
    """The lake's type for a PostgreSQL type, chosen wide; None for types we do not read.

    >>> lake_type("integer"), lake_type("numeric(12,2)")
    (DataType(int64), Decimal128Type(decimal128(12, 2)))
    """
    if match := re.fullmatch(r"numeric\((\d+),\s*(\d+)\)", kind):
        return pa.decimal128(int(match[1]), int(match[2]))
    return _LAKE_TYPES.get(re.sub(r"\(\d+\)", "", kind))


_LAKE_TYPES: Mapping[str, pa.DataType] = {
    **dict.fromkeys(("smallint", "int", "integer", "bigint"), pa.int64()),
    **dict.fromkeys(("real", "double precision"), pa.float64()),
    **dict.fromkeys(
        (
            "text",
            "character varying",
            "char",
            "character",
            "json",
            "jsonb",
            "inet",
            "uuid",
            "numeric",
            '"char"',
        ),
        pa.string(),
    ),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamptz": pa.timestamp("us", "UTC"),
    "timestamp with time zone": pa.timestamp("us", "UTC"),
}
_OURS = frozenset({"dt", "_extracted_at", "_source", "_unreadable"})
READ_AS_TEXT = re.compile(r"numeric|json|inet|uuid|char|interval|.*range|.*\[\]|USER-DEFINED")


def check_columns(table: PostgresTable, types: Mapping[str, str], new: Sequence[str]) -> None:
    """Whether the source still has what was declared.

    Raises:
        SourceError: a declared column is gone or has an incompatible type, or a new one cannot be read.
    """
    gone = [name for name in table.types if name not in types]
    if gone:
        renamed = f" (new there: {', '.join(new)}; renamed?)" if new else ""
        raise SourceError(
            f"{table}: column {', '.join(gone)} is gone from the source{renamed}; "
            f"restore it, or change shopease_assets/bronze/{table.name}.py"
        )
    for name, declared in table.types.items():
        if not _compatible(declared, types[name]):
            raise SourceError(
                f"{table}: column {name} is {types[name]} in the source, {declared} in "
                f"shopease_assets/bronze/{table.name}.py; change one of them"
            )
    ours = [name for name in new if name in _OURS]
    if ours:
        raise SourceError(f"{table}: new column {', '.join(ours)} has a name the lake uses itself; rename it in a view")
    unreadable = [f"{name} {types[name]}" for name in new if lake_type(types[name]) is None]
    if unreadable:
        raise SourceError(f"{table}: new column {', '.join(unreadable)} has a type we cannot read; cast it in a view")


def _compatible(declared: str, actual: str) -> bool:
    """Wider is welcome (a value that does not fit is kept as unreadable); another kind or a finer scale is not."""
    wanted, found = lake_type(declared), lake_type(actual)
    if isinstance(wanted, pa.Decimal128Type):
        return actual == "numeric" or (isinstance(found, pa.Decimal128Type) and found.scale <= wanted.scale)
    return wanted is not None and wanted == found and actual != "numeric"
