"""All we know of a customer in one row: profile, purchases, value, subscription and visits."""

from shopease_assets.core.contract import Contract, day, flag, integer, key, money, ratio, text, total
from shopease_assets.kit.partitions import MONTHLY
from shopease_assets.kit.sql_table import sql_table


class Customer360(Contract):
    """All we know of a customer in one row: profile, purchases, value, subscription and visits.

    Grain: one tenant and customer, also who never bought.

    Purchases are those of gold.customer_analytics, values those of gold.customer_lifetime_value,
    scores those of gold.customer_segments, of the same month.
    """

    tenant_id = key()
    customer_id = key()
    customer_name = text(personal=True)
    city = text()
    state = text()
    country = text()
    customer_segment = text()
    is_active = flag()
    registered_date = day()
    total_purchases = integer(min=0)
    total_items_bought = integer(min=0)
    total_spent = total(min=0)
    avg_order_value = total(min=0, nullable=True)
    first_purchase_date = day(nullable=True)
    last_purchase_date = day(nullable=True)
    days_since_last_order = integer(min=0, nullable=True)
    avg_days_between_orders = ratio(nullable=True)
    customer_status = text(nullable=True)
    historic_value = total(min=0)
    predicted_12m_value = total(min=0, nullable=True)
    predicted_alive_probability = ratio(nullable=True)
    recency = integer(min=0, nullable=True)
    frequency = integer(min=1, nullable=True)
    monetary = total(min=0, nullable=True)
    r_score = integer(min=1, nullable=True)
    f_score = integer(min=1, nullable=True)
    m_score = integer(min=1, nullable=True)
    rfm_segment = text(nullable=True)
    value_band = text(nullable=True)
    subscription_status = text(nullable=True)
    subscription_plan = text(nullable=True)
    subscription_monthly_amount = money(min=0, nullable=True)
    web_events_30_days = integer(min=0)
    web_sessions_30_days = integer(min=0)
    last_seen_date = day(nullable=True)


customer_360 = sql_table(
    __file__,
    Customer360,
    partitions=MONTHLY,
    versions=["silver.customers", "silver.subscriptions"],
    revenue="total_spent",
)
