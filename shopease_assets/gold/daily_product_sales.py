"""What each product sold in a day."""

from shopease_assets.core.contract import Contract, integer, key, total
from shopease_assets.kit.partitions import DAILY
from shopease_assets.kit.sql_table import sql_table


class DailyProductSales(Contract):
    """What each product sold in a day.

    Grain: one tenant, product and day.
    """

    tenant_id = key()
    product_id = key()
    orders = integer(min=1)
    quantity = integer(min=1)
    revenue = total(min=0)
    cost = total(min=0)
    unique_customers = integer(min=1)


daily_product_sales = sql_table(__file__, DailyProductSales, partitions=DAILY, revenue="revenue")
