"""What of a ShopEase is in a database already."""

from datetime import UTC, date

from shopease_assets.core.errors import SourceError
from shopease_assets.synthetic.load import connection_to, create


def newest_day(dsn: str) -> date | None:
    """The UTC day of the newest order; None without the schema or without orders."""
    with connection_to(dsn) as connection:
        there = connection.execute("select to_regclass('shop.orders') is not null").fetchone()
        newest = (
            connection.execute("select max(ordered_at) from shop.orders").fetchone() if there and there[0] else None
        )
    return newest[0].astimezone(UTC).date() if newest and newest[0] else None


def ensure_empty(dsn: str, *, relaxed: bool) -> None:
    """Create the schema when it is missing.

    Raises:
        SourceError: it holds rows, which a load would mix with.
    """
    with connection_to(dsn) as connection:
        there = connection.execute("select to_regclass('shop.tenants') is not null").fetchone()
        exists = bool(there and there[0])
        filled = exists and connection.execute("select 1 from shop.tenants limit 1").fetchone() is not None
    if filled:
        raise SourceError("schema shop holds rows already; run: shopease source drop")
    if not exists:
        create(dsn, relaxed=relaxed)
