"""Orders, one row per order: the latest version the source has shown us, by the day it was placed."""

import dataframely as dy
import polars as pl

from shopease_assets.core.cleaning import clean, latest_per_key
from shopease_assets.core.contract import (
    Contract,
    accuracy,
    currency,
    enum,
    foreign_key,
    json_field,
    json_rest,
    key,
    money,
    text,
    timestamp,
)
from shopease_assets.kit.silver import silver
from shopease_assets.silver.order_items import OrderItems


class Orders(Contract):
    """Grain: one order (order_id)."""

    order_id = key()
    tenant_id = foreign_key("tenants")
    customer_id = foreign_key("customers")
    store_id = foreign_key("stores", nullable=True)
    order_number = text()
    status = enum(["pending", "processing", "shipped", "delivered", "cancelled", "returned"])
    payment_method = text()
    payment_status = text()
    sales_channel = enum(["web", "mobile", "store", "marketplace"])
    shipping_method = text(nullable=True)
    shipping_city = text(nullable=True)
    shipping_state = text(nullable=True)
    shipping_postal_code = text(nullable=True, personal=True)
    shipping_country = text(nullable=True)
    subtotal = money(min=0)
    tax_amount = money(min=0)
    shipping_cost = money(min=0)
    discount_amount = money(min=0)
    total_amount = money(min=0)
    currency = currency()
    coupon_code = text(nullable=True)
    gift = json_field("metadata", dy.Bool())
    campaign = json_field("metadata", dy.String())
    device = json_field("metadata", dy.String())
    extra = json_rest("metadata")
    ordered_at = timestamp()
    shipped_at = timestamp(nullable=True)
    delivered_at = timestamp(nullable=True)
    created_at = timestamp()
    updated_at = timestamp()

    @accuracy
    def total_adds_up(cls) -> pl.Expr:
        """What the customer pays is the goods, the tax and the shipping, less the discount."""
        return cls.total_amount.col == (
            cls.subtotal.col + cls.tax_amount.col + cls.shipping_cost.col - cls.discount_amount.col
        )

    @accuracy
    def subtotal_is_the_sum_of_lines(cls) -> pl.Expr:
        """The order's goods are its lines, neither more nor less."""
        return cls.subtotal.col == pl.col("_sum_of_lines")

    @accuracy
    def shipped_after_ordered(cls) -> pl.Expr:
        """Nothing leaves before it is ordered."""
        return cls.shipped_at.col >= cls.ordered_at.col

    @accuracy
    def delivered_after_shipped(cls) -> pl.Expr:
        """Nothing arrives before it leaves."""
        return cls.delivered_at.col >= cls.shipped_at.col


@silver(Orders)
def orders(bronze_orders: pl.LazyFrame, bronze_order_items: pl.LazyFrame) -> pl.LazyFrame:
    """Clean orders, keep the latest of each, and lay the sum of its lines beside it."""
    lines = bronze_order_items.pipe(clean, OrderItems).pipe(latest_per_key, OrderItems)
    sums = lines.group_by("dt", "order_id").agg(pl.col("line_total").sum().alias("_sum_of_lines"))
    return (
        bronze_orders.pipe(clean, Orders)
        .pipe(latest_per_key, Orders)
        .join(sums, on=["dt", "order_id"], how="left", maintain_order="left")
        .with_columns(pl.col("_sum_of_lines").fill_null(0))
    )
