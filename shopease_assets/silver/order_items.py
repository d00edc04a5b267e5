"""Order lines, one row per line: the latest version the source has shown us, by the day of their order."""

import polars as pl

from shopease_assets.core.cleaning import clean, latest_per_key
from shopease_assets.core.contract import Contract, accuracy, foreign_key, integer, key, money, timestamp
from shopease_assets.kit.silver import silver


class OrderItems(Contract):
    """Grain: one order line (order_item_id)."""

    order_item_id = key()
    order_id = foreign_key("orders", same_day=True)
    product_id = foreign_key("products")
    quantity = integer(min=1)
    unit_price = money(min=0)
    discount_amount = money(min=0)
    line_total = money(min=0)
    created_at = timestamp()
    updated_at = timestamp()

    @accuracy
    def line_total_adds_up(cls) -> pl.Expr:
        """A line costs quantity times price, less its discount."""
        return cls.line_total.col == cls.quantity.col * cls.unit_price.col - cls.discount_amount.col


@silver(OrderItems)
def order_items(bronze_order_items: pl.LazyFrame) -> pl.LazyFrame:
    """Clean lines and keep the latest of each."""
    return bronze_order_items.pipe(clean, OrderItems).pipe(latest_per_key, OrderItems)
