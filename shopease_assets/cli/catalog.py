"""`shopease catalog`: whether log, objects and Glue agree, and how to make them."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from shopease_assets.cli import options
from shopease_assets.cli.console import console
from shopease_assets.core.errors import SettingsError
from shopease_assets.settings import settings
from shopease_assets.storage.lake import ParquetLake, utc_now
from shopease_assets.storage.open import open_lake, open_mirror

if TYPE_CHECKING:
    from shopease_assets.storage.catalog import Finding
    from shopease_assets.storage.glue import GlueMirror

app = typer.Typer(no_args_is_help=True, help="Whether publication log, objects and Glue agree.")
_SHOWN = 10


@app.command()
def check(
    table: options.TableName = None,
    grace_hours: Annotated[float, typer.Option(min=0, help="Younger versions may be those of a run at work")] = 24,
) -> None:
    """Compare log, objects, every Parquet footer, contracts and Glue. Exits with 1 when something does not agree."""
    from shopease_assets.kit.documents import document
    from shopease_assets.storage import catalog

    lake = open_lake(settings())
    mirror = mirror_of(lake)
    _load_tables()
    tables = [options.table(table, lake.log.tables())] if table else None
    with console().status("comparing log, objects and Glue"):
        found = catalog.check(lake, mirror, document, now=utc_now(), grace=timedelta(hours=grace_hours), tables=tables)
    if not found:
        console().print(f"log and objects{' and Glue' if mirror else ''} agree")
        return
    _print(found)
    raise typer.Exit(1)


@app.command()
def repair() -> None:
    """Make Glue show what the log says. Data and log stay as they are; a second time there is nothing to do."""
    from shopease_assets.storage import catalog

    lake = open_lake(settings())
    mended = catalog.repair(lake, _mirror(lake))
    shown = Table("table", "described", "added", "moved", "taken away")
    for one in mended:
        names = ", ".join(definition.name for definition in one.definitions)
        counts = [len(part) for part in (one.create, one.update, one.delete)]
        shown.add_row(one.table.path, names, *(str(count or "") for count in counts))
    console().print(shown if mended else "nothing to do: Glue shows what the log says")


@app.command("rebuild-log")
def rebuild_log() -> None:
    """Fill a new, empty publication log from Glue and the files: readers then see what Athena sees.

    History, notes, quality results and what was published but not yet mirrored cannot be restored.
    """
    from shopease_assets.storage import rebuilding

    lake = open_lake(settings())
    rebuilt = rebuilding.rebuild_log(lake, _mirror(lake), now=utc_now())
    shown = Table("table", "partitions", "rows", "without a version in the lake")
    for one in rebuilt:
        shown.add_row(one.table.path, str(one.partitions), f"{one.rows:,}", ", ".join(one.lost))
    console().print(shown)
    console().print("not restored: history before now, quality results, what was never mirrored: shopease refresh")


def mirror_of(lake: ParquetLake) -> "GlueMirror | None":
    """What makes Glue follow the lake; None for a lake in a folder."""
    if settings().lake_bucket is None:
        return None
    from shopease_assets.kit.documents import document

    _load_tables()
    return open_mirror(settings(), lake, document)


def _mirror(lake: ParquetLake) -> "GlueMirror":
    mirror = mirror_of(lake)
    if mirror is None:
        raise SettingsError("a lake in a folder has no tables in Glue; set SHOPEASE_LAKE_URI to s3://bucket/prefix")
    return mirror


def _load_tables() -> None:
    """Makes every table known, with its document."""
    import shopease_assets.definitions  # noqa: F401


def _print(found: Sequence["Finding"]) -> None:
    for kind, of_kind in groupby(found, key=lambda finding: finding.kind):
        findings = list(of_kind)
        shown = Table("table", "partition", "what", title=f"{kind}: {len(findings)}", title_justify="left")
        shown.caption = f"cure: {kind.cure}"
        shown.caption_justify = "left"
        for finding in findings[:_SHOWN]:
            shown.add_row(finding.table.path, finding.partition, finding.says.replace("[", r"\["))
        if len(findings) > _SHOWN:
            shown.add_row(f"and {len(findings) - _SHOWN} more", "", "")
        console().print(shown)
