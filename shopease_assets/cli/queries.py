"""`shopease queries`: the questions people ask every week."""

from typing import Annotated

import typer
from rich.table import Table

from shopease_assets.cli.console import console
from shopease_assets.cli.lake import Format, answer, write_result
from shopease_assets.queries import named_queries, named_query

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
) -> None:
    """Run a query on the published tables."""
    write_result(answer(named_query(name).sql), output)
