-- Grain: tenant and category; every category that ever sold, as of $as_of.
-- A product counts in the category it has on that day, else in the earliest one known.
-- Orders and customers are those with the category in the basket: they add up to more than the tenant's.
-- Ranks are by revenue, equal revenue by name.
with product_versions as (
    select
        product_id,
        category,
        row_number() over (
            partition by product_id
            order by
                case when dt <= cast($as_of as date) then updated_at end desc nulls last,
                updated_at asc,
                category asc
        ) as preference
    from silver.products
),

sales_by_category as (
    select
        order_lines.tenant_id,
        products.category,
        cast(sum(order_lines.line_total) as decimal(18, 2)) as revenue,
        count(distinct order_lines.order_id) as orders,
        cast(sum(order_lines.quantity) as bigint) as units,
        count(distinct order_lines.customer_id) as customers
    from gold.fact_sales as order_lines
    left join product_versions as products
        on order_lines.product_id = products.product_id and products.preference = 1
    where order_lines.is_sale
    group by order_lines.tenant_id, products.category
)

select
    tenant_id,
    category,
    revenue,
    orders,
    units,
    customers,
    cast(revenue as double) * 100
    / nullif(cast(sum(revenue) over (partition by tenant_id) as double), 0) as revenue_share_pct,
    row_number() over (partition by tenant_id order by revenue desc, category asc) as revenue_rank
from sales_by_category
