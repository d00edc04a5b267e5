"""How many customers each tenant won in a month: those who registered, and those who bought for the first time."""

from shopease_assets.core.contract import Contract, integer, key
from shopease_assets.kit.partitions import MONTHLY
from shopease_assets.kit.sql_table import sql_table


class CustomerAcquisition(Contract):
    """How many customers each tenant won in a month: those who registered, and those who bought for the first time.

    Grain: one tenant and month.
    """

    tenant_id = key()
    new_customers = integer(min=0)
    first_purchases = integer(min=0)


customer_acquisition = sql_table(__file__, CustomerAcquisition, partitions=MONTHLY, versions=["silver.customers"])
