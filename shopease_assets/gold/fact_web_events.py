"""Every web event with its visit and the versions of customer and product it was about."""

from shopease_assets.core.contract import Contract, flag, instant, integer, key, money, text
from shopease_assets.kit.partitions import DAILY
from shopease_assets.kit.sql_table import sql_table


class FactWebEvents(Contract):
    """Every web event with its visit and the versions of customer and product it was about.

    Grain: one event (event_id). A visitor is whoever the source gave a `session_id`; more than 30 minutes without an
    event end a visit, as in Google Analytics, and `session_number` counts the visits of the visitor's day from 1. A day
    is made of its own events alone, so a visit over midnight is one on both days. `customer_key` is null for an
    anonymous visitor; `conversion_value` is what a purchase was worth, and null for every other event.
    """

    event_id = key()
    event_date_key = integer()
    tenant_id = integer()
    customer_id = integer(nullable=True)
    customer_key = text(nullable=True)
    product_id = integer(nullable=True)
    product_key = text(nullable=True)
    session_id = text()
    session_number = integer(min=1)
    event_type = text()
    is_conversion_event = flag()
    is_purchase_event = flag()
    conversion_value = money(nullable=True)
    device_type = text()
    browser = text()
    os = text()
    occurred_at = instant()


fact_web_events = sql_table(__file__, FactWebEvents, partitions=DAILY, versions=["silver.customers", "silver.products"])
