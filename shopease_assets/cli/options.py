"""Options that several verbs share, and how their values are read."""

from datetime import UTC, date, datetime
from typing import Annotated

import typer

from shopease_assets.core.errors import SettingsError
from shopease_assets.core.layout import TableRef

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
