-- Grain: tenant and day; every tenant with an order that day, sale or not.
-- Transactions are counted in orders (one may have lost its lines to quarantine), money comes from the lines.
-- The average is rounded half up to cents, in integers (facts, "Money: sum exactly, round once").
with orders_by_day as (
    select
        tenant_id,
        dt,
        count(*) filter (where status in ('processing', 'shipped', 'delivered')) as total_transactions,
        count(distinct customer_id) filter (
            where status in ('processing', 'shipped', 'delivered')
        ) as unique_customers,
        count(*) filter (where status = 'cancelled') as cancelled_orders,
        count(*) filter (where status = 'returned') as returned_orders
    from silver.orders
    group by tenant_id, dt
),

lines_by_day as (
    select
        tenant_id,
        dt,
        sum(quantity) as items_sold,
        sum(line_total) as revenue,
        sum(line_cost) as cost,
        count(distinct product_id) as unique_products
    from gold.fact_sales
    where is_sale
    group by tenant_id, dt
),

sales_by_day as (
    select
        orders_by_day.tenant_id,
        orders_by_day.dt,
        orders_by_day.total_transactions,
        cast(coalesce(lines_by_day.items_sold, 0) as bigint) as total_items_sold,
        cast(coalesce(lines_by_day.revenue, 0) as decimal(18, 2)) as total_revenue,
        cast(coalesce(lines_by_day.cost, 0) as decimal(18, 2)) as total_cost,
        orders_by_day.unique_customers,
        coalesce(lines_by_day.unique_products, 0) as unique_products,
        orders_by_day.cancelled_orders,
        orders_by_day.returned_orders
    from orders_by_day
    left join lines_by_day
        on orders_by_day.tenant_id = lines_by_day.tenant_id and orders_by_day.dt = lines_by_day.dt
)

select
    tenant_id,
    dt as sales_date,
    total_transactions,
    total_items_sold,
    total_revenue,
    cast(
        ((2 * cast(total_revenue * 100 as bigint) + total_transactions) // (2 * nullif(total_transactions, 0)))
        * 0.01 as decimal(18, 2)
    ) as avg_transaction_value,
    unique_customers,
    unique_products,
    cancelled_orders,
    returned_orders,
    cast(total_revenue - total_cost as decimal(18, 2)) as gross_margin,
    dt
from sales_by_day
