"""`shopease quality`: the scoreboard of silver's audits. Needs no Dagster."""

from collections import defaultdict

from rich.table import Table

from shopease_assets.cli import options
from shopease_assets.cli.console import console
from shopease_assets.core.errors import NotPublished
from shopease_assets.core.quality import Dimension
from shopease_assets.settings import settings
from shopease_assets.storage.open import open_lake
from shopease_assets.storage.records import QualityResult


def quality(start: options.FromDay = None, end: options.ToDay = None, table: options.TableName = None) -> None:
    """Print how good each silver table is in each dimension, over all audited days or those asked for."""
    first, last = map(str, options.days(start, end))
    log = open_lake(settings()).log
    asked = table.replace(".", "/") if table else None
    results = [
        result
        for result in log.quality()
        if result.table.layer == "silver" and first <= result.partition <= last and asked in {None, result.table.path}
    ]
    if not results:
        raise NotPublished("no audit of silver is recorded for that; run: shopease run")
    shown = Table(
        "table", "days", "blocked", *Dimension, "most often broken", title="share of rows that keep the rules"
    )
    for name in sorted({str(result.table) for result in results}):
        shown.add_row(*_row(name, [result for result in results if str(result.table) == name]))
    console().print(shown)


def _row(name: str, results: list[QualityResult]) -> list[str]:
    days = {result.partition for result in results}
    blocked = {result.partition for result in results if result.blocking and not result.passed}
    broken: dict[str, int] = defaultdict(int)
    for result in results:
        for rule, rows in result.details.get("broken_rules", {}).items():
            broken[rule] += rows
    worst = sorted(broken.items(), key=lambda rule: (-rule[1], rule[0]))[:2]
    return [
        name,
        str(len(days)),
        f"[red]{len(blocked)}[/]" if blocked else "0",
        *(_share([result for result in results if result.check == dimension]) for dimension in Dimension),
        ", ".join(f"{rule} ({rows:,})" for rule, rows in worst),
    ]


def _share(results: list[QualityResult]) -> str:
    rows, failed = sum(result.rows for result in results), sum(result.failed_rows for result in results)
    below = sum(not result.passed for result in results)
    share = f"{1 - failed / rows:.2%}" if rows else "-"
    return f"[red]{share}, {below} days too low[/]" if below else share
