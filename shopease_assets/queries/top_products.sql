-- The 20 products with the highest revenue so far, with margin and rank within their category.
select
    tenant_id,
    product_id,
    product_name,
    category,
    total_quantity_sold,
    total_revenue,
    round(gross_margin_pct, 1) as gross_margin_pct,
    revenue_rank_in_category,
    current_stock
from gold.product_performance
where month = (select max(month) from gold.product_performance)
order by total_revenue desc, tenant_id, product_id
limit 20
