-- Every tenant in one line: customers, orders, revenue, subscriptions and recurring revenue.
select
    tenant_id,
    tenant_name,
    plan,
    customers,
    active_customers,
    orders,
    revenue,
    revenue_per_customer,
    active_subscriptions,
    mrr
from gold.tenant_summary
where month = (select max(month) from gold.tenant_summary)
order by revenue desc, tenant_id
