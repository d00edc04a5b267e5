-- Recurring revenue of every month: active, new and cancelled subscriptions, churn.
select
    month,
    tenant_id,
    active_subscriptions,
    new_subscriptions,
    cancelled_subscriptions,
    mrr,
    arpu,
    round(100 * churn_rate, 2) as churn_pct
from gold.subscription_metrics
order by month, tenant_id
