"""What each category of products has sold so far, its share of the tenant's revenue and its rank."""

from shopease_assets.core.contract import Contract, integer, key, ratio, text, total
from shopease_assets.kit.partitions import MONTHLY
from shopease_assets.kit.sql_table import sql_table


class CategoryPerformance(Contract):
    """What each category of products has sold so far, its share of the tenant's revenue and its rank.

    Grain: one tenant and category that ever sold. An order with two categories counts in both.
    """

    tenant_id = key()
    category = text(key=True)
    revenue = total(min=0)
    orders = integer(min=1)
    units = integer(min=1)
    customers = integer(min=1)
    revenue_share_pct = ratio(nullable=True)
    revenue_rank = integer(min=1)


category_performance = sql_table(
    __file__, CategoryPerformance, partitions=MONTHLY, versions=["silver.products"], revenue="revenue"
)
