"""The lake that months are made of: every daily table, for the span. The whole process counts."""

from datetime import date, timedelta

import dagster as dg

from benchmarks.stopwatch import Stopwatch, arguments
from shopease_assets.automation.planning import plan
from shopease_assets.automation.runner import run_chunks
from shopease_assets.definitions import assets, defs
from shopease_assets.kit.partitions import DAILY
from shopease_assets.settings import settings


def main() -> None:
    """Bronze, silver and daily gold, as `shopease run` makes them."""
    _, start, days = arguments()
    first = date.fromisoformat(start)
    last = first + timedelta(days=int(days) - 1)
    daily = [asset for asset in assets if asset.partitions_def == DAILY]
    with Stopwatch(whole=True), dg.DagsterInstance.get() as instance:
        chunks = plan(daily, first, last, today=last, days_per_run=settings().days_per_run)
        outcome = run_chunks(chunks, assets, resources=dict(defs.resources or {}), instance=instance)
        if not outcome.success:
            raise SystemExit(f"the days failed: {outcome.failures[0]}")


main()
