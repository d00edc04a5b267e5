"""`shopease run` and `shopease refresh`: materialise days, or what the source has changed, in this process."""

import os
import shutil
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from shopease_assets.cli import options
from shopease_assets.cli.console import console
from shopease_assets.core.errors import SettingsError
from shopease_assets.settings import settings
from shopease_assets.sources.dsn import source_dsn
from shopease_assets.storage.open import open_lake

if TYPE_CHECKING:
    import dagster as dg

    from shopease_assets.automation.planning import Chunk, Work
    from shopease_assets.automation.runner import Outcome
    from shopease_assets.storage.lake import Staged

_SPANS_SHOWN, _TABLES_NAMED = 4, 8


def run(start: options.FromDay = None, end: options.ToDay = None, table: options.TableName = None) -> None:
    """Materialise the days from --from to --to (default: today), then the months they touch.

    Exits with 1 and a table of what failed when a check blocks a partition.
    """
    first, last = options.days(start, end)
    outcome = run_days(first if start else last, last, table)
    print_failures(outcome)
    if not outcome.success:
        raise typer.Exit(1)


def refresh() -> None:
    """Bring the lake up to what the source has changed: exactly these partitions, and what is made of them.

    Exits with 1 and a table of what failed when a check blocks a partition.
    """
    outcome = refresh_lake()
    print_failures(outcome)
    if not outcome.success:
        raise typer.Exit(1)


def run_days(first: date, last: date, table: str | None = None) -> "Outcome":
    """Run the days and their months with a progress bar; `table` restricts the run to one table.

    Raises:
        SettingsError: there is no such table.
    """
    with console().status("loading the asset graph"):
        from shopease_assets import definitions
        from shopease_assets.automation.late_changes import days_until_now, newest_day, version_days
        from shopease_assets.automation.planning import plan
        from shopease_assets.sources.postgres import PostgresSnapshot

    selected = _selected(definitions.assets, table)
    lake = open_lake(settings())
    lacking: set[str] = set()
    if any(asset.key.path[0] == "bronze" for asset in selected):
        with PostgresSnapshot(source_dsn(settings())) as snapshot:  # an unreachable server is one error, not eleven
            lacking = version_days(lake, snapshot, definitions.source_tables, days_until_now(snapshot))
    months = [month for ref in lake.log.tables() if ref.partition_by == "month" for month in lake.log.pointers(ref)]
    chunks = plan(
        selected,
        first,
        last,
        today=datetime.now(settings().zone).date(),
        days_per_run=settings().days_per_run,
        version_days=lacking,
        newest_day=newest_day(lake),
        newest_month=max(months, default=""),
    )
    return execute(chunks)


def refresh_lake() -> "Outcome":
    """Find what the lake lacks of the source, print it, and run it.

    Raises:
        SourceError: the source cannot be read.
    """
    out = console()
    with out.status("loading the asset graph"):
        from shopease_assets import definitions
        from shopease_assets.automation.late_changes import days_until_now, look
        from shopease_assets.automation.released import run_with_released
        from shopease_assets.automation.stale_work import work_to_catch_up
        from shopease_assets.sources.postgres import PostgresSnapshot
    lake = open_lake(settings())
    with out.status("comparing the lake with its source"), PostgresSnapshot(source_dsn(settings())) as snapshot:
        found = look(lake, snapshot, definitions.source_tables, days_until_now(snapshot))
        work = work_to_catch_up(lake, definitions.assets, found.stale)
    return run_with_released(lake, definitions.assets, work, run_work)


def run_work(work: "Work") -> "Outcome":
    """Print what is to be done, and do it."""
    from shopease_assets import definitions
    from shopease_assets.automation.planning import waves
    from shopease_assets.automation.runner import Outcome

    _print_work(work)
    chunks = [chunk for wave in waves(work, definitions.assets, settings().days_per_run) for chunk in wave]
    return execute(chunks) if chunks else Outcome(runs=0)


def _print_work(work: "Work") -> None:
    from shopease_assets.automation.planning import coalesced

    if not work:
        console().print("the lake holds what the source holds")
        return
    tables: dict[frozenset[str], list[str]] = {}
    for table, keys in work.items():
        tables.setdefault(frozenset(keys), []).append(table)
    shown = Table("tables", "partitions", "which", title="to be brought up to date")
    for keys, names in tables.items():
        spans = [first if first == last else f"{first} … {last}" for _, first, last in coalesced({"": keys})]
        more = f" and {len(spans) - _SPANS_SHOWN} more" if len(spans) > _SPANS_SHOWN else ""
        shown.add_row(_named(names), str(len(keys)), ", ".join(spans[:_SPANS_SHOWN]) + more)
    console().print(shown)


def _named(tables: list[str]) -> str:
    if len(tables) <= _TABLES_NAMED:
        return ", ".join(tables)
    layers = Counter(table.split("/")[0] for table in tables)
    return ", ".join(f"{count} {layer} table{'s' * (count > 1)}" for layer, count in layers.items())


def execute(chunks: Sequence["Chunk"]) -> "Outcome":
    """Run the chunks with a progress bar that counts tables."""
    from shopease_assets import definitions
    from shopease_assets.automation.runner import run_chunks

    with _progress(console()) as bar:
        task = bar.add_task("", total=sum(len(chunk.assets) for chunk in chunks))

        def published(staged: "Staged") -> None:
            if staged.table.layer != "quarantine":
                bar.update(task, advance=1, description=staged.table.path)

        def started(done: int) -> None:
            bar.update(task, completed=sum(len(earlier.assets) for earlier in chunks[:done]))

        resources = {"lake": definitions.lake_reporting_to(published), "source": definitions.source}
        outcome = run_chunks(
            chunks, definitions.assets, resources=resources, instance=dagster_instance(), progress=started
        )
        bar.update(task, completed=sum(len(chunk.assets) for chunk in chunks), description="done")
    return outcome


def dagster_instance() -> "dg.DagsterInstance":
    """The Dagster instance of the laptop: its home is made when missing, with the checkout's dagster.yaml."""
    import dagster as dg

    home = settings().dagster_home
    home.mkdir(parents=True, exist_ok=True)
    shipped = Path(__file__).parents[2] / "dagster.yaml"
    if shipped.exists() and not (home / "dagster.yaml").exists():
        shutil.copy(shipped, home)
    os.environ["DAGSTER_HOME"] = str(home)
    return dg.DagsterInstance.get()


def dev(port: Annotated[int, typer.Option(help="Port on 127.0.0.1")] = 3000) -> None:
    """Open the Dagster UI over the lake: schedules, sensors and backfills run while it does."""
    dagster_instance().dispose()
    program = str(Path(sys.executable).with_name("dagster"))
    os.execv(program, [program, "dev", "-m", "shopease_assets.definitions", "-h", "127.0.0.1", "-p", str(port)])  # noqa: S606


def print_failures(outcome: "Outcome") -> None:
    """What could not be published, and why; nothing when all went well. What follows from it is only counted."""
    if outcome.success:
        return
    causes = [failure for failure in outcome.failures if not failure.lacks_input] or outcome.failures
    shown = Table("table", "partitions of the run", "why", title="[red]not everything could be published[/]")
    for failure in causes:
        span = failure.first if failure.first == failure.last else f"{failure.first} … {failure.last}"
        shown.add_row(failure.table, span, failure.reason.replace("[", r"\["))
    out = console(stderr=True)
    out.print(shown)
    if following := {failure.table for failure in outcome.failures if failure not in causes}:
        out.print(f"for want of these, not made for all days: {', '.join(sorted(following))}")


def _selected(assets: Sequence["dg.AssetsDefinition"], table: str | None) -> list["dg.AssetsDefinition"]:
    if table is None:
        return list(assets)
    chosen = [asset for asset in assets if asset.key.to_user_string() == table.replace(".", "/")]
    if not chosen:
        names = ", ".join(sorted(asset.key.to_user_string() for asset in assets))
        raise SettingsError(f"--table {table!r} is unknown; there are: {names}")
    return chosen


def _progress(out: Console) -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description:32}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=out,
    )
