"""Source → silver → the three daily sales tables, as a laptop runs it: through Dagster.

The whole process counts, from the start of Python. Afterwards, uncounted, Dagster's own record is asked where the
time went.
"""

import shutil
import time
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

from benchmarks.stopwatch import Stopwatch, arguments
from benchmarks.tables import GOLD_TABLES, SOURCE_TABLES

_REPOSITORY = Path(__file__).absolute().parents[2]
_WANTED = {
    *((layer, table) for layer in ("bronze", "silver") for table in SOURCE_TABLES),
    *(("gold", table) for table in GOLD_TABLES),
}


def main() -> None:
    """Run every day into the lake that the settings name."""
    _, start, days, home = arguments()
    with Stopwatch(whole=True) as watch:
        began = time.perf_counter()
        import dagster as dg  # noqa: PLC0415 - its import is part of what a run costs

        from shopease_assets.automation.runner import plan, run_chunks  # noqa: PLC0415
        from shopease_assets.definitions import assets, defs  # noqa: PLC0415
        from shopease_assets.settings import settings  # noqa: PLC0415

        imported = time.perf_counter()
        shutil.copy(_REPOSITORY / "dagster.yaml", home)
        wanted = [asset for asset in assets if tuple(asset.key.path) in _WANTED]
        first = date.fromisoformat(start)
        last = first + timedelta(days=int(days) - 1)
        with dg.DagsterInstance.from_config(home) as instance:
            chunks = plan(wanted, first, last, today=last, days_per_run=settings().days_per_run)
            outcome = run_chunks(chunks, wanted, resources=dict(defs.resources or {}), instance=instance)
            ended = time.perf_counter()
            if not outcome.success:
                raise SystemExit(f"the pipeline failed: {outcome.failures[0]}")
            watch.stop()
            watch.facts |= {"runs": outcome.runs, "split": _split(instance, imported - began, ended - imported)}


def _split(instance: object, imports: float, running: float) -> dict[str, float]:
    """Seconds in the imports, in the steps of each layer, and between the steps."""
    seconds: Counter[str] = Counter()
    for run in instance.get_runs():
        for step in instance.get_run_step_stats(run.run_id):
            layer = step.step_key.split("__")[0]
            seconds[layer] += (step.end_time or 0) - (step.start_time or 0)
    return {"imports": imports, **seconds, "between steps": running - seconds.total()}


main()
