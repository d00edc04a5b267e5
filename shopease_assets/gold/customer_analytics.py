"""What each customer has bought so far, how often, and whether they are still with us."""

from shopease_assets.core.contract import Contract, day, enum, integer, key, ratio, text, total
from shopease_assets.kit.partitions import MONTHLY
from shopease_assets.kit.sql_table import sql_table


class CustomerAnalytics(Contract):
    """What each customer has bought so far, how often, and whether they are still with us.

    Grain: one tenant and customer who ever bought.
    """

    tenant_id = key()
    customer_id = key()
    customer_name = text(personal=True)
    city = text()
    state = text()
    customer_segment = text()
    total_purchases = integer(min=1)
    total_items_bought = integer(min=0)
    total_spent = total(min=0)
    avg_order_value = total(min=0)
    first_purchase_date = day()
    last_purchase_date = day()
    days_since_last_order = integer(min=0)
    avg_days_between_orders = ratio(nullable=True)
    customer_status = enum(["active", "at_risk", "churned"])


customer_analytics = sql_table(
    __file__, CustomerAnalytics, partitions=MONTHLY, versions=["silver.customers"], revenue="total_spent"
)
