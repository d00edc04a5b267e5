"""Options that several verbs share, and how their values are read."""

from datetime import UTC, date, datetime
from typing import Annotated

import typer

from shopease_assets.core.errors import SettingsError
from shopease_assets.core.layout import TableRef
from shopease_assets.settings import settings

FromDay = Annotated[str | None, typer.Option("--from", metavar="DAY", help="First day, YYYY-MM-DD")]
ToDay = Annotated[str | None, typer.Option("--to", metavar="DAY", help="Last day, YYYY-MM-DD")]
TableName = Annotated[str | None, typer.Option("--table", metavar="LAYER/NAME", help="Only this table: silver/orders")]


def day(text: str, option: str) -> date:
    """A calendar day.

    Raises:
        SettingsError: it is none.
    """
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise SettingsError(f"{option} {text!r} is no day; write YYYY-MM-DD") from None


def days(start: str | None, end: str | None, *, last: date | None = None) -> tuple[date, date]:
    """The first and the last day that --from and --to ask for; default: from the lake's first day to `last`, or today.

    A --to that has not come yet stands for today.

    Raises:
        SettingsError: one of them is no day, they are in the wrong order, or the lake has no such days.
    """
    begin, today = settings().start_date, datetime.now(settings().zone).date()
    if begin > today:
        raise SettingsError(f"SHOPEASE_START_DATE={begin} has not come yet; today is {today}")
    first = day(start, "--from") if start else begin
    if first > today:
        raise SettingsError(f"--from {first} has not come yet; today is {today}")
    until = min(day(end, "--to"), today) if end else max(last or today, first)
    if start and until < first:
        raise SettingsError(f"--to {until} lies before --from {first}; swap them")
    for option, asked in (("--from", first), ("--to", until)):
        if asked < begin:
            raise SettingsError(
                f"{option} {asked} lies before the lake's first day {begin}; start there, or set SHOPEASE_START_DATE"
            )
    return first, until


def moment(text: str) -> int | datetime:
    """A publication's number, or an instant (UTC when it names no zone).

    Raises:
        SettingsError: it is neither.
    """
    if text.isdigit():
        return int(text)
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise SettingsError(
            f"--to {text!r} is neither a publication's number nor a time; see `shopease history`"
        ) from None
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def table(text: str, known: list[TableRef]) -> TableRef:
    """The published table of that name, `silver/orders` or `silver.orders`.

    Raises:
        SettingsError: there is none; the message lists those there are.
    """
    for ref in known:
        if text.replace(".", "/") == ref.path:
            return ref
    names = ", ".join(ref.path for ref in known) or "none yet; run: shopease run"
    raise SettingsError(f"no published table is called {text!r}; there are: {names}")
