"""A small contract with every kind of column, and frames of it."""

from datetime import UTC, date, datetime
from decimal import Decimal

import dataframely as dy
import polars as pl

from shopease_assets.core.cleaning import ROW
from shopease_assets.core.contract import (
    Contract,
    accuracy,
    currency,
    email,
    enum,
    flag,
    foreign_key,
    integer,
    json_field,
    json_rest,
    key,
    money,
    text,
    timestamp,
    warning,
)
from shopease_assets.core.contract import date as calendar_date

DAY = date(2026, 1, 10)
EXTRACTED = datetime(2026, 1, 12, 9, 30, tzinfo=UTC)
SCHEMA = {
    "dt": pl.Date(),
    "parcel_id": pl.Int64(),
    "order_id": pl.Int64(),
    "sender": pl.String(),
    "label": pl.String(),
    "state": pl.String(),
    "grade": pl.String(),
    "currency": pl.String(),
    "weight": pl.Int64(),
    "price": pl.Decimal(12, 2),
    "insured": pl.Boolean(),
    "metadata": pl.String(),
    "sent_on": pl.Date(),
    "updated_at": pl.Datetime("us", "UTC"),
    "_unreadable": pl.String(),
    "_extracted_at": pl.Datetime("us", "UTC"),
}


class Parcels(Contract):
    """Grain: one parcel."""

    parcel_id = key()
    order_id = foreign_key("orders", nullable=True)
    sender = email()
    label = text(nullable=True, personal=True)
    state = enum(["sent", "lost"])
    grade = enum(["Gold", "Silver"], case="title")
    currency = currency()
    weight = integer(min=1)
    price = money(min=0)
    insured = flag()
    fragile = json_field("metadata", dy.Bool())
    pieces = json_field("metadata", dy.Int64())
    note = json_field("metadata", dy.String())
    volume = json_field("metadata", dy.Decimal(9, 3), key="volume_m3")
    extra = json_rest("metadata")
    sent_on = calendar_date()
    updated_at = timestamp()

    @accuracy
    def price_covers_weight(cls) -> pl.Expr:  # noqa: N805  # contract rules take the class
        """A gram costs at least a cent."""
        return cls.price.col * 100 >= cls.weight.col

    @warning
    def is_light(cls) -> pl.Expr:  # noqa: N805
        """Reported only."""
        return cls.weight.col < 1000


def parcel(parcel_id: int | None = 1, **values: object) -> dict[str, object]:
    """A sound parcel, but for what is said otherwise."""
    return {
        "dt": DAY,
        "parcel_id": parcel_id,
        "order_id": 7,
        "sender": "ada@example.com",
        "label": "books",
        "state": "sent",
        "grade": "Gold",
        "currency": "EUR",
        "weight": 250,
        "price": Decimal("4.90"),
        "insured": True,
        "metadata": "{}",
        "sent_on": DAY,
        "updated_at": datetime(2026, 1, 10, 8, tzinfo=UTC),
        "_unreadable": None,
        "_extracted_at": EXTRACTED,
    } | values


def parcels(*rows: dict[str, object]) -> pl.DataFrame:
    """The parcels as a bronze frame, each with its number."""
    return pl.DataFrame(list(rows), schema=SCHEMA).with_row_index(ROW)
