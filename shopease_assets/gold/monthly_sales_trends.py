"""A tenant's month in one row, beside the month before and the same month last year."""

from shopease_assets.core.contract import Contract, integer, key, ratio, total
from shopease_assets.kit.partitions import MONTHLY
from shopease_assets.kit.sql_table import sql_table


class MonthlySalesTrends(Contract):
    """A tenant's month in one row, beside the month before and the same month last year.

    Grain: one tenant and month.
    """

    tenant_id = key()
    orders = integer(min=0)
    unique_customers = integer(min=0)
    revenue = total(min=0)
    units = integer(min=0)
    avg_order_value = total(nullable=True)
    previous_month_revenue = total(nullable=True)
    revenue_growth_pct = ratio(nullable=True)
    same_month_last_year_revenue = total(nullable=True)
    year_over_year_growth_pct = ratio(nullable=True)


monthly_sales_trends = sql_table(__file__, MonthlySalesTrends, partitions=MONTHLY, revenue="revenue", window="month")
