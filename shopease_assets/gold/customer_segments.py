"""How recently, how often and for how much each customer bought, as scores, a segment and a value band."""

from shopease_assets.core.contract import Contract, enum, integer, key, total
from shopease_assets.kit.charts import customers_per_segment
from shopease_assets.kit.partitions import MONTHLY
from shopease_assets.kit.sql_table import sql_table

#: The cells of recency by frequency, from the best customers to the lost ones.
RFM_SEGMENTS = (
    "champions",
    "loyal_customers",
    "potential_loyalists",
    "new_customers",
    "promising",
    "need_attention",
    "about_to_sleep",
    "cannot_lose_them",
    "at_risk",
    "hibernating",
)


class CustomerSegments(Contract):
    """How recently, how often and for how much each customer bought, as scores, a segment and a value band.

    Grain: one tenant and customer who ever bought. `recency` is in days, `frequency` in orders, `monetary` is revenue;
    scores are fifths of the tenant's customers, 5 the best. Segments are a grid of r_score by f_score (G. Martin,
    guillaume-martin.github.io/rfm-segmentation-with-python.html): champions 5 by 4-5, loyal_customers 3-4 by 4-5,
    potential_loyalists 4-5 by 2-3, new_customers 5 by 1, promising 4 by 1, need_attention 3 by 3, about_to_sleep 3 by
    1-2, cannot_lose_them 1-2 by 5, at_risk 1-2 by 3-4, hibernating 1-2 by 1-2. Value bands: VIP from 2000 of revenue,
    High from 1000, Medium from 500.
    """

    tenant_id = key()
    customer_id = key()
    recency = integer(min=0)
    frequency = integer(min=1)
    monetary = total(min=0)
    r_score = integer(min=1)
    f_score = integer(min=1)
    m_score = integer(min=1)
    rfm_segment = enum(RFM_SEGMENTS)
    value_band = enum(["VIP", "High", "Medium", "Low"])


customer_segments = sql_table(
    __file__, CustomerSegments, partitions=MONTHLY, revenue="monetary", chart=customers_per_segment
)
