"""In which months of the year and on which weekdays a tenant sells, over all years so far."""

from shopease_assets.core.contract import Contract, integer, key, ratio, total
from shopease_assets.kit.partitions import MONTHLY
from shopease_assets.kit.sql_table import sql_table


class SeasonalSales(Contract):
    """In which months of the year and on which weekdays a tenant sells, over all years so far.

    Grain: one tenant, month of the year (1 to 12) and weekday (1 Monday to 7 Sunday, ISO 8601) with a sale;
    `days_with_sales` is how many days with one that is.
    """

    tenant_id = key()
    month_of_year = key()
    iso_weekday = key()
    days_with_sales = integer(min=1)
    revenue = total(min=0)
    orders = integer(min=1)
    units = integer(min=0)
    customers = integer(min=1)
    revenue_share_pct = ratio(nullable=True)
    revenue_rank = integer(min=1)


seasonal_sales = sql_table(__file__, SeasonalSales, partitions=MONTHLY, revenue="revenue")
