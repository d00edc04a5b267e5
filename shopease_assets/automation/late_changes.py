"""What the lake lacks of its source: looks at both, and names the days of bronze that are stale.

Nothing is remembered but where to begin: a day is stale when the lake lacks one of its rows, as key and `updated_at`,
or holds more of them than the source. So ties, late commits and repeated looks need no care. What follows from a stale
day is `stale_work`'s; when to look is decided by who asks.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise

import polars as pl

from shopease_assets.automation.planning import keys_between
from shopease_assets.core.errors import SettingsError, SourceError
from shopease_assets.core.layout import TableRef, partition_date
from shopease_assets.kit.bronze import day_range
from shopease_assets.kit.partitions import DAILY
from shopease_assets.settings import settings
from shopease_assets.sources.postgres import EXTRACTED_AT, PostgresSnapshot
from shopease_assets.sources.postgres_table import DayRange, PostgresTable
from shopease_assets.storage.lake import ParquetLake
from shopease_assets.storage.records import PublishedPartition

Partitions = Mapping[str, PublishedPartition]
#: Clocks differ, and not every role sees who is still at work: changes this much older are looked at again.
OVERLAP = timedelta(minutes=10)
_SHORT_GAP_DAYS = 31
_DAYS_COMPARED_AT_ONCE = 92


@dataclass(frozen=True)
class Look:
    """What was found: source table → the days whose bronze is stale, and from where its next look has to begin."""

    stale: Mapping[str, Collection[str]]
    since: Mapping[str, datetime]


def days_until_now(snapshot: PostgresSnapshot) -> tuple[str, str]:
    """The lake's first day, and today by the source's clock.

    Raises:
        SettingsError: the lake's first day has not come yet.
    """
    today = snapshot.taken_at.astimezone(settings().zone).date().isoformat()
    started = keys_between(DAILY, "", today)
    if not started:
        raise SettingsError(
            f"SHOPEASE_START_DATE={settings().start_date} has not come yet at the source: there it is {today}"
        )
    return started[0], started[-1]


def look(
    lake: ParquetLake,
    snapshot: PostgresSnapshot,
    tables: Sequence[PostgresTable],
    days: tuple[str, str],
    *,
    since: Mapping[str, datetime] | None = None,
    counted: int | None = None,
) -> Look:
    """Compare source and lake, from the first to the last of `days`.

    Args:
        lake: what is published.
        snapshot: the source.
        tables: the tables to compare.
        days: the first and the last.
        since: where to begin, per table; a table without is compared whole.
        counted: how many of the newest published days are searched for rows the source no longer has (default: all).

    Raises:
        SourceError: the source cannot be read.
    """
    begin = since or {}
    for table in tables:
        snapshot.shape(table)  # what is gone is named before it is asked for
    published = {table.name: lake.log.pointers(_bronze(table)) for table in tables}
    found = {
        table.name: _look(lake, snapshot, table, days, begin.get(table.name), counted, published[table.name])
        for table in tables
    }
    stale = {name: days_of for name, (days_of, _) in found.items()}
    touched = {day for days_of in stale.values() for day in days_of}
    # A day that is run has all its partitions, those without rows too.
    whole = {name: days_of | (touched - published[name].keys()) for name, days_of in stale.items()}
    for table in tables:
        if table.parent:
            whole[table.name] |= stale.get(table.parent[0], set())
    return Look({name: days_of for name, days_of in whole.items() if days_of}, {n: at for n, (_, at) in found.items()})


def oldest_read(lake: ParquetLake, table: PostgresTable) -> datetime | None:
    """Where a look begins that knows of none before it: what changed earlier is in the lake; None if nothing is.

    A source may be dated earlier than its clock says, so this is no later than the newest change in the lake.
    """
    moments = pl.col(EXTRACTED_AT).min(), pl.col("updated_at").max()
    known = [at for at in lake.scan(_bronze(table)).select(moments).collect().row(0) if at is not None]
    return min(known) - OVERLAP if known else None


def newest_day(lake: ParquetLake) -> str:
    """The newest day that was published of any source table; empty when none was."""
    days = [day for ref in lake.log.tables() if ref.layer == "bronze" for day in lake.log.pointers(ref)]
    return max(days, default="")


def version_days(
    lake: ParquetLake, snapshot: PostgresSnapshot, tables: Sequence[PostgresTable], days: tuple[str, str]
) -> set[str]:
    """The days the lake lacks of the tables that keep versions, and the short gaps between them."""
    versioned = [table for table in tables if table.versions]
    lacking = {partition_date(day) for held in look(lake, snapshot, versioned, days).stale.values() for day in held}
    read = {partition_date(day) for table in versioned for day in lake.log.pointers(_bronze(table))}
    return {day.isoformat() for day in _with_short_gaps(sorted(lacking), read)}


def _look(
    lake: ParquetLake,
    snapshot: PostgresSnapshot,
    table: PostgresTable,
    days: tuple[str, str],
    since: datetime | None,
    counted: int | None,
    published: Partitions,
) -> tuple[set[str], datetime]:
    """The table's stale days, and where its next look begins: before the oldest change the lake lacks."""
    if not published:  # a first load needs no comparison
        return _keys(snapshot.counts(table, day_range(days, table))), snapshot.settled_at - OVERLAP
    found = [_changes(lake, snapshot, table, part, since, published) for part in _parts(days, whole=since is None)]
    lacking = pl.concat([changed.filter(~pl.col("held")) for changed in found])
    newest, oldest = pl.concat(found)["moved_at"].max(), lacking["moved_at"].min()
    reached = min(at for at in (snapshot.settled_at, newest, oldest) if isinstance(at, datetime)) - OVERLAP
    stale = _keys(lacking["dt"]) | _shrunk(snapshot, table, published, days, counted)
    return stale, max(reached, since) if since else reached


def _changes(
    lake: ParquetLake,
    snapshot: PostgresSnapshot,
    table: PostgresTable,
    days: tuple[str, str],
    since: datetime | None,
    published: Partitions,
) -> pl.DataFrame:
    """The day and moment of each row that changed since, and whether the lake has `held` it as it is now."""
    changed = pl.DataFrame(pl.from_arrow(snapshot.changes(table, since, day_range(days, table))))
    row = ["dt", *table.key, "updated_at"]
    read = [day for day in _keys(changed["dt"].unique()) if day in published]
    held = lake.scan(_bronze(table), partitions=read).select(row).unique().collect()
    typed = changed.cast({name: held.schema[name] for name in row})
    return typed.join(held.with_columns(held=True), on=row, how="left", nulls_equal=True).select(
        "dt", pl.col("moved_at").dt.cast_time_unit("us"), pl.col("held").fill_null(value=False)
    )


def _shrunk(
    snapshot: PostgresSnapshot,
    table: PostgresTable,
    published: Partitions,
    days: tuple[str, str],
    counted: int | None,
) -> set[str]:
    """The newest published days whose rows are not as many at the source: rows were deleted or moved to another day.

    Raises:
        SourceError: the whole table is empty there: a wrong address must not empty the lake.
    """
    read = sorted(day for day in published if days[0] <= day <= days[1])[-(counted or 0) :]
    if table.versions or not read:  # what the source has overwritten stays
        return set()
    counts = snapshot.counts(table, day_range((read[0], read[-1]), table))
    if not counts and any(published[day].rows for day in read) and snapshot.is_empty(table):
        raise SourceError(
            f"{table} has no rows at the source, but in the lake; correct SHOPEASE_SOURCE_DSN, or, if they were "
            f"deleted, run: shopease run --table bronze/{table.name} --from {read[0]} --to {read[-1]}"
        )
    return {day for day in read if counts.get(partition_date(day), 0) != published[day].rows}


def _with_short_gaps(days: list[date], read: set[date]) -> set[date]:
    """The days, and those between them that were never read either: one run of a month beats thirty runs of a day."""
    between = {
        before + timedelta(days=n)
        for before, after in pairwise(days)
        if (after - before).days <= _SHORT_GAP_DAYS
        for n in range(1, (after - before).days)
    }
    return {*days} | (between - read)


def _parts(days: tuple[str, str], *, whole: bool) -> Iterator[tuple[str, str]]:
    """The days, a quarter at a time when all their rows are compared: their keys must fit into memory."""
    keys = [day.isoformat() for day in DayRange(partition_date(days[0]), partition_date(days[1]))]
    size = _DAYS_COMPARED_AT_ONCE if whole else len(keys)
    return ((keys[at], keys[min(at + size, len(keys)) - 1]) for at in range(0, len(keys), size))


def _bronze(table: PostgresTable) -> TableRef:
    return TableRef("bronze", table.name)


def _keys(days: pl.Series | Mapping[date, int]) -> set[str]:
    return {day.isoformat() for day in days}
