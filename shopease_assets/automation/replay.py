"""Which days of a silver table to replay after its rule or its source was mended, and what is made of them.

A row leaves the quarantine when it passes; nothing else takes it out.
"""

from collections.abc import Collection, Sequence
from datetime import date

import dagster as dg

from shopease_assets.automation.late_changes import days_until_now, look
from shopease_assets.automation.planning import inputs_of, name_of
from shopease_assets.automation.released import of_built
from shopease_assets.automation.stale_work import work_after
from shopease_assets.core.layout import TableRef
from shopease_assets.sources.postgres import PostgresSnapshot
from shopease_assets.sources.postgres_table import PostgresTable
from shopease_assets.storage.lake import ParquetLake

Assets = Sequence[dg.AssetsDefinition]


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
    return of_built(lake, work_after(lake, assets, stale), together)


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
