"""Replays days of a silver table after its rule or its source was mended, with everything that is made of them.

A row leaves the quarantine when it passes; nothing else takes it out. Progress and printing are the caller's.
"""

from collections.abc import Callable, Collection, Sequence
from datetime import date

import dagster as dg

from shopease_assets.automation.late_changes import days_until_now, look, work_for
from shopease_assets.automation.planning import Work, inputs_of, name_of
from shopease_assets.automation.runner import Outcome
from shopease_assets.core.layout import TableRef
from shopease_assets.sources.postgres import PostgresSnapshot
from shopease_assets.sources.postgres_table import PostgresTable
from shopease_assets.storage.lake import ParquetLake

Assets = Sequence[dg.AssetsDefinition]
Execute = Callable[[Work], Outcome]


def days_to_replay(lake: ParquetLake, table: str, first: date, last: date) -> set[str]:
    """The days of a silver table that hold rows in quarantine, or whose newest blocking check failed."""
    ref = TableRef("silver", table)
    held = {day for day, pointer in lake.log.pointers(ref.quarantine).items() if pointer.rows}
    blocked = {result.partition for result in lake.log.quality(ref) if result.blocking and not result.passed}
    return {day for day in held | blocked if first.isoformat() <= day <= last.isoformat()}


def replay_work(
    lake: ParquetLake,
    snapshot: PostgresSnapshot,
    assets: Assets,
    tables: Sequence[PostgresTable],
    table: str,
    days: Collection[str],
) -> dict[str, set[str]]:
    """What to run: the days of a silver table, read anew at the source, and everything made of them.

    Whatever is read in the same breath goes along: an order and its lines must be of one snapshot. So do days the
    source has touched since: what was mended there may lie on another day now. Tables never built are left out.
    """
    together = _read_together(assets, table)
    read = [one for one in tables if f"bronze/{one.name}" in together]
    found = look(lake, snapshot, read, days_until_now(snapshot)).stale
    stale = {one.name: {*days, *found.get(one.name, ())} for one in read}
    return _of_built(lake, work_for(lake, assets, stale, lagging=False), together)


def replay(lake: ParquetLake, assets: Assets, work: Work, execute: Execute) -> Outcome:
    """Execute the work, and then what it releases: rows of other tables that were refused for want of its rows."""
    outcome = execute(work)
    tried: set[tuple[str, str]] = set()
    while released := _untried(_of_built(lake, work_for(lake, assets, lagging=False)), tried):
        tried |= {(table, key) for table, keys in released.items() for key in keys}
        again = execute(released)
        outcome = Outcome(outcome.runs + again.runs, (*outcome.failures, *again.failures))
    return outcome


def _untried(work: Work, tried: Collection[tuple[str, str]]) -> Work:
    return work if any((table, key) not in tried for table, keys in work.items() for key in keys) else {}


def _of_built(lake: ParquetLake, work: Work, also: Collection[str] = ()) -> dict[str, set[str]]:
    built = {ref.path for ref in lake.log.tables()} | {*also}
    return {table: set(keys) for table, keys in work.items() if table in built}


def _read_together(assets: Assets, table: str) -> set[str]:
    """The silver table, the bronze tables it reads, the silver tables that read those, and so on."""
    inputs = {name_of(asset): set(inputs_of(asset)) for asset in assets}
    found = {f"silver/{table}"}
    while True:
        bronze = {up for one in found for up in inputs[one] if up.startswith("bronze/")}
        readers = {name for name, ups in inputs.items() if name.startswith("silver/") and ups & bronze}
        if found >= bronze | readers:
            return found
        found |= bronze | readers
