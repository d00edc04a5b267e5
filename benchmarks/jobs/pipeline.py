"""Source → silver → the three daily sales tables, as a laptop runs it: through Dagster. Or every table of some layers.

The whole process counts, from the start of Python. Afterwards, uncounted, Dagster's own record is asked where the
time went, and the lake how many rows of the source the run has read.
"""

import shutil
import time
from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.stopwatch import Stopwatch, arguments
from benchmarks.tables import GOLD_TABLES, SOURCE_TABLES

if TYPE_CHECKING:
    import dagster as dg

    from shopease_assets.automation.runner import Chunk

_REPOSITORY = Path(__file__).absolute().parents[2]
_WANTED = {
    *((layer, table) for layer in ("bronze", "silver") for table in SOURCE_TABLES),
    *(("gold", table) for table in GOLD_TABLES),
}


def main() -> None:
    """Run every day into the lake that the settings name."""
    _, start, days, home, *layers = arguments()
    with Stopwatch(whole=True) as watch:
        began = time.perf_counter()
        import dagster as dg  # noqa: PLC0415 - its import is part of what a run costs

        from shopease_assets.automation.planning import plan  # noqa: PLC0415
        from shopease_assets.automation.runner import run_chunks  # noqa: PLC0415
        from shopease_assets.definitions import assets, defs  # noqa: PLC0415
        from shopease_assets.settings import settings  # noqa: PLC0415

        imported, import_cpu = time.perf_counter(), time.process_time()
        shutil.copy(_REPOSITORY / "dagster.yaml", home)
        wanted = [asset for asset in assets if _is_wanted(asset.key.path, layers)]
        first = date.fromisoformat(start)
        last = first + timedelta(days=int(days) - 1)
        with dg.DagsterInstance.from_config(home) as instance:
            chunks = plan(wanted, first, last, today=last, days_per_run=settings().days_per_run)
            outcome = run_chunks(chunks, assets, resources=dict(defs.resources or {}), instance=instance)
            ended = time.perf_counter()
            if not outcome.success:
                raise SystemExit(f"the pipeline failed: {outcome.failures[0]}")
            watch.stop()
            watch.facts |= {
                "runs": outcome.runs,
                "split": _split(instance, imported - began, ended - imported),
                "import_cpu": import_cpu,
                "running": ended - imported,
                "source_rows": _rows("bronze", wanted, chunks),
            }


def _is_wanted(path: Sequence[str], layers: Sequence[str]) -> bool:
    return path[0] in layers if layers else tuple(path) in _WANTED


def _rows(layer: str, wanted: "Sequence[dg.AssetsDefinition]", chunks: "Sequence[Chunk]") -> int:
    """The rows of the layer's tables, on the days of the chunks."""
    from shopease_assets.core.layout import TableRef  # noqa: PLC0415 - after the imports that count
    from shopease_assets.settings import settings  # noqa: PLC0415
    from shopease_assets.storage.log import PublicationLog  # noqa: PLC0415

    log = PublicationLog.open(settings().log_url)
    first, last = min(chunk.first for chunk in chunks), max(chunk.last for chunk in chunks)
    return sum(
        pointer.rows
        for asset in wanted
        if asset.key.path[0] == layer
        for day, pointer in log.pointers(TableRef(layer, asset.key.path[1])).items()
        if first <= day <= last
    )


def _split(instance: object, imports: float, running: float) -> dict[str, float]:
    """Seconds in the imports, in the steps of each layer, and between the steps."""
    seconds: Counter[str] = Counter()
    for run in instance.get_runs():
        for step in instance.get_run_step_stats(run.run_id):
            layer = step.step_key.split("__")[0]
            seconds[layer] += (step.end_time or 0) - (step.start_time or 0)
    return {"imports": imports, **seconds, "between steps": running - seconds.total()}


main()
