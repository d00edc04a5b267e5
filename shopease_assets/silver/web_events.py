"""What visitors did, one row per event, by the day it happened (arrival may be days later)."""

import dataframely as dy
import polars as pl

from shopease_assets.core.cleaning import clean, latest_per_key
from shopease_assets.core.contract import (
    MONEY_PRECISION,
    Contract,
    enum,
    foreign_key,
    json_field,
    json_rest,
    key,
    text,
    timestamp,
)
from shopease_assets.kit.silver import silver


class WebEvents(Contract):
    """Grain: one event (event_id)."""

    event_id = key()
    tenant_id = foreign_key("tenants")
    customer_id = foreign_key("customers", nullable=True)
    session_id = text()
    event_type = enum(
        ["page_view", "product_view", "search", "add_to_cart", "remove_from_cart", "checkout", "purchase", "click"]
    )
    product_id = foreign_key("products", nullable=True)
    page_url = text()
    referrer_url = text(nullable=True)
    device_type = text()
    browser = text()
    os = text()
    ip_address = text(nullable=True, personal=True)
    user_agent = text(nullable=True)
    search_term = json_field("event_data", dy.String())
    quantity = json_field("event_data", dy.Int64())
    value = json_field("event_data", dy.Decimal(MONEY_PRECISION, 2))
    extra = json_rest("event_data")
    occurred_at = timestamp()
    created_at = timestamp()
    updated_at = timestamp()


@silver(WebEvents)
def web_events(bronze_web_events: pl.LazyFrame) -> pl.LazyFrame:
    """Clean events; an event that arrived twice counts once."""
    return bronze_web_events.pipe(clean, WebEvents).pipe(latest_per_key, WebEvents)
