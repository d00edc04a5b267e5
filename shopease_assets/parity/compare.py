"""Source against bronze: one aggregated scan of each side, and a second look at the days that disagree.

Facts: the rows of a day at the source are those of bronze. Tables with `versions`: bronze also keeps what the source
has overwritten, so the newest version of each key in the lake is the source's row.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pyarrow as pa

from shopease_assets.core.layout import TableRef, partition_date
from shopease_assets.engines import duckdb
from shopease_assets.parity.certificate import Compared, Difference, Figures, TableParity
from shopease_assets.parity.lake_snapshot import LakeSnapshot
from shopease_assets.parity.row_hash import DUCKDB, POSTGRES, readable_or_null
from shopease_assets.sources.postgres import EXTRACTED_AT, PostgresSnapshot
from shopease_assets.sources.postgres_table import DayRange, PostgresTable
from shopease_assets.storage.relation import Relation
from shopease_assets.storage.versions import written_at

CHANGED, MISSING, GONE = "changed", "missing in the lake", "not at the source any more"
CHANGED_SINCE, ADDED_SINCE = "changed since it was read", "added since the day was read"
UNPUBLISHED = "not in the lake"
_COLUMN = "hash_of_"


@dataclass(frozen=True)
class Sides:
    """A table at the source and in the lake as SELECTs with equal columns: dt, the key, tenant, sums, row_hash, …"""

    table: PostgresTable
    snapshot: PostgresSnapshot
    at_source: str
    in_lake: str
    relations: Mapping[tuple[str, str], Relation]
    published: Mapping[date, datetime | None]

    def ask_source(self, sql: str) -> pa.Table:
        """What the source answers; `{rows}` stands for its rows."""
        return self.snapshot.ask(sql.format(rows=self.at_source), str(self.table))

    def ask_lake(self, sql: str) -> pa.Table:
        """What the lake answers; `{rows}` stands for its rows."""
        return duckdb.query(sql.format(rows=self.in_lake), self.relations)


def compared_with_bronze(
    table: PostgresTable, snapshot: PostgresSnapshot, lake: LakeSnapshot, days: DayRange, lake_start: date
) -> TableParity:
    """The table's days at the source against what bronze publishes of them.

    Raises:
        SourceError: the table or a column is gone at the source, or it cannot be read.
    """
    sides = _sides(table, snapshot, lake, days, lake_start)
    compared, read_at = _figures(sides)
    disagree = {group.day for group in _by_day(compared) if not group.equal}
    unread = disagree - set(sides.published)
    # A version may have moved to a day that was never read; of a fact's unread day nothing is in the lake anyway.
    looked_at = disagree if table.versions and sides.published else disagree - unread
    found = _differing_rows(sides, looked_at, read_at) if looked_at else []
    listed = [one for one in found if not (one.day in unread and one.what in {MISSING, ADDED_SINCE})]
    wholly = [
        Difference(str(table), day, UNPUBLISHED, rows=rows)
        for day in sorted(unread)
        if (rows := _rows_at_source(compared, day) - sum(one.day == day for one in listed))
    ]
    return TableParity(
        table.name,
        [group for group in compared if group.day in set(days)],
        [one for one in (*listed, *wholly) if one.day in set(days)],
    )


def _sides(
    table: PostgresTable, snapshot: PostgresSnapshot, lake: LakeSnapshot, days: DayRange, lake_start: date
) -> Sides:
    if table.versions:
        today = snapshot.taken_at.astimezone(days.zone).date()
        days = DayRange(lake_start, max(today, lake_start), days.zone, first=True)
    pointers = lake.pointers(ref := TableRef("bronze", table.name))
    shown = {key: pointer for key, pointer in pointers.items() if table.versions or partition_date(key) in set(days)}
    relations = {("bronze", table.name): lake.relation(ref, shown)} if shown else {}
    joined = table.tenant or table.parent
    own = "tenant_id" in table.types
    if joined and not own:
        relations["bronze", joined[0]] = _owners(lake, *joined)
    at_source = _of_tenant(
        snapshot.select(table, snapshot.shape(table), days, _selection(table, source=True)),
        f"{table.schema}.{joined[0]}" if table.tenant and joined else None,
        table,
    )
    in_lake = _of_tenant(
        f"select t.dt, {_selection(table, source=False)} from bronze.{table.name} as t",
        f"bronze.{joined[0]}" if joined and not own else None,
        table,
    )
    if table.versions:
        at_source, in_lake = _newest(at_source, table), _newest(in_lake, table)
    read = {partition_date(key): written_at(pointer.version) for key, pointer in shown.items()}
    return Sides(table, snapshot, at_source, in_lake, relations, read)


def _owners(lake: LakeSnapshot, name: str, link: str) -> Relation:
    """The table that says a row's tenant; empty when it was never published."""
    ref = TableRef("bronze", name)
    if not lake.has(ref):
        return Relation(ref, pa.schema([(link, pa.int64()), ("tenant_id", pa.int64())]), {})
    return lake.relation(ref)


def _selection(table: PostgresTable, *, source: bool) -> str:
    """What is asked of each row: its key, tenant, times, money, row hash and column hashes."""
    dialect = POSTGRES if source else DUCKDB

    def value(name: str) -> str:
        return readable_or_null(f"t.{name}", table.types[name]) if source else f"t.{name}"

    def moment(column: str) -> str:
        return dialect.value(column, "timestamptz").removesuffix("::text").removesuffix("::varchar")

    if "tenant_id" in table.types:
        tenant = "t.tenant_id as tenant"
    elif source and table.tenant is None and table.parent:
        tenant = "p.tenant_id as tenant"
    elif link := table.tenant or table.parent:
        tenant = f"t.{link[1]} as link"
    else:
        tenant = "null::int as tenant"
    read_at = "null::bigint" if source else moment(f"t.{EXTRACTED_AT}")
    hashes = zip(table.types, dialect.column_hashes(table.types), strict=True)
    return ", ".join(
        [
            *(f"t.{name} as key_{name}" for name in table.key),
            tenant,
            f"{moment('t.updated_at')} as moved_at",
            f"{read_at} as read_at",
            *(f"{value(name)} as sum_{name}" for name in table.money),
            f"{dialect.row_hash(table.types)} as row_hash",
            *(f"{digest} as {_COLUMN}{name}" for name, digest in hashes),
        ]
    )


def _of_tenant(rows: str, owner: str | None, table: PostgresTable) -> str:
    """The rows, with their tenant looked up in `owner`; of several, the smallest, so that no row is doubled."""
    link = table.tenant or table.parent
    if owner is None or link is None:
        return rows
    owners = f"select {link[1]} as link, min(tenant_id) as tenant from {owner} group by {link[1]}"
    return f"select r.*, o.tenant from ({rows}) as r left join ({owners}) as o on o.link = r.link"


def _newest(rows: str, table: PostgresTable) -> str:
    keys = ", ".join(f"key_{name}" for name in table.key)
    ranked = f"select *, rank() over (partition by {keys} order by moved_at desc nulls last) as age from ({rows}) as v"
    return f"select * from ({ranked}) as ranked where age = 1"


# ---- figures ---------------------------------------------------------------------------------------------------


def _figures(sides: Sides) -> tuple[list[Compared], dict[date, int]]:
    """Both sides' figures per day and tenant, and when each day of the lake was read last (epoch microseconds)."""
    money = sides.table.money
    sums = "".join(f", sum(sum_{name})::text as sum_{name}" for name in money)
    sql = f"""select dt, tenant, count(*) as rows, sum(row_hash)::text as row_hash, max(read_at) as read_at{sums}
              from ({{rows}}) as r group by dt, tenant"""
    source, lake = sides.ask_source(sql).to_pylist(), _lake_rows(sides, sql).to_pylist()
    ours, theirs = ({(row["dt"], row["tenant"]): _told(row, money) for row in side} for side in (lake, source))
    read_at = {day: int(at.timestamp() * 1e6) for day, at in sides.published.items() if at}
    for row in sorted(lake, key=lambda row: row["read_at"]):
        read_at[row["dt"]] = row["read_at"]
    groups = sorted({*ours, *theirs}, key=lambda group: (group[0], group[1] is not None, group[1]))
    return [Compared(*group, theirs.get(group, Figures()), ours.get(group, Figures())) for group in groups], read_at


def _lake_rows(sides: Sides, sql: str) -> pa.Table:
    if not sides.published:
        return pa.table({})
    return sides.ask_lake(sql)


def _told(row: Mapping[str, Any], money: Collection[str]) -> Figures:
    return Figures(row["rows"], {name: Decimal(row[f"sum_{name}"] or 0) for name in money}, row["row_hash"])


def _by_day(compared: Iterable[Compared]) -> list[Compared]:
    """The groups without their tenants: a row whose parent is not in the lake yet is none the worse for it."""
    days: dict[date, list[Compared]] = {}
    for group in compared:
        days.setdefault(group.day, []).append(group)
    return [
        Compared(day, None, _sum(group.source for group in groups), _sum(group.lake for group in groups))
        for day, groups in days.items()
    ]


def _sum(figures: Iterable[Figures]) -> Figures:
    parts = list(figures)
    names = {name for part in parts for name in part.money}
    return Figures(
        sum(part.rows for part in parts),
        {name: sum((part.money.get(name, Decimal(0)) for part in parts), Decimal(0)) for name in names},
        str(sum(int(part.row_hash) for part in parts)),
    )


def _rows_at_source(compared: Iterable[Compared], day: date) -> int:
    return sum(group.source.rows for group in compared if group.day == day)


# ---- rows ------------------------------------------------------------------------------------------------------


def _differing_rows(sides: Sides, days: Collection[date], read_at: Mapping[date, int]) -> list[Difference]:
    """The rows of the days that are on one side only, paired by key."""
    wanted = ", ".join(f"date '{day}'" for day in sorted(days))
    sql = f"select * from ({{rows}}) as r where dt in ({wanted})"
    key = [f"key_{name}" for name in sides.table.key]
    source, lake = (_numbered(rows, [*key, "dt", "row_hash"]) for rows in (sides.ask_source(sql), sides.ask_lake(sql)))
    identity = [*key, "dt", "row_hash", "copy"]
    here = source.join(lake, on=identity, how="anti", nulls_equal=True).drop("copy")
    there = lake.join(source, on=identity, how="anti", nulls_equal=True).drop("copy")
    pairs = _copies(here, key).join(
        _copies(there, key), on=[*key, "copy"], how="full", suffix=":lake", nulls_equal=True, coalesce=True
    )
    return [_difference(sides.table, row, read_at) for row in pairs.sort(*key).iter_rows(named=True)]


def _numbered(rows: pa.Table, identity: list[str]) -> pl.DataFrame:
    frame = pl.DataFrame(pl.from_arrow(rows))
    return _copies(frame.with_columns(pl.col("^key_.*$", "tenant").cast(pl.Int64)), identity)


def _copies(frame: pl.DataFrame, identity: list[str]) -> pl.DataFrame:
    """The rows, with a number that tells equal ones apart."""
    return frame.with_columns(pl.int_range(pl.len()).over(identity).alias("copy"))


def _difference(table: PostgresTable, row: Mapping[str, Any], read_at: Mapping[date, int]) -> Difference:
    at_source, in_lake = row["dt"] is not None, row["dt:lake"] is not None
    day, moved = row["dt"] if at_source else row["dt:lake"], row["moved_at"] or 0
    if at_source and in_lake:
        what = CHANGED_SINCE if moved > row["read_at:lake"] else CHANGED
    elif at_source:
        what = ADDED_SINCE if moved > read_at.get(day, moved) else MISSING
    else:
        what = GONE
    both = [name for name in table.types if at_source and in_lake]
    return Difference(
        str(table),
        day,
        what,
        {name: row[f"key_{name}"] for name in table.key},
        row["tenant"] if at_source else row["tenant:lake"],
        tuple(name for name in both if row[f"{_COLUMN}{name}"] != row[f"{_COLUMN}{name}:lake"]),
    )
