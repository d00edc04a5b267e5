"""Of the customers who first bought in a month, how many came back in each month after."""

from shopease_assets.core.contract import Contract, day, integer, key, ratio, total
from shopease_assets.kit.charts import retention_by_cohort
from shopease_assets.kit.partitions import MONTHLY
from shopease_assets.kit.sql_table import sql_table


class CohortRetention(Contract):
    """Of the customers who first bought in a month, how many came back in each month after.

    Grain: one tenant, month of first purchase and number of months since.
    """

    tenant_id = key()
    cohort_month = day(key=True)
    months_since = key()
    cohort_size = integer(min=1)
    active_customers = integer(min=0)
    retention_rate = ratio()
    revenue = total(min=0)


cohort_retention = sql_table(
    __file__, CohortRetention, partitions=MONTHLY, revenue="revenue", chart=retention_by_cohort
)
