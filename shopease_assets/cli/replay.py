"""`shopease replay`: days of a silver table once more, after its rule or its source was mended."""

from collections.abc import Mapping
from typing import Annotated

import typer
from rich.table import Table

from shopease_assets.cli import options
from shopease_assets.cli.console import console
from shopease_assets.cli.run import print_failures, run_work
from shopease_assets.core.errors import SettingsError
from shopease_assets.settings import settings
from shopease_assets.sources.dsn import source_dsn
from shopease_assets.storage.open import open_lake
from shopease_assets.storage.quarantine import rows_per_rule


def replay(
    table: Annotated[str, typer.Argument(metavar="TABLE", help="A silver table: orders")],
    start: options.FromDay = None,
    end: options.ToDay = None,
) -> None:
    """Make the days of TABLE again that have rows in quarantine or were blocked: a rule or the source was mended.

    Its source tables are read afresh; whatever is made of those days follows, and the rows of other tables that lacked
    what is back. Rows that pass leave the quarantine; a version that the source has overwritten stays as it was.
    Exits with 1 and a table of what failed when something is still blocked.
    """
    first, last = options.days(start, end)
    out = console()
    with out.status("loading the asset graph"):
        from shopease_assets import definitions
        from shopease_assets.automation.released import run_with_released
        from shopease_assets.automation.replay import days_to_replay, replay_work
        from shopease_assets.kit.columns import silver_contracts
        from shopease_assets.sources.postgres import PostgresSnapshot

    name = table.replace(".", "/").removeprefix("silver/")
    if name not in (known := silver_contracts()):
        raise SettingsError(f"no silver table is called {table!r}; there are: {', '.join(sorted(known))}")
    lake = open_lake(settings())
    days = days_to_replay(lake, name, first, last)
    if not days:
        out.print(f"silver.{name} has nothing in quarantine and no blocked day from {first} to {last}")
        return
    with PostgresSnapshot(source_dsn(settings())) as snapshot:
        work = replay_work(lake, snapshot, definitions.assets, definitions.source_tables, name, days)
    before = rows_per_rule(lake)
    outcome = run_with_released(lake, definitions.assets, work, run_work)
    _print_rules(name, before, rows_per_rule(lake))
    print_failures(outcome)
    if not outcome.success:
        raise typer.Exit(1)


def _print_rules(name: str, before: Mapping[tuple[str, str], int], after: Mapping[tuple[str, str], int]) -> None:
    shown = Table("table", "rule", "before", "after", title="rows in quarantine")
    for table, rule in sorted({*before, *after}):
        then, now = before.get((table, rule), 0), after.get((table, rule), 0)
        if table == name or then != now:
            shown.add_row(table, rule, f"{then:,}", f"{now:,}")
    console().print(shown)
