"""What each sales channel, payment method and store took in a day."""

from shopease_assets.core.contract import Contract, integer, key, text, total
from shopease_assets.kit.partitions import DAILY
from shopease_assets.kit.sql_table import sql_table


class DailyChannelSales(Contract):
    """What each sales channel, payment method and store took in a day.

    Grain: one tenant, sales channel, payment method, store (null: sold online) and day. A transaction is one order.
    """

    tenant_id = key()
    sales_channel = text(key=True)
    payment_method = text(key=True)
    store_id = key(nullable=True)
    transactions = integer(min=1)
    revenue = total(min=0)


daily_channel_sales = sql_table(__file__, DailyChannelSales, partitions=DAILY, revenue="revenue")
