"""What each customer bought in a day."""

from shopease_assets.core.contract import Contract, integer, key, total
from shopease_assets.kit.partitions import DAILY
from shopease_assets.kit.sql_table import sql_table


class DailyCustomerSales(Contract):
    """What each customer bought in a day.

    Grain: one tenant, customer and day.
    """

    tenant_id = key()
    customer_id = key()
    orders = integer(min=1)
    items = integer(min=0)
    revenue = total(min=0)


daily_customer_sales = sql_table(__file__, DailyCustomerSales, partitions=DAILY, revenue="revenue")
