"""`shopease queries`: the questions people ask every week."""

from typing import Annotated

import typer
from rich.table import Table

from shopease_assets.cli.console import console
from shopease_assets.cli.lake import Engine, EngineOption, Format, asked, write_result
from shopease_assets.queries import named_queries, named_query
from shopease_assets.settings import settings

app = typer.Typer(no_args_is_help=True, help="Questions people ask every week, ready to run.")


@app.command("list")
def list_queries() -> None:
    """List the queries and what each answers."""
    shown = Table("query", "answers")
    for query in named_queries().values():
        shown.add_row(query.name, query.answers)
    console().print(shown)


@app.command()
def run(
    name: Annotated[str, typer.Argument(help="A name from `shopease queries list`")],
    output: Annotated[Format, typer.Option("--format", help="How to write the result")] = Format.TABLE,
    engine: EngineOption = Engine.DUCKDB,
) -> None:
    """Run a query on the published tables."""
    write_result(asked(engine)(named_query(name).sql), output)


@app.command()
def register() -> None:
    """Save the queries in the Athena workgroup, where the console lists them; again: bring them up to date."""
    from shopease_assets.queries.saved import save

    chosen = settings()
    outcome = save(named_queries().values(), chosen.athena_workgroup, chosen.environment)
    for what in ("created", "updated", "unchanged"):
        if names := [name for name, became in outcome.items() if became == what]:
            console().print(f"{what}: {', '.join(names)}")
