"""Subscriptions: every version the source has shown us, by the day it changed."""

import polars as pl

from shopease_assets.core.cleaning import clean, latest_per_key
from shopease_assets.core.contract import (
    Contract,
    accuracy,
    date,
    enum,
    foreign_key,
    key,
    money,
    text,
    timestamp,
    version,
)
from shopease_assets.kit.silver import silver


class Subscriptions(Contract):
    """Grain: one version of a subscription (subscription_id, updated_at)."""

    subscription_id = key()
    tenant_id = foreign_key("tenants")
    customer_id = foreign_key("customers")
    plan_name = text()
    status = enum(["trial", "active", "cancelled", "expired"])
    start_date = date(future=True)
    end_date = date(nullable=True, future=True)
    monthly_amount = money(min=0)
    billing_cycle = enum(["monthly", "yearly"])
    created_at = timestamp()
    updated_at = version()

    @accuracy
    def ends_after_start(cls) -> pl.Expr:
        """Nothing ends before it starts."""
        return cls.end_date.col >= cls.start_date.col


@silver(Subscriptions)
def subscriptions(bronze_subscriptions: pl.LazyFrame) -> pl.LazyFrame:
    """Clean every version; drop repeated ones."""
    return bronze_subscriptions.pipe(clean, Subscriptions).pipe(latest_per_key, Subscriptions)
