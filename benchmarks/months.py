"""`python -m benchmarks.months`: what the state of a month costs, table by table, at staging's and at prod's size.

Both shops and the daily tables of each are made once and found again. CPU is that of the work, without imports.
"""

import argparse
import json
import shutil
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from statistics import median
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from benchmarks.measure import Cost, run_job
from benchmarks.source import Source, open_source

#: So that the two years of the larger one are as long over as the other benchmarks' year.
START: Final = date(2024, 1, 1)
PRESETS: Final = ("staging", "prod")
_REPOSITORY = Path(__file__).absolute().parent.parent
_LATEST = _REPOSITORY / "benchmarks" / "out" / "months.json"
_ALL, _ONE = "all tables, all months", "all tables, newest month"


class Shop:
    """The source and the lake of one preset, with every daily table in it."""

    def __init__(self, home: Path, preset: str) -> None:
        self.preset = preset
        self.source: Source = open_source(home, preset, start=START)
        self._home = home / "months" / preset
        self._last = START + timedelta(days=self.source.days - 1)

    @property
    def months(self) -> tuple[str, str]:
        """The first and the newest month."""
        return START.isoformat(), self._last.replace(day=1).isoformat()

    def make_days(self) -> None:
        """Fill the lake, unless a former run did."""
        filled = self._home / "filled"
        if filled.exists():
            return
        shutil.rmtree(self._home, ignore_errors=True)
        (self._home / "dagster").mkdir(parents=True)
        shutil.copy(_REPOSITORY / "dagster.yaml", self._home / "dagster")
        self._run("days", START.isoformat(), str(self.source.days), reads_source=True)
        filled.touch()

    def make_months(self, first: str, last: str, *tables: str) -> Cost:
        """Make the states of these months, of the tables named or of all."""
        return self._run("month_states", first, last, *tables, reads_source=False)

    def _run(self, job: str, *arguments: str, reads_source: bool) -> Cost:
        environment = {
            "SHOPEASE_HOME": str(self._home),
            "SHOPEASE_SOURCE_DSN": self.source.dsn,
            "SHOPEASE_START_DATE": START.isoformat(),
            "DAGSTER_HOME": str(self._home / "dagster"),
        }
        return run_job(
            job, self.source, *arguments, environment=environment, folder=self._home, reads_source=reads_source
        )


def main() -> None:
    """Measure, print, keep."""
    asked = _arguments()
    home = asked.home.expanduser().absolute()
    home.mkdir(parents=True, exist_ok=True)
    console = Console(width=140)
    measured: dict[str, dict[str, list[Cost]]] = {}
    for preset in PRESETS:
        with console.status(f"{preset}: the shop and its days; the first time takes minutes") as status:
            shop = Shop(home, preset)
            shop.make_days()
            first, newest = shop.months
            measured[preset] = {}
            if not asked.tables:
                status.update(f"{preset}: {_ALL}")
                measured[preset][_ALL] = [shop.make_months(first, newest)]
                status.update(f"{preset}: {_ONE}")
                measured[preset][_ONE] = [shop.make_months(newest, newest) for _ in range(asked.repeat)]
            for table in asked.tables or measured[preset][_ALL][0].facts["seconds"]:
                status.update(f"{preset}: {table}")
                measured[preset][table] = [shop.make_months(newest, newest, table) for _ in range(asked.repeat)]
    results = {
        preset: {name: _medians(name, costs) for name, costs in jobs.items()} for preset, jobs in measured.items()
    }
    if not asked.tables:
        console.print(_runs_table(results))
    console.print(_tables_table(results))
    _LATEST.parent.mkdir(exist_ok=True)
    _LATEST.write_text(json.dumps(results, indent=2) + "\n")
    console.print(f"kept in {_LATEST}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.months", description=__doc__)
    parser.add_argument("tables", nargs="*", help="monthly tables, without gold/; default: all, alone and together")
    parser.add_argument("--repeat", type=int, default=3, help="how often a month is made; the medians count")
    parser.add_argument("--home", type=Path, default=Path(".shopease/bench"), help="folder of server and lakes")
    asked = parser.parse_args()
    if asked.repeat < 1:
        parser.error("--repeat must be at least 1")
    return asked


def _medians(name: str, costs: Sequence[Cost]) -> dict[str, Any]:
    return {
        "wall": median(cost.wall for cost in costs),
        "imports_cpu": median(cost.start_cpu for cost in costs),
        "cpu": median(cost.client_cpu - cost.start_cpu for cost in costs),
        "running": median(sum(cost.facts["seconds"].values()) for cost in costs),
        "peak_mb": max(cost.peak_mb for cost in costs),
        "rows_read": costs[0].facts["rows_read"].get(name),
        "rows_written": costs[0].facts["rows_written"].get(name),
    }


def _runs_table(results: dict[str, dict[str, dict[str, Any]]]) -> Table:
    table = _titled("Whole processes", "preset", "what", "wall s", "work CPU s", "imports CPU s", "peak MB")
    for preset, jobs in results.items():
        for name in (_ALL, _ONE):
            if cost := jobs.get(name):
                cells = (cost[what] for what in ("wall", "cpu", "imports_cpu"))
                table.add_row(preset, name, *(f"{cell:.1f}" for cell in cells), f"{cost['peak_mb']:.0f}")
    return table


def _tables_table(results: dict[str, dict[str, dict[str, Any]]]) -> Table:
    small, large = PRESETS
    table = _titled(
        "One month, each table in a process of its own",
        *("table", f"{small} CPU s", f"{large} CPU s", "CPU growth", f"{large} wall s"),
        *(f"{large} rows read", "rows growth", f"{large} rows made", "peak MB"),
    )
    for name, one, other in _both(results[small], results[large]):
        table.add_row(
            name,
            f"{one['cpu']:.2f}",
            f"{other['cpu']:.2f}",
            f"{other['cpu'] / one['cpu']:.1f}",
            f"{other['running']:.2f}",
            f"{other['rows_read']:,}",
            f"{other['rows_read'] / one['rows_read']:.1f}" if one["rows_read"] else "",
            f"{other['rows_written']:,}",
            f"{other['peak_mb']:.0f}",
        )
    return table


def _both(
    small: dict[str, dict[str, Any]], large: dict[str, dict[str, Any]]
) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    names = (name for name in large if name not in {_ALL, _ONE})
    for name in sorted(names, key=lambda name: -large[name]["cpu"]):
        yield name, small[name], large[name]


def _titled(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left")
    for column in columns:
        is_name = column in {"preset", "what", "table"}
        table.add_column(column, justify="left" if is_name else "right", no_wrap=is_name)
    return table


if __name__ == "__main__":
    main()
