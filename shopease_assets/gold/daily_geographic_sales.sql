-- Grain: tenant, country, state, city and day; only places with a sale that day.
-- The place is the customer's when the order was placed (else the earliest one known), not where the goods went.
-- Orders are counted in orders, so that they add up to the day's transactions; money comes from the lines.
with customer_versions as (
    select
        customer_id,
        country,
        state,
        city,
        updated_at as known_from,
        lead(updated_at) over (partition by customer_id order by updated_at, customer_key) as known_until,
        row_number() over (partition by customer_id order by updated_at, customer_key) as version_number
    from silver.customers
),

revenue_by_order as (
    select
        order_id,
        dt,
        sum(line_total) as revenue
    from gold.fact_sales
    where is_sale
    group by order_id, dt
)

select
    orders.tenant_id,
    customer_versions.country,
    customer_versions.state,
    customer_versions.city,
    count(*) as orders,
    count(distinct orders.customer_id) as customers,
    cast(coalesce(sum(revenue_by_order.revenue), 0) as decimal(18, 2)) as revenue,
    orders.dt
from silver.orders as orders
left join customer_versions
    on
        orders.customer_id = customer_versions.customer_id
        and (orders.ordered_at >= customer_versions.known_from or customer_versions.version_number = 1)
        and (orders.ordered_at < customer_versions.known_until or customer_versions.known_until is null)
left join revenue_by_order
    on orders.order_id = revenue_by_order.order_id and orders.dt = revenue_by_order.dt
where orders.status in ('processing', 'shipped', 'delivered')
group by orders.tenant_id, customer_versions.country, customer_versions.state, customer_versions.city, orders.dt
