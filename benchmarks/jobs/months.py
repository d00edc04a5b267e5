"""The state tables the questions are put to, for every month: not timed against anything, the questions need them."""

from datetime import date, timedelta

import dagster as dg

from benchmarks.stopwatch import Stopwatch, arguments
from shopease_assets.automation.planning import plan
from shopease_assets.automation.runner import run_chunks
from shopease_assets.definitions import assets, defs

_STOCK = {("bronze", "inventory"), ("silver", "inventory")}
_STATES = {("gold", name) for name in ("monthly_sales_trends", "product_performance", "customer_analytics")}


def main() -> None:
    """Stock by day, then the states by month."""
    _, start, days, home = arguments()
    first = date.fromisoformat(start)
    last = first + timedelta(days=int(days) - 1)
    with Stopwatch(whole=True), dg.DagsterInstance.from_config(home) as instance:
        for wanted in (_STOCK, _STATES):
            chosen = [asset for asset in assets if tuple(asset.key.path) in wanted]
            chunks = plan(chosen, first, last, today=last, days_per_run=int(days))
            outcome = run_chunks(chunks, assets, resources=dict(defs.resources or {}), instance=instance)
            if not outcome.success:
                raise SystemExit(f"the months failed: {outcome.failures[0]}")


main()
