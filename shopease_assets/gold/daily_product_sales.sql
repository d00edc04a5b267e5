-- Grain: tenant, product and day; only products that sold that day.
-- Revenue is the sum of the sold lines' totals (data model, "What a sale is").
select
    tenant_id,
    product_id,
    count(distinct order_id) as orders,
    cast(sum(quantity) as bigint) as quantity,
    cast(sum(line_total) as decimal(18, 2)) as revenue,
    cast(coalesce(sum(line_cost), 0) as decimal(18, 2)) as cost,
    count(distinct customer_id) as unique_customers,
    dt
from gold.fact_sales
where is_sale
group by tenant_id, product_id, dt
