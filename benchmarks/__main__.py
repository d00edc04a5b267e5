"""`python -m benchmarks`: runs every job, interleaved, checks that both sides agree, prints ratios, keeps them as JSON.

Ratios are of medians. What a job does is in `jobs`; what it costs is in `measure`.
"""

import argparse
import json
import shutil
from collections import defaultdict
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from benchmarks.measure import Cost, run_job
from benchmarks.source import START, Source, open_source
from benchmarks.verify import same_answers, same_gold

Costs = dict[str, list[Cost]]
_LATEST = Path(__file__).absolute().parent / "out" / "latest.json"
_GOALS = {
    "extract_cpu_ratio": 2.5,
    "extract_peak_mb": 300,
    "pipeline_speedup": 5.0,
    "query_speedup": 100.0,
    "layers_rows_per_second": 150_000,
    "silver_day_seconds": 6,
    "import_cpu_seconds": 3,
}
#: What must not be more than its goal; the others must not be less.
_AT_MOST = {"extract_cpu_ratio", "extract_peak_mb", "silver_day_seconds", "import_cpu_seconds"}
#: Days of the runs whose peak memory is compared with the whole year's.
_SPANS = (31, 92)


def main() -> None:
    """Measure, verify, print, keep."""
    asked = _arguments()
    home = asked.home.expanduser().absolute()
    home.mkdir(parents=True, exist_ok=True)
    console = Console(width=110)
    with console.status("starting the source; its first filling takes a minute"):
        source = open_source(home, asked.preset)
    console.print(f"{asked.preset}: {source.items:,} order items in {source.days} days; medians of {asked.repeat}")
    costs: Costs = defaultdict(list)
    for number in range(1, asked.repeat + 1):
        with console.status(f"round {number} of {asked.repeat}"):
            _round(source, home / "work", costs)
    results = _results(costs)
    console.print(_costs_table(costs), _split_table(costs), _results_table(results))
    _LATEST.parent.mkdir(exist_ok=True)
    _LATEST.write_text(json.dumps(results, indent=2) + "\n")
    console.print(f"kept in {_LATEST}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--repeat", type=int, default=3, help="rounds; the medians count")
    parser.add_argument("--preset", default="shopease", help="size of the generated database")
    parser.add_argument(
        "--home", type=Path, default=Path(".shopease/bench"), help="folder of server, lakes and results"
    )
    asked = parser.parse_args()
    if asked.repeat < 1:
        parser.error("--repeat must be at least 1")
    return asked


def _round(source: Source, work: Path, costs: Costs) -> None:
    """Every job once, each beside its peer; raises SystemExit when the two sides disagree."""
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    span = (START.isoformat(), str(source.days))

    def run(job: str, *arguments: str, name: str = "", environment: dict[str, str] | None = None) -> Cost:
        cost = run_job(job, source, *arguments, environment=environment or {}, folder=work)
        costs[name or job].append(cost)
        return cost

    run("copy_floor")
    run("extract", *span, _fresh(work / "extracted"))
    run("extract", *span, _fresh(work / "audited"), "audited", name="extract, audited")
    run("naive_pipeline", _fresh(work / "naive"))
    run("pipeline", *span, _fresh(work / "ours" / "dagster"), environment=_settings(source, work / "ours"))
    same_gold(work / "ours" / "lake", work / "naive" / "gold")
    last_day = str(START + timedelta(days=source.days - 1))
    ours = (_settings(source, work / "ours"), str(work / "ours" / "dagster"))
    run("pipeline", last_day, "1", ours[1], name="pipeline, one night", environment=ours[0])
    run("months", *span, ours[1], environment=ours[0])
    same_answers(run("source_queries"), run("gold_queries", str(work / "ours" / "lake")))

    _layers(source, work / "layers", run)


def _layers(source: Source, home: Path, run: Callable[..., Cost]) -> None:
    """Every source table and its silver: the year, then its end again, now that what others look up is there."""
    dagster, environment = _fresh(home / "dagster"), _settings(source, home)
    for days in (source.days, *_SPANS):
        first = str(START + timedelta(days=max(0, source.days - days)))
        name = "layers" if days == source.days else f"layers, {days} days"
        span = (first, str(min(days, source.days)))
        run("pipeline", *span, dagster, "bronze", "silver", name=name, environment=environment)
    last_day = str(START + timedelta(days=source.days - 1))
    run("pipeline", last_day, "1", dagster, "silver", name="silver, one day", environment=environment)


def _fresh(folder: Path) -> str:
    folder.mkdir(parents=True)
    return str(folder)


def _settings(source: Source, home: Path) -> dict[str, str]:
    return {
        "SHOPEASE_HOME": str(home),
        "SHOPEASE_SOURCE_DSN": source.dsn,
        "SHOPEASE_START_DATE": START.isoformat(),
        "DAGSTER_HOME": str(home / "dagster"),
    }


def _results(costs: Costs) -> dict[str, float]:
    extract, floor = costs["extract"], costs["copy_floor"]
    ours, naive = costs["pipeline"], costs["naive_pipeline"]
    asked = [
        sum(of_source.facts["seconds"].values()) / sum(of_gold.facts["seconds"].values())
        for of_source, of_gold in zip(costs["source_queries"], costs["gold_queries"], strict=True)
    ]
    return {
        "extract_cpu_ratio": _ratio(extract, floor, "cpu"),
        "extract_wall_ratio": _ratio(extract, floor, "wall"),
        "extract_audited_cpu_ratio": _ratio(costs["extract, audited"], floor, "cpu"),
        "extract_peak_mb": _median(extract, "peak_mb"),
        "pipeline_speedup": _ratio(naive, ours, "wall"),
        "pipeline_cpu_ratio": _ratio(naive, ours, "cpu"),
        "pipeline_source_cpu_ratio": _ratio(naive, ours, "server_cpu"),
        "nightly_speedup": _ratio(naive, costs["pipeline, one night"], "wall"),
        "query_speedup": median(asked),
        "layers_rows_per_second": median(cost.facts["source_rows"] / cost.wall for cost in costs["layers"]),
        "silver_day_seconds": median(cost.facts["running"] for cost in costs["silver, one day"]),
        "import_cpu_seconds": median(cost.facts["import_cpu"] for cost in costs["silver, one day"]),
        **{
            f"layers_peak_year_to_{days}_days": _ratio(costs["layers"], costs[f"layers, {days} days"], "peak_mb")
            for days in _SPANS
        },
    }


def _median(costs: list[Cost], what: str) -> float:
    return median(getattr(cost, what) for cost in costs)


def _ratio(ours: list[Cost], theirs: list[Cost], what: str) -> float:
    return _median(ours, what) / _median(theirs, what)


def _costs_table(costs: Costs) -> Table:
    table = Table(title="What each job cost", title_justify="left")
    table.add_column("job")
    for column in ("wall s", "client CPU s", "server CPU s", "peak MB"):
        table.add_column(column, justify="right")
    for job, measured in costs.items():
        cells = [_median(measured, what) for what in ("wall", "client_cpu", "server_cpu")]
        table.add_row(job, *(f"{cell:.2f}" for cell in cells), f"{_median(measured, 'peak_mb'):.0f}")
    return table


def _split_table(costs: Costs) -> Table:
    table = Table(title="Where the time goes, in seconds; queries in milliseconds", title_justify="left")
    table.add_column("job")
    table.add_column("part")
    table.add_column("wall", justify="right")
    for job, kind, scale in (
        ("pipeline", "split", 1),
        ("layers", "split", 1),
        ("naive_pipeline", "split", 1),
        ("gold_queries", "seconds", 1000),
        ("source_queries", "seconds", 1000),
    ):
        for part in costs[job][0].facts[kind]:
            table.add_row(job, part, f"{median(cost.facts[kind][part] for cost in costs[job]) * scale:.1f}")
    return table


def _results_table(results: dict[str, float]) -> Table:
    table = Table(title="Ratios", title_justify="left")
    table.add_column("what")
    table.add_column("measured", justify="right")
    table.add_column("goal", justify="right")
    for name, value in results.items():
        table.add_row(name, f"{value:,.2f}", _goal(name))
    return table


def _goal(name: str) -> str:
    if name not in _GOALS:
        return ""
    return f"{'≤' if name in _AT_MOST else '≥'} {_GOALS[name]:,g}"


if __name__ == "__main__":
    main()
