"""What customers of each segment have been worth so far."""

from shopease_assets.core.contract import Contract, integer, key, ratio, text, total
from shopease_assets.kit.partitions import MONTHLY
from shopease_assets.kit.sql_table import sql_table


class ClvBySegment(Contract):
    """What customers of each segment have been worth so far.

    Grain: one tenant and customer segment.
    """

    tenant_id = key()
    customer_segment = text(key=True)
    customers = integer(min=1)
    avg_lifetime_value = total(min=0)
    avg_orders_per_customer = ratio()
    total_value = total(min=0)
    predicted_12m_value = total(min=0)


clv_by_segment = sql_table(__file__, ClvBySegment, partitions=MONTHLY, revenue="total_value")
