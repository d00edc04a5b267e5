"""The command tree, and the one place where errors become one line and an exit code."""

import sys

import typer

from shopease_assets.cli import alerts, catalog, demo, docs, lake, quality, quarantine, queries, run, source, verify
from shopease_assets.cli.console import print_error
from shopease_assets.cli.replay import replay
from shopease_assets.core.errors import ShopEaseError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="ShopEase's data lake: load the source, run the days, query the tables.",
)
app.command("demo")(demo.demo)
app.add_typer(source.app, name="source")
app.command("run")(run.run)
app.command("refresh")(run.refresh)
app.command("replay")(replay)
app.command("dev")(run.dev)
app.command("query")(lake.query)
app.add_typer(queries.app, name="queries")
app.command("status")(lake.status)
app.command("quality")(quality.quality)
app.add_typer(alerts.app, name="alerts")
app.command("history")(lake.history)
app.command("rollback")(lake.rollback)
app.add_typer(quarantine.app, name="quarantine")
app.command("verify")(verify.verify)
app.command("vacuum")(lake.vacuum)
app.add_typer(catalog.app, name="catalog")
app.command("docs")(docs.docs)


def main() -> None:
    """Run a command. Errors a user can mend are one line on standard error, and exit code 1."""
    try:
        app()
    except ShopEaseError as error:
        print_error(str(error))
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
