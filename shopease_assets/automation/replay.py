"""Replays days of a silver table after its rule or its source was mended, with everything that is made of them.

A row leaves the quarantine when it passes; nothing else takes it out. Progress and printing are the caller's.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import date
from itertools import groupby

import dagster as dg
import polars as pl

from shopease_assets.automation.runner import Chunk, Outcome, chunked, waves
from shopease_assets.core.contract import Reference
from shopease_assets.core.layout import TableRef
from shopease_assets.kit.partitions import DAILY, MONTHLY, WAITS_FOR
from shopease_assets.storage.lake import ParquetLake

Assets = Mapping[dg.AssetKey, dg.AssetsDefinition]
Days = Mapping[dg.AssetKey, frozenset[str]]
References = Mapping[str, Mapping[str, Reference]]
Execute = Callable[[Sequence[Chunk]], Outcome]


def days_to_replay(lake: ParquetLake, table: str, first: date, last: date) -> set[str]:
    """The days of a silver table that hold rows in quarantine, or whose newest blocking check failed."""
    ref = TableRef("silver", table)
    held = {day for day, pointer in lake.log.pointers(ref.quarantine).items() if pointer.rows}
    blocked = {result.partition for result in lake.log.quality(ref) if result.blocking and not result.passed}
    return {day for day in held | blocked if first.isoformat() <= day <= last.isoformat()}


def replay(
    assets: Sequence[dg.AssetsDefinition],
    lake: ParquetLake,
    table: str,
    days: Collection[str],
    references: References,
    *,
    days_per_run: int,
    execute: Execute,
) -> Outcome:
    """Read these days of the table anew and make everything of them, then whatever the rows that are back release.

    `references` are the foreign keys of every silver table; `execute` runs chunks, as `run_chunks` does.
    """
    by_key = {asset.key: asset for asset in assets}
    outcome = execute(replay_plan(by_key, lake, {table: days}, days_per_run=days_per_run, refresh=True))
    tried: set[tuple[str, str]] = set()
    while released := _untried(released_days(lake, references), tried):
        tried |= {(name, day) for name, released_of in released.items() for day in released_of}
        again = execute(replay_plan(by_key, lake, released, days_per_run=days_per_run, refresh=False))
        outcome = Outcome(outcome.runs + again.runs, (*outcome.failures, *again.failures))
    return outcome


def released_days(lake: ParquetLake, references: References) -> dict[str, set[date]]:
    """Silver table → the days that hold rows in quarantine for want of a parent which silver has by now."""
    published = set(lake.log.tables())
    released: dict[str, set[date]] = {}
    for table, columns in references.items():
        if (quarantine := TableRef("quarantine", table)) not in published:
            continue
        for column, reference in columns.items():
            if (parent := TableRef("silver", reference.table)) not in published:
                continue
            on = ["dt", column] if reference.same_day else [column]
            orphans = lake.scan(quarantine).filter(pl.col("rules").str.split(", ").list.contains(f"{column}|exists"))
            key = pl.col("original_row").str.json_path_match(f"$.{column}").cast(pl.Int64, strict=False).alias(column)
            found = orphans.select("dt", key).join(lake.scan(parent).select(on), on=on, how="semi")
            released.setdefault(table, set()).update(found.collect()["dt"])
    return {table: days for table, days in released.items() if days}


def replay_plan(
    assets: Assets, lake: ParquetLake, tables: Mapping[str, Collection[str]], *, days_per_run: int, refresh: bool
) -> list[Chunk]:
    """The runs for these days of silver tables and everything downstream of them, in order; then the months' state.

    With `refresh` the bronze tables they read are read again, and so is whatever else is read in the same breath: an
    order and its lines must be of one snapshot. What was never built, or lacks its own sources for a day, is left out.
    """
    seeds: dict[dg.AssetKey, set[str]] = {}
    for table, wanted in tables.items():
        for key in _read_together(assets, table) if refresh else {dg.AssetKey(["silver", table])}:
            seeds.setdefault(key, set()).update(wanted)
    days = _with_downstream(assets, lake, seeds)
    daily = [assets[key] for key in days if assets[key].partitions_def == DAILY]
    monthly = [assets[key] for key in days if assets[key].partitions_def == MONTHLY]
    chunks = [
        chunk
        for wave in waves(daily)
        for of_these, part in groupby(wave, lambda asset: days[asset.key])  # upstream comes first
        for chunk in chunked(list(part), sorted(of_these), days_per_run)
    ]
    months = _months(lake, {day for of_one in days.values() for day in of_one})
    return chunks + chunked(monthly, months, len(months))


def _untried(released: Mapping[str, set[date]], tried: Collection[tuple[str, str]]) -> dict[str, set[str]]:
    fresh = {
        table: {day.isoformat() for day in days if (table, day.isoformat()) not in tried}
        for table, days in released.items()
    }
    return {table: days for table, days in fresh.items() if days}


def _read_together(assets: Assets, table: str) -> set[dg.AssetKey]:
    """The silver table, the bronze tables it reads, the silver tables that read those, and so on."""
    found = {dg.AssetKey(["silver", table])}
    while True:
        bronze = {key for one in found for key in assets[one].dependency_keys if key.path[0] == "bronze"}
        silver = {key: asset for key, asset in assets.items() if key.path[0] == "silver"}
        readers = {key for key, asset in silver.items() if not bronze.isdisjoint(asset.dependency_keys)}
        if found >= bronze | readers:
            return found
        found |= bronze | readers


def _with_downstream(assets: Assets, lake: ParquetLake, seeds: Mapping[dg.AssetKey, Collection[str]]) -> Days:
    """The days of every table that is made of the seeds' days: those all of whose own sources are there."""
    published = {dg.AssetKey([ref.layer, ref.name]) for ref in lake.log.tables()}
    days: dict[dg.AssetKey, frozenset[str]] = {}
    for asset in _upstream_first(assets):
        upstream = set(asset.dependency_keys)
        touched = frozenset(day for key in upstream for day in days.get(key, ())) | frozenset(seeds.get(asset.key, ()))
        if asset.key not in seeds:
            if not upstream <= published | days.keys():
                continue
            for source in _sources(assets, asset.key) - seeds.keys() if asset.partitions_def == DAILY else ():
                touched &= lake.log.pointers(TableRef("bronze", source.path[-1])).keys()
        if touched:
            days[asset.key] = touched
    return days


def _upstream_first(assets: Assets) -> Iterable[dg.AssetsDefinition]:
    ordered: dict[dg.AssetKey, dg.AssetsDefinition] = {}

    def visit(key: dg.AssetKey) -> None:
        if key not in ordered and key in assets:
            for upstream in sorted(assets[key].dependency_keys):
                visit(upstream)
            ordered[key] = assets[key]

    for key in assets:
        visit(key)
    return ordered.values()


def _sources(assets: Assets, key: dg.AssetKey) -> set[dg.AssetKey]:
    """The bronze tables a day of the table is made of; of those it waits for it needs no particular day."""
    if key.path[0] == "bronze":
        return {key}
    waits_for = assets[key].metadata_by_key[key].get(WAITS_FOR, [])
    same_day = [up for up in assets[key].dependency_keys if up.to_user_string() not in waits_for]
    return {source for upstream in same_day for source in _sources(assets, upstream)}


def _months(lake: ParquetLake, days: Collection[str]) -> list[str]:
    """The months of the days, and the later ones that are built: their state holds these days too."""
    if not days:
        return []
    built = [month for ref in lake.log.tables() if ref.partition_by == "month" for month in lake.log.pointers(ref)]
    first, last = f"{min(days)[:7]}-01", max([f"{max(days)[:7]}-01", *built])
    return [month for month in MONTHLY.get_partition_keys() if first <= month <= last]
