"""A tenant in one row: customers, products, sales so far and subscriptions."""

from shopease_assets.core.contract import Contract, integer, key, text, total
from shopease_assets.kit.partitions import MONTHLY
from shopease_assets.kit.sql_table import sql_table


class TenantSummary(Contract):
    """A tenant in one row: customers, products, sales so far and subscriptions.

    Grain: one tenant. `revenue_per_customer` is per registered customer, buyer or not; `active_customers` bought in the
    last 30 days; `mrr` as in subscription_metrics.
    """

    tenant_id = key()
    tenant_name = text()
    plan = text()
    customers = integer(min=0)
    active_customers = integer(min=0)
    products = integer(min=0)
    orders = integer(min=0)
    revenue = total(min=0)
    revenue_per_customer = total(nullable=True, min=0)
    active_subscriptions = integer(min=0)
    mrr = total(min=0)


tenant_summary = sql_table(
    __file__,
    TenantSummary,
    partitions=MONTHLY,
    versions=["silver.tenants", "silver.customers", "silver.products", "silver.subscriptions"],
    revenue="revenue",
)
