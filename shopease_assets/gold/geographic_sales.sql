-- Grain: tenant, country, state and city; every place a customer ever bought from.
-- A sale belongs to where its customer lived when it was placed, else to the earliest address known.
-- Ranks are by revenue, equal revenue by place.
with customer_versions as (
    select
        customer_id,
        country,
        state,
        city,
        updated_at as known_from,
        lead(updated_at) over (partition by customer_id order by updated_at, country, state, city) as known_until,
        row_number() over (partition by customer_id order by updated_at, country, state, city) as version_number
    from silver.customers
),

lines_by_order as (
    select
        dt,
        order_id,
        sum(quantity) as units,
        sum(line_total) as revenue
    from gold.fact_sales
    where is_sale
    group by dt, order_id
),

sales_by_place as (
    select
        orders.tenant_id,
        customers.country,
        customers.state,
        customers.city,
        cast(coalesce(sum(order_lines.revenue), 0) as decimal(18, 2)) as revenue,
        count(*) as orders,
        cast(coalesce(sum(order_lines.units), 0) as bigint) as units,
        count(distinct orders.customer_id) as customers
    from silver.orders as orders
    left join lines_by_order as order_lines
        on orders.order_id = order_lines.order_id and orders.dt = order_lines.dt
    left join customer_versions as customers
        on
            orders.customer_id = customers.customer_id
            and (orders.ordered_at >= customers.known_from or customers.version_number = 1)
            and (orders.ordered_at < customers.known_until or customers.known_until is null)
    where orders.status in ('processing', 'shipped', 'delivered')
    group by orders.tenant_id, customers.country, customers.state, customers.city
)

select
    tenant_id,
    country,
    state,
    city,
    revenue,
    orders,
    units,
    customers,
    cast(revenue as double) * 100
    / nullif(cast(sum(revenue) over (partition by tenant_id) as double), 0) as revenue_share_pct,
    row_number() over (
        partition by tenant_id order by revenue desc, country asc, state asc, city asc
    ) as revenue_rank
from sales_by_place
