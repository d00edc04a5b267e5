-- Grain: tenant and product; every product that ever sold, as of $as_of.
-- Name and category are of the version known on that day, else of the earliest one known.
-- Averages are per order that contains the product; ranks are by revenue, equal revenue shares a rank.
-- Stock is the sum over stores of the latest level known; null while a store that lists it is not known yet.
with sales_by_product as (
    select
        tenant_id,
        product_id,
        cast(sum(orders) as bigint) as total_orders,
        cast(sum(quantity) as bigint) as total_quantity_sold,
        cast(sum(revenue) as decimal(18, 2)) as total_revenue,
        cast(sum(cost) as decimal(18, 2)) as total_cost
    from gold.daily_product_sales
    group by tenant_id, product_id
),

customers_by_product as (
    select
        tenant_id,
        product_id,
        count(distinct customer_id) as unique_customers
    from gold.fact_sales
    where is_sale
    group by tenant_id, product_id
),

product_versions as (
    select
        product_id,
        name,
        category,
        row_number() over (
            partition by product_id
            order by
                case when dt <= cast($as_of as date) then updated_at end desc nulls last,
                updated_at asc,
                name asc,
                category asc
        ) as preference
    from silver.products
),

stock_versions as (
    select
        product_id,
        store_id,
        stock_quantity,
        row_number() over (
            partition by product_id, store_id order by updated_at desc, stock_quantity asc
        ) as recency
    from silver.inventory
    where dt <= cast($as_of as date)
),

stores_by_product as (
    select
        product_id,
        count(distinct store_id) as stores
    from silver.inventory
    where cast(created_at as date) <= cast($as_of as date)
    group by product_id
),

stock_by_product as (
    select
        product_id,
        count(*) as stores_known,
        cast(sum(stock_quantity) as bigint) as stock
    from stock_versions
    where recency = 1
    group by product_id
)

select
    sales.tenant_id,
    sales.product_id,
    product_versions.name as product_name,
    product_versions.category,
    sales.total_orders,
    sales.total_quantity_sold,
    sales.total_revenue,
    cast(
        ((2 * cast(sales.total_revenue * 100 as bigint) + sales.total_orders) // (2 * sales.total_orders))
        * 0.01 as decimal(18, 2)
    ) as avg_order_value,
    cast(sales.total_quantity_sold as double) / cast(sales.total_orders as double) as avg_quantity_per_order,
    sales.total_cost,
    cast(sales.total_revenue - sales.total_cost as decimal(18, 2)) as gross_profit,
    cast(sales.total_revenue - sales.total_cost as double) * 100
    / cast(nullif(sales.total_revenue, 0) as double) as gross_margin_pct,
    customers_by_product.unique_customers,
    rank() over (
        partition by sales.tenant_id, product_versions.category order by sales.total_revenue desc
    ) as revenue_rank_in_category,
    rank() over (partition by sales.tenant_id order by sales.total_revenue desc) as overall_revenue_rank,
    case when stock_by_product.stores_known >= stores_by_product.stores then stock_by_product.stock end as current_stock
from sales_by_product as sales
left join customers_by_product
    on sales.tenant_id = customers_by_product.tenant_id and sales.product_id = customers_by_product.product_id
left join product_versions
    on sales.product_id = product_versions.product_id and product_versions.preference = 1
left join stock_by_product
    on sales.product_id = stock_by_product.product_id
left join stores_by_product
    on sales.product_id = stores_by_product.product_id
