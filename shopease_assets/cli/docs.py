"""`shopease docs`: writes the data dictionary, or says which of its pages are out of date."""

from pathlib import Path
from typing import Annotated

import typer

from shopease_assets.cli.console import console
from shopease_assets.core.errors import ShopEaseError


def docs(
    out: Annotated[Path, typer.Option(help="The folder of the pages")] = Path("docs/catalog"),
    check: Annotated[bool, typer.Option("--check", help="Write nothing; fail when a page is out of date")] = False,
) -> None:
    """Write a page per table: grain, columns, rules, lineage."""
    with console().status("loading the asset graph"):
        from shopease_assets import data_dictionary, definitions

    expected = data_dictionary.pages(definitions.assets)
    stale = data_dictionary.outdated(out, expected)
    if check and stale:
        raise ShopEaseError(f"out of date in {out}: {', '.join(stale[:5])} ({len(stale)} pages); run: make docs")
    if not check:
        data_dictionary.write(out, expected)
    console().print(f"{out}: {len(expected)} pages, {len(stale)} {'stale' if check else 'rewritten'}")
