"""How far the visits of a day came on the way to a purchase."""

from shopease_assets.core.contract import Contract, integer, key, ratio, text
from shopease_assets.kit.charts import web_funnel
from shopease_assets.kit.partitions import DAILY
from shopease_assets.kit.sql_table import sql_table


class DailyWebFunnel(Contract):
    """How far the visits of a day came on the way to a purchase.

    Grain: one tenant, device type and day. `sessions` are the visits of `gold.fact_web_events`; the stages count the
    visits in which a product was viewed, put into the cart, checked out and purchased. A rate is a stage's visits
    divided by the earlier stage's (`session_conversion_rate`: purchases / sessions), null when there were none of
    those. A visit may skip a stage (a cart filled from a list), so a rate can exceed 1.
    """

    tenant_id = key()
    device_type = text(key=True)
    sessions = integer(min=1)
    product_views = integer(min=0)
    carts = integer(min=0)
    checkouts = integer(min=0)
    purchases = integer(min=0)
    view_to_cart_rate = ratio(nullable=True)
    cart_to_checkout_rate = ratio(nullable=True)
    checkout_to_purchase_rate = ratio(nullable=True)
    session_conversion_rate = ratio()


daily_web_funnel = sql_table(__file__, DailyWebFunnel, partitions=DAILY, chart=web_funnel)
