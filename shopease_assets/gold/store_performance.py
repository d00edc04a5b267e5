"""What each store has sold so far, its share of the tenant's revenue and its rank."""

from shopease_assets.core.contract import Contract, integer, key, ratio, text, total
from shopease_assets.kit.partitions import MONTHLY
from shopease_assets.kit.sql_table import sql_table


class StorePerformance(Contract):
    """What each store has sold so far, its share of the tenant's revenue and its rank.

    Grain: one tenant and store that ever sold. Sales without a store (web, mobile, marketplace) have no row, but count
    in the revenue that `revenue_share_pct` is a share of.
    """

    tenant_id = key()
    store_id = key()
    store_name = text()
    city = text()
    state = text()
    country = text()
    revenue = total(min=0)
    orders = integer(min=1)
    units = integer(min=0)
    customers = integer(min=1)
    revenue_share_pct = ratio(nullable=True)
    revenue_rank = integer(min=1)


store_performance = sql_table(__file__, StorePerformance, partitions=MONTHLY, versions=["silver.stores"])
