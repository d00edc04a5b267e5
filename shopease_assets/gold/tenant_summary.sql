-- Grain: tenant; every tenant that exists on $as_of, silent ones with zeros.
-- Customers are those registered, products those listed by then, active or not; orders and revenue are all so far.
-- A customer is active up to 30 days after the last purchase, a subscription from its trial until its end.
-- Names and subscriptions are of the version known on that day, else of the earliest one known.
with tenant_versions as (
    select
        tenant_id,
        name,
        plan,
        row_number() over (
            partition by tenant_id
            order by
                case when dt <= cast($as_of as date) then updated_at end desc nulls last,
                updated_at asc,
                name asc,
                plan asc
        ) as preference
    from silver.tenants
    where cast(created_at as date) <= cast($as_of as date)
),

customers_by_tenant as (
    select
        tenant_id,
        count(distinct customer_id) as customers
    from silver.customers
    where cast(registered_at as date) <= cast($as_of as date)
    group by tenant_id
),

active_by_tenant as (
    select
        tenant_id,
        count(distinct customer_id) as active_customers
    from gold.daily_customer_sales
    where date_diff('day', dt, cast($as_of as date)) <= 30
    group by tenant_id
),

products_by_tenant as (
    select
        tenant_id,
        count(distinct product_id) as products
    from silver.products
    where cast(created_at as date) <= cast($as_of as date)
    group by tenant_id
),

sales_by_tenant as (
    select
        tenant_id,
        cast(sum(total_transactions) as bigint) as orders,
        cast(sum(total_revenue) as decimal(18, 2)) as revenue
    from gold.daily_sales_summary
    group by tenant_id
),

subscription_versions as (
    select
        subscription_id,
        tenant_id,
        status,
        monthly_amount,
        start_date,
        case
            when status in ('cancelled', 'expired') then coalesce(end_date, cast(updated_at as date))
        end as ended_on,
        row_number() over (
            partition by subscription_id
            order by
                case when dt <= cast($as_of as date) then updated_at end desc nulls last,
                updated_at asc,
                status asc,
                start_date asc,
                end_date asc nulls last,
                monthly_amount asc
        ) as preference
    from silver.subscriptions
),

subscriptions_by_tenant as (
    select
        tenant_id,
        count(*) as active_subscriptions,
        cast(sum(monthly_amount) as decimal(18, 2)) as mrr
    from subscription_versions
    where
        preference = 1
        and status <> 'trial'
        and start_date <= cast($as_of as date)
        and (ended_on is null or ended_on > cast($as_of as date))
    group by tenant_id
),

totals as (
    select
        tenants.tenant_id,
        tenants.name as tenant_name,
        tenants.plan,
        coalesce(customers_by_tenant.customers, 0) as customers,
        coalesce(active_by_tenant.active_customers, 0) as active_customers,
        coalesce(products_by_tenant.products, 0) as products,
        coalesce(sales_by_tenant.orders, 0) as orders,
        cast(coalesce(sales_by_tenant.revenue, 0) as decimal(18, 2)) as revenue,
        coalesce(subscriptions_by_tenant.active_subscriptions, 0) as active_subscriptions,
        cast(coalesce(subscriptions_by_tenant.mrr, 0) as decimal(18, 2)) as mrr
    from tenant_versions as tenants
    left join customers_by_tenant
        on tenants.tenant_id = customers_by_tenant.tenant_id
    left join active_by_tenant
        on tenants.tenant_id = active_by_tenant.tenant_id
    left join products_by_tenant
        on tenants.tenant_id = products_by_tenant.tenant_id
    left join sales_by_tenant
        on tenants.tenant_id = sales_by_tenant.tenant_id
    left join subscriptions_by_tenant
        on tenants.tenant_id = subscriptions_by_tenant.tenant_id
    where tenants.preference = 1
)

select
    tenant_id,
    tenant_name,
    plan,
    customers,
    active_customers,
    products,
    orders,
    revenue,
    cast(
        ((2 * cast(revenue * 100 as bigint) + customers) // (2 * nullif(customers, 0))) * 0.01 as decimal(18, 2)
    ) as revenue_per_customer,
    active_subscriptions,
    mrr
from totals
