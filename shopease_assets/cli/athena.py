"""Queries on Athena as the terminal shows them: how they stand and what they cost, on standard error."""

from decimal import Decimal

import pyarrow as pa

from shopease_assets.cli.console import console
from shopease_assets.engines.athena import Athena, Progress, cost
from shopease_assets.settings import settings


def answer_on_athena(sql: str) -> pa.Table:
    """The result of one SELECT. Ctrl-C cancels it there too, and says so.

    Raises:
        QueryError: Athena failed it, or it is no SELECT.
    """
    chosen = settings()
    err = console(stderr=True)
    last: Progress | None = None

    with err.status("asking Athena") as status:

        def show(progress: Progress) -> None:
            nonlocal last
            last = progress
            status.update(f"{progress.state.lower()}, {progress.seconds:,.0f} s, {_size(progress.scanned)} scanned")

        try:
            return Athena.of(chosen).query(sql, show)
        finally:
            if last is not None:
                err.print(_said(last, chosen.athena_usd_per_tb))


def _said(last: Progress, usd_per_tb: Decimal) -> str:
    scanned = f"{_size(last.scanned)} scanned in {last.seconds:,.1f} s"
    match last.state:
        case "FAILED":
            return f"Athena query {last.query_id}: failed, not billed"
        case "CANCELLED":
            return f"Athena query {last.query_id}: cancelled; {scanned}, about ${cost(last.scanned, usd_per_tb):.5f}"
        case _:
            return f"Athena query {last.query_id}: {scanned}, about ${cost(last.scanned, usd_per_tb):.5f}"


def _size(count: int) -> str:
    return f"{count / 1e6:,.1f} MB"
