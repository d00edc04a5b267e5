-- Grain: tenant and day; every tenant with an order that day.
, sold as (
    select
        tenant_id, day, sum(quantity) as items, sum(line_total) as revenue, sum(line_cost) as cost,
        count(distinct product_id) as products
    from sales
    group by tenant_id, day
)

select
    o.tenant_id,
    o.day as sales_date,
    count(*) filter (where o.is_sale) as total_transactions,
    coalesce(max(s.items), 0) as total_items_sold,
    coalesce(max(s.revenue), 0) as total_revenue,
    round(coalesce(max(s.revenue), 0) / nullif(count(*) filter (where o.is_sale), 0), 2) as avg_transaction_value,
    count(distinct o.customer_id) filter (where o.is_sale) as unique_customers,
    coalesce(max(s.products), 0) as unique_products,
    count(*) filter (where o.status = 'cancelled') as cancelled_orders,
    count(*) filter (where o.status = 'returned') as returned_orders,
    coalesce(max(s.revenue - coalesce(s.cost, 0)), 0) as gross_margin,
    o.day as dt
from orders as o
left join sold as s on o.tenant_id = s.tenant_id and o.day = s.day
group by o.tenant_id, o.day
