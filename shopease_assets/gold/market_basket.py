"""Which products are bought together more often than chance would have it."""

from shopease_assets.core.contract import Contract, integer, key, ratio
from shopease_assets.kit.partitions import MONTHLY
from shopease_assets.kit.sql_table import sql_table


class MarketBasket(Contract):
    """Which products are bought together more often than chance would have it.

    Grain: one tenant and pair of products (product_a < product_b) in at least 5 orders together.
    """

    tenant_id = key()
    product_a = key()
    product_b = key()
    orders_together = integer(min=5)
    support = ratio()
    confidence_ab = ratio()
    confidence_ba = ratio()
    lift = ratio()


market_basket = sql_table(__file__, MarketBasket, partitions=MONTHLY)
