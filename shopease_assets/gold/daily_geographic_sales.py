"""What the customers of each place bought in a day."""

from shopease_assets.core.contract import Contract, integer, key, text, total
from shopease_assets.kit.partitions import DAILY
from shopease_assets.kit.sql_table import sql_table


class DailyGeographicSales(Contract):
    """What the customers of each place bought in a day.

    Grain: one tenant, country, state, city (the customer's, as of the order) and day. Who moved during the day counts
    in `customers` of both places.
    """

    tenant_id = key()
    country = text(key=True)
    state = text(key=True)
    city = text(key=True)
    orders = integer(min=1)
    customers = integer(min=1)
    revenue = total(min=0)


daily_geographic_sales = sql_table(
    __file__, DailyGeographicSales, partitions=DAILY, versions=["silver.customers"], revenue="revenue"
)
