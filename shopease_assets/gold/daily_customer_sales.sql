-- Grain: tenant, customer and day; only customers with a sale that day.
-- Orders are counted in orders, so that they add up to the day's transactions; money comes from the lines.
with orders_by_customer as (
    select
        tenant_id,
        customer_id,
        dt,
        count(*) as orders
    from silver.orders
    where status in ('processing', 'shipped', 'delivered')
    group by tenant_id, customer_id, dt
),

lines_by_customer as (
    select
        tenant_id,
        customer_id,
        dt,
        sum(quantity) as items,
        sum(line_total) as revenue
    from gold.fact_sales
    where is_sale
    group by tenant_id, customer_id, dt
)

select
    orders_by_customer.tenant_id,
    orders_by_customer.customer_id,
    orders_by_customer.orders,
    cast(coalesce(lines_by_customer.items, 0) as bigint) as items,
    cast(coalesce(lines_by_customer.revenue, 0) as decimal(18, 2)) as revenue,
    orders_by_customer.dt
from orders_by_customer
left join lines_by_customer
    on
        orders_by_customer.tenant_id = lines_by_customer.tenant_id
        and orders_by_customer.customer_id = lines_by_customer.customer_id
        and orders_by_customer.dt = lines_by_customer.dt
