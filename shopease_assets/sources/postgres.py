"""A PostgreSQL source: one repeatable-read snapshot of it, read as Arrow batches.

Reading is streamed by ADBC, so memory does not grow with the range. Where the rows go is not decided here.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from types import TracebackType
from typing import Any, Self
from zoneinfo import ZoneInfo

import pyarrow as pa
from adbc_driver_postgresql import dbapi
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from shopease_assets.core.errors import SourceError, SourceUnavailable
from shopease_assets.core.masking import redacted
from shopease_assets.sources.arrow_rows import YEARS, typed
from shopease_assets.sources.dsn import describe_dsn
from shopease_assets.sources.postgres_table import (
    READ_AS_TEXT,
    DayRange,
    PostgresTable,
    Shape,
    check_columns,
    lake_type,
)

EXTRACTED_AT, SOURCE = "_extracted_at", "_source"
_INFINITE = "('infinity', '-infinity')"
_READABLE = "timestamptz '0001-01-01' and '9999-01-01'"  # as arrow_rows has it
_ONE_INSTANT = r"-c default_transaction_isolation=repeatable\ read -c default_transaction_read_only=on -c TimeZone=UTC"
#: Of other roles' sessions only a member of pg_read_all_stats (or pg_monitor) sees the beginning.
_OLDEST_WORK = """select least(now(), min(xact_start)) from pg_stat_activity
                  where backend_type = 'client backend' and datname = current_database() and pid <> pg_backend_pid()"""
_BATCH_BYTES = 2 << 20
_LITERAL = re.compile("'(?:[^']|'')*'")  # a report is handed rows the source has overwritten: names of persons too
_FIRST_AND_LAST = [f"{date(year, 1, 1)}" for year in YEARS]


class PostgresSnapshot:
    """One repeatable-read, read-only transaction: everything read through it is from the same instant.

    Raises:
        SourceUnavailable: the server cannot be reached.
    """

    def __init__(self, dsn: str) -> None:
        options = f"{conninfo_to_dict(dsn).get('options', '')} {_ONE_INSTANT}"
        conninfo = make_conninfo(dsn, options=options, connect_timeout=10, application_name="shopease")
        try:
            self._connection = dbapi.connect(conninfo)
        except dbapi.Error as error:
            raise SourceUnavailable(
                f"the source {describe_dsn(dsn)} cannot be reached ({_reason(error)}); "
                "start it or correct SHOPEASE_SOURCE_DSN"
            ) from None
        moments = self._rows(f"select now() as taken, ({_OLDEST_WORK}) as settled")[0]
        self.taken_at: datetime = moments["taken"]
        #: What was written before then is seen: a transaction still open may yet commit rows dated by its beginning.
        self.settled_at: datetime = moments["settled"]

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
        check_columns(table, types, new)
        return Shape(
            types={name: table.types.get(name, kind) for name, kind in types.items()},
            nullable=frozenset(column["name"] for column in found if not column["filled"]),
            new_columns=new,
        )

    def read(self, table: PostgresTable, shape: Shape, days: DayRange) -> Iterator[pa.RecordBatch]:
        """The rows of the days, with their day in `dt`, as they are in the source.

        Raises:
            SourceUnavailable: the connection broke; nothing read so far is worth keeping.
        """
        constants = {
            EXTRACTED_AT: pa.scalar(self.taken_at, pa.timestamp("us", "UTC")),
            SOURCE: pa.scalar(f"postgresql:{table}"),
        }
        for batch in self._batches(self.select(table, shape, days, _columns(shape.types)), str(table)):
            yield typed(batch, shape, constants)

    def totals(self, table: PostgresTable, shape: Shape, days: DayRange) -> dict[str, dict[str, Any]]:
        """Per day: `rows`, and the exact sum of each money column, computed by the source itself."""
        sums = ", ".join(
            f"sum({column}) filter (where {readable(column, table.types[column])})::text as {column}"
            for column in table.money
        )
        selection = "".join(f", t.{column}" for column in table.money)
        inner = self.select(table, shape, days, selection.removeprefix(", ") or "1 as one")
        rows = self._rows(f"select dt, count(*) as rows{', ' if sums else ''}{sums} from ({inner}) as t group by dt")
        return {row.pop("dt").isoformat(): {name: _number(value) for name, value in row.items()} for row in rows}

    def ask(self, sql: str, subject: str = "the source") -> pa.Table:
        """The result of one SELECT, as of the snapshot; `subject` opens the error.

        Raises:
            SourceUnavailable: the connection broke, or the SELECT failed.
        """
        return pa.Table.from_batches(list(self._batches(sql, subject)))

    def counts(self, table: PostgresTable, days: DayRange) -> dict[date, int]:
        """How many rows each of the days has, for days that have any: an index scan where the day has an index."""
        inner = self.select(table, None, days, "1 as one")
        return {
            row["dt"]: row["rows"] for row in self._rows(f"select dt, count(*) as rows from ({inner}) as t group by dt")
        }

    def is_empty(self, table: PostgresTable) -> bool:
        """Whether the table has no row at all."""
        return not self._rows(f"select 1 as one from {table} limit 1")

    def changes(self, table: PostgresTable, since: datetime | None, days: DayRange) -> pa.Table:
        """Which rows of the days arrived or changed since then: their key, `updated_at`, `dt`, and `moved_at`.

        A parent's change counts for its children: it may have moved them to another day. `moved_at` is the newest of
        these moments; infinite ones are null, as in the lake. Without `since`, all rows.
        """
        moments = [
            f"{at}.{column}" for at in ("tp" if table.parent else "t") for column in ("updated_at", "created_at")
        ]
        finite = [f"case when {moment} between {_READABLE} then {moment} end" for moment in moments]
        key = _columns({name: table.types[name] for name in table.key})
        selection = f"{key}, {finite[0]} as updated_at, greatest({', '.join(finite)}) as moved_at"
        if since is None:
            return self.ask(self.select(table, None, days, selection))
        dated = f"{'p' if table.parent else 't'}.{table.day}"
        own = _partition_of(dated, table.types.get(table.day) == "date", days)
        day = f"case when isfinite({dated}) then {own} else {_partition_of('t.created_at', False, days)} end"
        branches = " union ".join(  # one per moment: each can use its own index
            f"select {day} as dt, {selection} from {self._source(table)} "
            f"where {moment} >= timestamptz '{since.isoformat()}' and isfinite(t.created_at)"
            for moment in moments
        )
        return self.ask(f"select * from ({branches}) as t where dt between '{days.start}' and '{days.end}'")

    def select(self, table: PostgresTable, shape: Shape | None, days: DayRange, selection: str) -> str:
        """The SELECT of the rows (`t`, their parent `p`) by their business day in `dt`.

        Those that have none (null, infinity, orphan) go by the day they arrived. Without a shape, the day may be null.
        """
        day = f"p.{table.day}" if table.parent else f"t.{table.day}"
        source = self._source(table)
        is_date = table.types.get(table.day) == "date"
        partition, within = _partition_of(day, is_date, days), _within(day, is_date, days)
        dated = f"select {partition} as dt, {selection} from {source} where {within}"
        undated = [f"{day} in {_INFINITE}"]
        if (table.parent is not None and not self._always_has_parent(table)) or (
            table.parent is None and (shape is None or table.day in shape.nullable)
        ):
            undated.append(f"{day} is null")
        return (
            f"{dated} union all select {_partition_of('t.created_at', False, days)} as dt, {selection} from {source} "
            f"where ({' or '.join(undated)}) and {_within('t.created_at', False, days)}"
        )

    def _source(self, table: PostgresTable) -> str:
        """The table as `t`, with its parent as `p`: never more than one, however often the source repeats it."""
        if not table.parent:
            return f"{table} as t"
        parent, column = f"{table.schema}.{table.parent[0]}", table.parent[1]
        unique = self._rows(
            f"""select 1 as one from pg_index as i join pg_attribute as a on a.attrelid = i.indrelid
                where i.indrelid = to_regclass('{parent}') and i.indisunique and i.indnatts = 1
                  and a.attnum = i.indkey[0] and a.attname = '{column}'"""
        )
        newest = f"(select distinct on ({column}) * from {parent} order by {column}, updated_at desc, {table.day} desc)"
        return f"{table} as t left join {parent if unique else newest} as p on p.{column} = t.{column}"

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
        rows: list[dict[str, Any]] = self.ask(sql).to_pylist()
        return rows

    def _batches(self, sql: str, subject: str) -> Iterator[pa.RecordBatch]:
        try:
            with self._connection.cursor() as cursor:
                cursor.adbc_statement.set_options(**{"adbc.postgresql.batch_size_hint_bytes": str(_BATCH_BYTES)})
                cursor.execute(sql)
                reader = cursor.fetch_record_batch()
                yield pa.RecordBatch.from_pylist([], schema=reader.schema)  # a day without rows has columns too
                yield from reader
        except (dbapi.Error, OSError) as error:
            reason = redacted(_reason(error), re.findall(r"\w+", _LITERAL.sub("", sql)))
            raise SourceUnavailable(f"{subject} could not be read ({reason}); run it again") from None


def _reason(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return re.sub(r"\s+", " ", " ".join(lines[:2]))


def _columns(types: Mapping[str, str]) -> str:
    return ", ".join(
        f't."{name}"::text as "{name}"' if READ_AS_TEXT.match(kind) else f't."{name}"' for name, kind in types.items()
    )


def _partition_of(column: str, is_date: bool, days: DayRange) -> str:
    day = _day_of(column, is_date, days.zone)
    return f"greatest({day}, date '{days.start}')" if days.first else day


def _day_of(column: str, is_date: bool, zone: ZoneInfo) -> str:
    return column if is_date else f"({column} at time zone '{zone.key}')::date"


def _within(column: str, is_date: bool, days: DayRange) -> str:
    start, end = (days.start, days.end + timedelta(days=1)) if is_date else days.instants
    kind = "date" if is_date else "timestamptz"
    upper = f"{column} < {kind} '{end.isoformat()}'"
    return f"isfinite({column}) and {upper}" if days.first else f"{column} >= {kind} '{start.isoformat()}' and {upper}"


def readable(column: str, declared: str) -> str:
    """Whether the lake's type holds the value: the others are told in `_unreadable` and count as null there too."""
    kind = lake_type(declared)
    if isinstance(kind, pa.Decimal128Type):
        return f"abs({column}) < 1e{kind.precision - kind.scale} and {column} = round({column}, {kind.scale})"
    if not pa.types.is_temporal(kind):
        return "true"
    low, high = (f"{'date' if declared == 'date' else 'timestamptz'} '{day}'" for day in _FIRST_AND_LAST)
    return f"{column} between {low} and {high}"


def _number(value: Any) -> Any:
    return Decimal(value) if isinstance(value, str) else value
