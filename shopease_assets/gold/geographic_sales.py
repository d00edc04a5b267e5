"""What was sold so far to customers of each city, its share of the tenant's revenue and its rank."""

from shopease_assets.core.contract import Contract, integer, key, ratio, text, total
from shopease_assets.kit.partitions import MONTHLY
from shopease_assets.kit.sql_table import sql_table


class GeographicSales(Contract):
    """What was sold so far to customers of each city, its share of the tenant's revenue and its rank.

    Grain: one tenant, country, state and city: the customer's when the order was placed. A customer who moved counts in
    both cities.
    """

    tenant_id = key()
    country = text(key=True)
    state = text(key=True)
    city = text(key=True)
    revenue = total(min=0)
    orders = integer(min=1)
    units = integer(min=0)
    customers = integer(min=1)
    revenue_share_pct = ratio(nullable=True)
    revenue_rank = integer(min=1)


geographic_sales = sql_table(
    __file__, GeographicSales, partitions=MONTHLY, versions=["silver.customers"], revenue="revenue"
)
