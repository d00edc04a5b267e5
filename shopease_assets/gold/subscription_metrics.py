"""A tenant's subscriptions in a month: how many run, came and went, and what they bring."""

from shopease_assets.core.contract import Contract, integer, key, ratio, total
from shopease_assets.kit.partitions import MONTHLY
from shopease_assets.kit.sql_table import sql_table


class SubscriptionMetrics(Contract):
    """A tenant's subscriptions in a month: how many run, came and went, and what they bring.

    Grain: one tenant and month. `mrr` (monthly recurring revenue) is the sum of monthly_amount of active subscriptions,
    trials excluded, which the source gives per month whatever the billing cycle; `arpu` = mrr / active_subscriptions;
    `churn_rate` = cancelled_subscriptions / active_at_month_start (investopedia.com/terms/c/churnrate.asp),
    null where none was active.
    """

    tenant_id = key()
    active_subscriptions = integer(min=0)
    active_at_month_start = integer(min=0)
    new_subscriptions = integer(min=0)
    cancelled_subscriptions = integer(min=0)
    expired_subscriptions = integer(min=0)
    mrr = total(min=0)
    churn_rate = ratio(nullable=True)
    arpu = total(nullable=True, min=0)


subscription_metrics = sql_table(__file__, SubscriptionMetrics, partitions=MONTHLY, versions=["silver.subscriptions"])
