"""What the generator returns: the frames of all source tables, and the ledger of faults planted in them."""

from dataclasses import dataclass, field
from typing import Final

import polars as pl

from shopease_assets.synthetic.window import Window

# In the order foreign keys ask for.
TABLES: Final = (
    "tenants",
    "stores",
    "customers",
    "products",
    "subscriptions",
    "inventory",
    "inventory_movements",
    "orders",
    "order_items",
    "web_events",
    "invoices",
)

KEYS: Final[dict[str, tuple[str, ...]]] = {
    "tenants": ("tenant_id",),
    "stores": ("store_id",),
    "customers": ("customer_id",),
    "products": ("product_id",),
    "subscriptions": ("subscription_id",),
    "inventory": ("product_id", "store_id"),
    "inventory_movements": ("movement_id",),
    "orders": ("order_id",),
    "order_items": ("order_item_id",),
    "web_events": ("event_id",),
    "invoices": ("invoice_id",),
}

# The column a row's business day comes from; items take their order's (see `business_day`).
BUSINESS_TIME: Final[dict[str, str]] = {
    "tenants": "updated_at",
    "stores": "updated_at",
    "customers": "updated_at",
    "products": "updated_at",
    "subscriptions": "updated_at",
    "inventory": "updated_at",
    "inventory_movements": "occurred_at",
    "orders": "ordered_at",
    "order_items": "created_at",
    "web_events": "occurred_at",
    "invoices": "issue_date",
}

LEDGER_SCHEMA: Final = pl.Schema(
    {
        "table": pl.String,
        "day": pl.Date,
        "rule": pl.String,
        "dimension": pl.String,
        "key": pl.String,
        "column": pl.String,
        "original": pl.String,
        "planted": pl.String,
    }
)


def business_day(table: str) -> pl.Expr:
    """The UTC day a row of the table belongs to. Items are created with their order, so their day is the order's."""
    return pl.col(BUSINESS_TIME[table]).cast(pl.Date)


@dataclass(frozen=True)
class Dataset:
    """A whole synthetic source. `ledger` holds one row per planted fault: table, day, rule, dimension, key (JSON),
    column, original and planted value as text; empty for clean data. `relaxed` data need the relaxed schema.
    """

    frames: dict[str, pl.DataFrame]
    window: Window
    seed: int
    ledger: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=LEDGER_SCHEMA))
    relaxed: bool = False

    @property
    def rows(self) -> dict[str, int]:
        """Rows per table."""
        return {table: frame.height for table, frame in self.frames.items()}

    def planted(self) -> pl.DataFrame:
        """How many faults per table, day and rule."""
        return self.ledger.group_by("table", "day", "rule", "dimension").len("faults").sort("table", "day", "rule")
