-- Grain: tenant, sales channel, payment method, store (null: sold online) and day; only those with a sale that day.
-- Transactions are counted in orders (one may have lost its lines to quarantine), money comes from the lines.
with revenue_by_order as (
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
    orders.sales_channel,
    orders.payment_method,
    orders.store_id,
    count(*) as transactions,
    cast(coalesce(sum(revenue_by_order.revenue), 0) as decimal(18, 2)) as revenue,
    orders.dt
from silver.orders as orders
left join revenue_by_order
    on orders.order_id = revenue_by_order.order_id and orders.dt = revenue_by_order.dt
where orders.status in ('processing', 'shipped', 'delivered')
group by orders.tenant_id, orders.sales_channel, orders.payment_method, orders.store_id, orders.dt
