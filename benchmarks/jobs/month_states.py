"""The state of some months, of the monthly tables named or of all of them, as the `month_state` job makes it.

Facts: seconds per table, and how many rows each read for the last month.
"""

import dagster as dg

from benchmarks.stopwatch import Stopwatch, arguments
from shopease_assets.automation.planning import Chunk, inputs_of, name_of
from shopease_assets.automation.runner import run_chunks
from shopease_assets.core.layout import TableRef, last_day_of_month, partition_date
from shopease_assets.definitions import assets, defs
from shopease_assets.kit.partitions import MONTHLY
from shopease_assets.settings import settings
from shopease_assets.storage.log import PublicationLog

_MONTHLY = {name_of(asset): asset for asset in assets if asset.partitions_def == MONTHLY}


def main() -> None:
    """Run the months into the lake that the settings name."""
    _, first, last, *tables = arguments()
    chosen = [_MONTHLY[f"gold/{table}"] for table in tables] or list(_MONTHLY.values())
    with Stopwatch(whole=True) as watch, dg.DagsterInstance.get() as instance:
        chunk = Chunk(tuple(chosen), first, last)
        outcome = run_chunks([chunk], assets, resources=dict(defs.resources or {}), instance=instance)
        if not outcome.success:
            raise SystemExit(f"the months failed: {outcome.failures[0]}")
        watch.stop()
        (run,) = instance.get_run_records(limit=1)
        steps = instance.get_run_step_stats(run.dagster_run.run_id)
        log = PublicationLog.open(settings().log_url)
        watch.facts |= {
            "seconds": {step.step_key.split("__")[1]: (step.end_time or 0) - (step.start_time or 0) for step in steps},
            "rows_read": {asset.key.path[1]: _rows_read(asset, log, last) for asset in chosen},
            "rows_written": {asset.key.path[1]: _rows(log, name_of(asset), last, last) for asset in chosen},
        }


def _rows_read(asset: dg.AssetsDefinition, log: PublicationLog, month: str) -> int:
    """The rows of its inputs up to the month's end; of other months' states, that month's."""
    last = last_day_of_month(partition_date(month)).isoformat()
    return sum(_rows(log, table, month if table in _MONTHLY else "", last) for table in inputs_of(asset))


def _rows(log: PublicationLog, table: str, first: str, last: str) -> int:
    layer, name = table.split("/")
    ref = TableRef(layer, name, "month" if table in _MONTHLY else "dt")
    return sum(pointer.rows for key, pointer in log.pointers(ref).items() if first <= key <= last)


main()
