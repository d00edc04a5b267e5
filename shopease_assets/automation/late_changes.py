"""What the lake lacks of its source, partition by partition; when to run it is decided by who asks.

Nothing is remembered but where to begin: a day is stale when the lake lacks one of its rows, as key and `updated_at`,
or holds more of them than the source. So ties, late commits and repeated looks need no care.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from graphlib import TopologicalSorter
from itertools import pairwise

import dagster as dg
import polars as pl

from shopease_assets.automation.planning import (
    Work,
    history_of,
    inputs_of,
    is_made_afterwards,
    keys_between,
    name_of,
    waits_for,
)
from shopease_assets.automation.stale_scores import stale_scores
from shopease_assets.core.errors import SettingsError, SourceError
from shopease_assets.core.layout import TableRef, partition_date
from shopease_assets.kit.bronze import day_range
from shopease_assets.kit.partitions import DAILY, MONTHLY, REFERENCES
from shopease_assets.settings import settings
from shopease_assets.sources.postgres import EXTRACTED_AT, PostgresSnapshot
from shopease_assets.sources.postgres_table import DayRange, PostgresTable
from shopease_assets.storage.io_manager import table_of
from shopease_assets.storage.lake import ParquetLake
from shopease_assets.storage.log import PublicationLog
from shopease_assets.storage.records import PublishedPartition
from shopease_assets.storage.versions import written_at

Partitions = Mapping[str, PublishedPartition]
#: Clocks differ, and not every role sees who is still at work: changes this much older are looked at again.
OVERLAP = timedelta(minutes=10)
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
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


def work_for(
    lake: ParquetLake,
    assets: Sequence[dg.AssetsDefinition],
    stale: Mapping[str, Collection[str]] | None = None,
    *,
    lagging: bool = True,
) -> dict[str, set[str]]:
    """What to run, table → partitions: stale bronze days, what lags behind its inputs, and everything downstream.

    A partition lags when an input was published after it, unless its audit has refused it since: its run failed, or
    never came. A day of which rows were refused for want of a parent that has come since is run from silver on.
    """
    made_afterwards = [asset for asset in assets if is_made_afterwards(asset)]
    by_name = {name_of(asset): asset for asset in assets if asset not in made_afterwards}
    published = {name: _pointers(lake.log, asset) for name, asset in by_name.items()}
    inputs = {name: [up for up in inputs_of(asset) if up in by_name] for name, asset in by_name.items()}
    work: dict[str, set[str]] = {}
    refused: dict[str, set[str]] = {}
    for name in TopologicalSorter(inputs).static_order():
        layer, table = name.split("/")
        ups, asset = inputs[name], by_name[name]
        if asset.partitions_def == MONTHLY:
            work[name] = set(_months(work, published, name, ups, lagging=lagging))
            continue
        asked = set((stale or {}).get(table, ())) if layer == "bronze" else _with_parents_now(lake, asset)
        asked |= {day for up in ups for day in work[up]}
        asked |= _later(asset, work, published)
        needed = [up for up in ups if up not in {*waits_for(asset), *history_of(asset)}]
        if lagging:
            seen = [_to_date(published[up]) if up in history_of(asset) else published[up] for up in ups]
            behind, refused[name] = _behind(lake, asset, published[name], seen)
            refused[name] |= {day for up in needed for day in refused[up] - work[up]}  # nor what is made of them
            asked |= behind - refused[name]
        work[name] = {day for day in asked if all(day in work[up] or day in published[up] for up in needed)}
    states = {key for name, keys in work.items() if by_name[name].partitions_def == MONTHLY for key in keys}
    for name, asset in by_name.items():
        if asset.partitions_def == MONTHLY and not inputs[name]:  # a calendar is made of nothing, but once a month
            work[name] = states - published[name].keys()
    judged = {day for name, days in work.items() if name.startswith("silver/") for day in days}
    for asset in made_afterwards:
        work[name_of(asset)] = judged | (stale_scores(lake.log).keys() if lagging else set())
    return {name: keys for name, keys in work.items() if keys}


def _later(asset: dg.AssetsDefinition, work: Work, published: Mapping[str, Partitions]) -> set[str]:
    """The published days of a table that hold an earlier day of an input, which is to be run."""
    touched = [day for up in history_of(asset) for day in work[up]]
    return {day for day in published[name_of(asset)] if day >= min(touched)} if touched else set()


def _behind(
    lake: ParquetLake, asset: dg.AssetsDefinition, own: Partitions, inputs: Sequence[Partitions]
) -> tuple[set[str], set[str]]:
    """The days of which an input was published after the asset, and those among them it has refused since."""
    behind: dict[str, datetime] = {}
    for day, at in (item for up in inputs for item in up.items()):
        if day not in own or at.publication > own[day].publication:
            behind[day] = max(behind.get(day, _LONG_AGO), written_at(at.version) or _LONG_AGO)
    if not behind:
        return set(), set()
    results = lake.log.quality(table_of(asset.key, asset.partitions_def), behind)
    judged = {one.partition: one.checked_at for one in results if one.blocking and not one.passed}
    return {*behind}, {day for day, at in judged.items() if at > behind[day]}


def _to_date(days: Partitions) -> Partitions:
    """For each day the newest publication of it and the days before it."""
    found: dict[str, PublishedPartition] = {}
    newest: PublishedPartition | None = None
    for day in sorted(days):
        newest = days[day] if newest is None or days[day].publication > newest.publication else newest
        found[day] = newest
    return found


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


def _months(
    work: Work, published: Mapping[str, Partitions], name: str, inputs: Sequence[str], *, lagging: bool
) -> Iterator[str]:
    """The months whose state holds a partition that is to be run, or (when lagging counts) was published after it."""
    newest = max((key for up in inputs for key in (*published[up], *work[up])), default="")
    for month in keys_between(MONTHLY, "", newest):
        own = published[name].get(month)
        known = own.publication if own else 0
        after = lagging and any(
            at.publication > known for up in inputs for key, at in published[up].items() if key[:7] <= month[:7]
        )
        if after or any(key[:7] <= month[:7] for up in inputs for key in work[up]):
            yield month


def _with_parents_now(lake: ParquetLake, asset: dg.AssetsDefinition) -> set[str]:
    """The days of a silver table with rows that were refused only for want of parents which exist by now."""
    references: Mapping[str, str] = asset.metadata_by_key[asset.key].get(REFERENCES, {})
    quarantine = TableRef("quarantine", asset.key.path[1])
    held = (
        {day: pointer for day, pointer in lake.log.pointers(quarantine).items() if pointer.rows} if references else {}
    )
    if not held:
        return set()
    rules = [f"{column}|exists" for column in references]
    rows = (
        lake.scan(quarantine, held)
        .select("dt", "original_row", rules=pl.col("rules").str.split(", "))
        .filter(pl.col("rules").list.set_difference(rules).list.len() == 0)
        .collect()
    )
    since = min(pointer.publication for pointer in held.values())
    for column, table in references.items():
        parent = TableRef("silver", table)
        arrived = [day for day, pointer in lake.log.pointers(parent).items() if pointer.publication > since]
        known = lake.scan(parent, arrived).select(pl.col(column).cast(pl.String)).unique().collect().to_series()
        value = pl.col("original_row").str.json_path_match(f"$.{column}")
        rows = rows.filter(~pl.col("rules").list.contains(f"{column}|exists") | value.is_in(known.implode()))
    return _keys(rows["dt"])


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


def _pointers(log: PublicationLog, asset: dg.AssetsDefinition) -> Partitions:
    return log.pointers(table_of(asset.key, asset.partitions_def))


def _bronze(table: PostgresTable) -> TableRef:
    return TableRef("bronze", table.name)


def _keys(days: pl.Series | Mapping[date, int]) -> set[str]:
    return {day.isoformat() for day in days}
