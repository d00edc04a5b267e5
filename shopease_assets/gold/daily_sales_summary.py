"""A tenant's day in one row: orders, units, revenue, customers and margin."""

from shopease_assets.core.contract import Contract, day, integer, key, total
from shopease_assets.kit.charts import revenue_per_day
from shopease_assets.kit.partitions import DAILY
from shopease_assets.kit.sql_table import sql_table


class DailySalesSummary(Contract):
    """A tenant's day in one row: orders, units, revenue, customers and margin.

    Grain: one tenant (tenant_id) and day.
    """

    tenant_id = key()
    sales_date = day()
    total_transactions = integer(min=0)
    total_items_sold = integer(min=0)
    total_revenue = total(min=0)
    avg_transaction_value = total(nullable=True)
    unique_customers = integer(min=0)
    unique_products = integer(min=0)
    cancelled_orders = integer(min=0)
    returned_orders = integer(min=0)
    gross_margin = total()


daily_sales_summary = sql_table(
    __file__, DailySalesSummary, partitions=DAILY, revenue="total_revenue", chart=revenue_per_day
)
