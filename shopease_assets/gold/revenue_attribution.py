"""Which channel, campaign and device the revenue so far came through: last touch, as recorded on the order."""

from shopease_assets.core.contract import Contract, integer, key, ratio, text, total
from shopease_assets.kit.partitions import MONTHLY
from shopease_assets.kit.sql_table import sql_table


class RevenueAttribution(Contract):
    """Which channel, campaign and device the revenue so far came through: last touch, as recorded on the order.

    Grain: one tenant, sales channel, campaign ('none' where the order has none) and device ('unknown' likewise).
    """

    tenant_id = key()
    sales_channel = text(key=True)
    campaign = text(key=True)
    device = text(key=True)
    revenue = total(min=0)
    orders = integer(min=1)
    units = integer(min=0)
    customers = integer(min=1)
    revenue_share_pct = ratio(nullable=True)
    revenue_rank = integer(min=1)


revenue_attribution = sql_table(__file__, RevenueAttribution, partitions=MONTHLY, revenue="revenue")
