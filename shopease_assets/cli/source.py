"""`shopease source`: create, fill, play on and drop a synthetic ShopEase in the source database."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from shopease_assets.cli import options
from shopease_assets.cli.console import console
from shopease_assets.settings import settings
from shopease_assets.sources.dsn import describe_dsn, source_dsn

if TYPE_CHECKING:
    from shopease_assets.synthetic import Dataset

app = typer.Typer(no_args_is_help=True, help="A synthetic ShopEase database, to try everything on.")


@app.command()
def create(
    relaxed: Annotated[bool, typer.Option("--relaxed", help="Without constraints, so that dirt fits in")] = False,
) -> None:
    """Create the empty schema `shop`."""
    from shopease_assets import synthetic

    dsn = source_dsn(settings())
    synthetic.create(dsn, relaxed=relaxed)
    console().print(f"schema shop created in {describe_dsn(dsn)}")


@app.command()
def generate(
    preset: Annotated[str, typer.Option(help="tiny, dev, poc, staging, prod or shopease")] = "dev",
    seed: Annotated[int, typer.Option(help="Same seed and days, same bytes")] = 7,
    start: Annotated[
        str | None, typer.Option(metavar="DAY", help="First day; default: so that the last is today")
    ] = None,
    days: Annotated[int | None, typer.Option(min=1, help="How many days; default: the preset's")] = None,
    dirt: Annotated[bool, typer.Option("--dirt", help="Plant what real sources hold, and report it")] = False,
    export_dir: Annotated[Path | None, typer.Option(help="Also write CSV, JSON and Parquet files here")] = None,
    load: Annotated[bool, typer.Option(help="Load into the source database")] = True,
) -> None:
    """Generate a ShopEase and load it into the source (its schema is created when missing)."""
    from shopease_assets import synthetic

    out = console()
    with Progress(console=out, transient=True) as bar:
        task = bar.add_task("generating")

        def told(what: str, done: int, of: int) -> None:
            bar.update(task, description=what, completed=done, total=of)

        dataset = synthetic.generate(
            preset,
            seed=seed,
            start=options.day(start, "--start") if start else None,
            days=days,
            dirt=synthetic.Dirt.FULL if dirt else None,
            progress=told,
        )
        if load:
            dsn = source_dsn(settings())
            synthetic.ensure_empty(dsn, relaxed=dataset.relaxed)
            synthetic.load(dsn, dataset, progress=told)
        if export_dir is not None:
            synthetic.export(dataset, export_dir)
    _print_counts(out, "generated", dataset.rows)
    _print_planted(out, dataset)
    if load:
        out.print(f"loaded into {describe_dsn(source_dsn(settings()))}")
    if export_dir is not None:
        out.print(f"files written to {export_dir}")


@app.command()
def advance(
    days: Annotated[int, typer.Option(min=1, help="How many further days")] = 1,
    seed: Annotated[int, typer.Option(help="Same seed, same future")] = 7,
) -> None:
    """Play further days: new orders, status progress, price changes, late events, deletes."""
    from shopease_assets import synthetic

    played = synthetic.advance(source_dsn(settings()), days=days, seed=seed)
    out = console()
    out.print(f"played {played.first_day} … {played.last_day}; touched:")
    shown = Table("table", "days", "inserted", "updated", "deleted")
    for name, rows in played.touched.group_by("table", maintain_order=True):
        touched = rows.sort("day")["day"]
        span = f"{touched[0]} … {touched[-1]} ({len(touched)})"
        shown.add_row(str(name[0]), span, *(f"{rows[kind].sum():,}" for kind in ("inserted", "updated", "deleted")))
    out.print(shown)


@app.command()
def drop(yes: Annotated[bool, typer.Option("--yes", help="Do not ask")] = False) -> None:
    """Drop schema `shop` with everything in it."""
    from shopease_assets import synthetic

    dsn = source_dsn(settings())
    if yes or typer.confirm(f"Drop schema shop in {describe_dsn(dsn)} with all its rows?"):
        synthetic.drop(dsn)
        console().print("schema shop dropped")


@app.command()
def stop() -> None:
    """Stop the embedded server; the next command that needs it starts it again."""
    from shopease_assets.sources.embedded import stop_embedded

    stop_embedded(settings().home_folder / "postgres")


def _print_counts(out: Console, title: str, rows: dict[str, int]) -> None:
    shown = Table("table", "rows", title=title)
    shown.columns[1].justify = "right"
    for name, count in rows.items():
        shown.add_row(name, f"{count:,}")
    out.print(shown)


def _print_planted(out: Console, dataset: "Dataset") -> None:
    planted = dataset.planted()
    if planted.is_empty():
        return
    shown = Table("table", "rule", "dimension", "days", "faults", title="planted")
    for (table, rule, dimension), rows in planted.group_by("table", "rule", "dimension", maintain_order=True):
        touched = rows["day"].unique().sort().to_list()
        days = f"{touched[0]} … {touched[-1]} ({len(touched)})"
        shown.add_row(str(table), str(rule), str(dimension), days, f"{rows['faults'].sum():,}")
    out.print(shown)
