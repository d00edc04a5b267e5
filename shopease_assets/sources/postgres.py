"""A PostgreSQL source: what a table looks like there, and one repeatable-read snapshot read as Arrow batches.

Reading is streamed by ADBC, so memory does not grow with the range. What the lake's type cannot hold (NaN, infinity,
a number too long) is nulled and kept as text in `_unreadable`: no row is lost and silver can refuse it by rule.
Where the rows go is not decided here.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from functools import cached_property
from types import TracebackType
from typing import Any, Self
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc
from adbc_driver_postgresql import dbapi
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from shopease_assets.core.errors import SourceError

UNREADABLE, EXTRACTED_AT, SOURCE = "_unreadable", "_extracted_at", "_source"
_INFINITE = "('infinity', '-infinity')"
_BATCH_BYTES = 4 << 20
#: What ADBC makes of ±infinity lies far outside these years; so does no instant a shop could mean.
_YEARS = (1, 9999)


# ---- what a table looks like -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class PostgresTable:
    """A source table: its key, its columns (`"order_id bigint, total_amount numeric(12,2)"`), and a row's business day.

    `day` is a date or timestamptz column, of the row itself or, with `parent` (table, join column), of its parent row.
    With `versions` the rows of a day are the versions whose `updated_at` falls in it.
    """

    name: str
    key: tuple[str, ...]
    columns: str
    day: str = "updated_at"
    parent: tuple[str, str] | None = None
    schema: str = "shop"

    def __post_init__(self) -> None:
        if not self.key:
            raise ValueError(f"{self.name}: a source table needs a key")
        missing = {*self.key, "created_at", *(() if self.parent else (self.day,))} - set(self.types)
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
_READ_AS_TEXT = re.compile(r"numeric|json|inet|uuid|char|interval|.*range|.*\[\]|USER-DEFINED")


# ---- one snapshot ----------------------------------------------------------------------------------------------


class PostgresSnapshot:
    """One repeatable-read, read-only transaction: everything read through it is from the same instant.

    Raises:
        SourceError: the server cannot be reached.
    """

    def __init__(self, dsn: str) -> None:
        options = (
            r"-c default_transaction_isolation=repeatable\ read -c default_transaction_read_only=on -c TimeZone=UTC"
        )
        conninfo = make_conninfo(dsn, options=options, connect_timeout=10, application_name="shopease")
        try:
            self._connection = dbapi.connect(conninfo)
        except dbapi.Error as error:
            raise SourceError(
                f"the source {describe_dsn(dsn)} cannot be reached ({_reason(error)}); "
                "start it or correct SHOPEASE_SOURCE_DSN"
            ) from None
        self.taken_at: datetime = self._rows("select now()")[0]["now"]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the transaction and the connection."""
        self._connection.close()

    def shape(self, table: PostgresTable) -> Shape:
        """The table's columns now.

        Raises:
            SourceError: the table or a declared column is gone, or a column has an incompatible type.
        """
        found = self._rows(
            f"""select attname as name, format_type(atttypid, atttypmod) as kind, attnotnull as filled
                from pg_attribute
                where attrelid = to_regclass('{table}') and attnum > 0 and not attisdropped
                order by attnum"""  # our own identifiers
        )
        if not found:
            raise SourceError(f"the source has no table {table}; restore it, or remove its bronze file")
        types = {column["name"]: column["kind"] for column in found}
        new = tuple(name for name in types if name not in table.types)
        _check_columns(table, types, new)
        return Shape(
            types={name: table.types.get(name, kind) for name, kind in types.items()},
            nullable=frozenset(column["name"] for column in found if not column["filled"]),
            new_columns=new,
        )

    def read(self, table: PostgresTable, shape: Shape, days: DayRange) -> Iterator[pa.RecordBatch]:
        """The rows of the days, with their day in `dt`, as they are in the source.

        Raises:
            SourceError: the connection broke; nothing read so far is worth keeping.
        """
        constants = {
            EXTRACTED_AT: pa.scalar(self.taken_at, pa.timestamp("us", "UTC")),
            SOURCE: pa.scalar(f"postgresql:{table}"),
        }
        for batch in self._batches(self._query(table, shape, days, _columns(shape)), str(table)):
            yield _typed(batch, shape, constants)

    def totals(self, table: PostgresTable, shape: Shape, days: DayRange) -> dict[str, dict[str, Any]]:
        """Per day: `rows`, and the exact sum of each money column, computed by the source itself."""
        sums = ", ".join(f"sum({column}) filter (where {column} <> 'NaN')::text as {column}" for column in table.money)
        selection = "".join(f", t.{column}" for column in table.money)
        inner = self._query(table, shape, days, selection.removeprefix(", ") or "1 as one")
        rows = self._rows(f"select dt, count(*) as rows{', ' if sums else ''}{sums} from ({inner}) as t group by dt")
        return {row.pop("dt").isoformat(): {name: _number(value) for name, value in row.items()} for row in rows}

    def days_touched(self, table: PostgresTable, since: datetime, zone: ZoneInfo) -> set[date]:
        """The business days of rows that arrived or changed since then; a parent's change counts for its children."""
        aliases = ["t", "p"] if table.parent else ["t"]
        moved = " or ".join(
            f"{alias}.{column} >= timestamptz '{since.isoformat()}'"
            for alias in aliases
            for column in ("updated_at", "created_at")
        )
        day = _day_of(f"{aliases[-1]}.{table.day}", table.types.get(table.day) == "date", zone)
        rows = self._rows(f"select distinct {day} as day from {_source(table)} where {moved}")
        return {row["day"] for row in rows if row["day"]}

    def _query(self, table: PostgresTable, shape: Shape, days: DayRange, selection: str) -> str:
        """Rows by their business day, and those that have none (null, infinity, orphan) by the day they arrived."""
        day = f"p.{table.day}" if table.parent else f"t.{table.day}"
        source = _source(table)
        is_date = table.types.get(table.day) == "date"
        partition, within = _partition_of(day, is_date, days), _within(day, is_date, days)
        dated = f"select {partition} as dt, {selection} from {source} where {within}"
        if table.versions:
            return dated
        undated = [f"{day} in {_INFINITE}"]
        if (table.parent is not None and not self._always_has_parent(table)) or (
            table.parent is None and table.day in shape.nullable
        ):
            undated.append(f"{day} is null")
        return (
            f"{dated} union all select {_partition_of('t.created_at', False, days)} as dt, {selection} from {source} "
            f"where ({' or '.join(undated)}) and {_within('t.created_at', False, days)}"
        )

    def _always_has_parent(self, table: PostgresTable) -> bool:
        """Whether the source enforces that each row has a parent with a day."""
        assert table.parent is not None  # noqa: S101  # asked only then
        parent, column = table.parent
        enforced = self._rows(
            f"""select 1 as one
                from pg_constraint as c
                join pg_attribute as a on a.attrelid = c.confrelid and a.attname = '{table.day}' and a.attnotnull
                join pg_attribute as j on j.attrelid = c.conrelid and j.attname = '{column}' and j.attnotnull
                where c.contype = 'f' and c.convalidated and j.attnum = c.conkey[1]
                  and c.conrelid = to_regclass('{table}') and c.confrelid = to_regclass('{table.schema}.{parent}')"""
        )
        return bool(enforced)

    def _rows(self, sql: str) -> list[dict[str, Any]]:
        return [row for batch in self._batches(sql, "the source") for row in batch.to_pylist()]

    def _batches(self, sql: str, subject: str) -> Iterator[pa.RecordBatch]:
        try:
            with self._connection.cursor() as cursor:
                cursor.adbc_statement.set_options(**{"adbc.postgresql.batch_size_hint_bytes": str(_BATCH_BYTES)})
                cursor.execute(sql)
                yield from cursor.fetch_record_batch()
        except (dbapi.Error, OSError) as error:
            raise SourceError(f"{subject} could not be read ({_reason(error)}); run it again") from None


def describe_dsn(dsn: str) -> str:
    """Where a DSN points, without its secrets: `shop at db.example.com:5432`."""
    parts = conninfo_to_dict(dsn)
    return f"{parts.get('dbname', 'postgres')} at {parts.get('host', 'localhost')}:{parts.get('port', 5432)}"


def _reason(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return re.sub(r"\s+", " ", " ".join(lines[:2]))


# ---- SQL -------------------------------------------------------------------------------------------------------


def _columns(shape: Shape) -> str:
    return ", ".join(
        f't."{name}"::text as "{name}"' if _READ_AS_TEXT.match(kind) else f't."{name}"'
        for name, kind in shape.types.items()
    )


def _source(table: PostgresTable) -> str:
    if not table.parent:
        return f"{table} as t"
    parent, column = table.parent
    return f"{table} as t left join {table.schema}.{parent} as p on p.{column} = t.{column}"


def _partition_of(column: str, is_date: bool, days: DayRange) -> str:
    day = _day_of(column, is_date, days.zone)
    return f"greatest({day}, date '{days.start}')" if days.first else day


def _day_of(column: str, is_date: bool, zone: ZoneInfo) -> str:
    return column if is_date else f"({column} at time zone '{zone.key}')::date"


def _within(column: str, is_date: bool, days: DayRange) -> str:
    start, end = (days.start, days.end + timedelta(days=1)) if is_date else days.instants
    kind = "date" if is_date else "timestamptz"
    upper = f"{column} < {kind} '{end.isoformat()}'"
    return upper if days.first else f"{column} >= {kind} '{start.isoformat()}' and {upper}"


def _check_columns(table: PostgresTable, types: Mapping[str, str], new: Sequence[str]) -> None:
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
    unreadable = [f"{name} {types[name]}" for name in new if lake_type(types[name]) is None]
    if unreadable:
        raise SourceError(f"{table}: new column {', '.join(unreadable)} has a type we cannot read; cast it in a view")


def _compatible(declared: str, actual: str) -> bool:
    """Wider is welcome (a value that does not fit is kept as unreadable); another kind or a finer scale is not."""
    wanted, found = lake_type(declared), lake_type(actual)
    if isinstance(wanted, pa.Decimal128Type):
        return actual == "numeric" or (isinstance(found, pa.Decimal128Type) and found.scale <= wanted.scale)
    return wanted is not None and wanted == found and actual != "numeric"


# ---- Arrow -----------------------------------------------------------------------------------------------------


def _typed(batch: pa.RecordBatch, shape: Shape, constants: Mapping[str, pa.Scalar]) -> pa.RecordBatch:
    """The batch in the lake's types, with what does not fit told in `_unreadable`."""
    refused: dict[str, pa.Array] = {}
    columns: dict[str, pa.Array] = {"dt": batch.column("dt")}
    for name, kind in shape.types.items():
        columns[name], bad = _cast(batch.column(name), lake_type(kind))
        if bad is not None:
            refused[name] = bad
    columns[UNREADABLE] = _told(refused, batch.num_rows)
    columns |= {name: pa.repeat(value, batch.num_rows) for name, value in constants.items()}
    return pa.RecordBatch.from_pydict(columns)


def _cast(column: pa.Array, kind: pa.DataType | None) -> tuple[pa.Array, pa.Array | None]:
    """The column in the lake's type, and where it does not fit the original as text."""
    if pa.types.is_temporal(column.type):
        return _finite(column if column.type == kind else column.cast(kind))
    if not pa.types.is_decimal(kind):
        return (column if column.type == kind else column.cast(kind)), None
    try:
        return column.cast(kind), None
    except pa.ArrowInvalid:
        fits = pa.array([_fits(value, kind) for value in column.to_pylist()])
        refused = pc.if_else(fits, pa.scalar(None, pa.string()), column)
        return pc.if_else(fits, column, pa.scalar(None, pa.string())).cast(kind), refused


def _fits(value: str | None, kind: pa.Decimal128Type) -> bool:
    if value is None:
        return True
    try:
        number = Decimal(value)
    except InvalidOperation:
        return False
    return (
        number.is_finite() and number == round(number, kind.scale) and abs(number) < 10 ** (kind.precision - kind.scale)
    )


def _finite(column: pa.Array) -> tuple[pa.Array, pa.Array | None]:
    bounds = pc.min_max(column)
    low, high = (pa.scalar(date(year, 1, 1)).cast(column.type) for year in _YEARS)
    if not bounds["min"].is_valid or (
        pc.less_equal(low, bounds["min"]).as_py() and pc.less_equal(bounds["max"], high).as_py()
    ):
        return column, None
    finite = pc.and_(pc.less_equal(low, column), pc.less_equal(column, high))
    refused = pc.if_else(finite, pa.scalar(None, pa.string()), pa.scalar("infinity"))
    return pc.if_else(finite, column, pa.scalar(None, column.type)), refused


def _told(refused: Mapping[str, pa.Array], rows: int) -> pa.Array:
    if not refused:
        return pa.nulls(rows, pa.string())
    told = (
        {name: value for name, value in zip(refused, values, strict=True) if value is not None}
        for values in zip(*(column.to_pylist() for column in refused.values()), strict=True)
    )
    return pa.array([json.dumps(entry) if entry else None for entry in told], pa.string())


def _number(value: Any) -> Any:
    return Decimal(value) if isinstance(value, str) else value
