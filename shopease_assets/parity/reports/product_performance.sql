-- Grain: tenant and product; every product that ever sold, as of $as_of.
, totals as (
    select
        tenant_id, product_id, count(distinct order_id) as orders, sum(quantity) as quantity,
        sum(line_total) as revenue, coalesce(sum(line_cost), 0) as cost, count(distinct customer_id) as customers
    from sales
    group by tenant_id, product_id
),

named as (
    select distinct on (product_id) product_id, name, category
    from product_versions
    order by
        product_id, case when greatest((updated_at at time zone $zone)::date, $lake_start) <= $as_of then updated_at end
        desc nulls last, updated_at
),

stock_versions as (
    select product_id, store_id, stock_quantity, created_at, updated_at
    from shop.inventory
    where concat_ws('/', product_id, store_id) not in (select unnest($inventory_withheld::text[]))
    union all
    select product_id, store_id, stock_quantity, created_at, updated_at
    from json_to_recordset($inventory_overwritten) as v (
        product_id bigint, store_id int, stock_quantity int, created_at timestamptz, updated_at timestamptz
    )
),

newest_stock as (
    select distinct on (product_id, store_id) product_id, store_id, stock_quantity
    from stock_versions
    where greatest((updated_at at time zone $zone)::date, $lake_start) <= $as_of
    order by product_id, store_id, updated_at desc, stock_quantity
),

stock as (
    select product_id, count(*) as stores, sum(stock_quantity) as stock
    from newest_stock
    group by product_id
),

stores as (
    select product_id, count(distinct store_id) as stores
    from stock_versions
    where created_at::date <= $as_of
    group by product_id
)

select
    t.tenant_id,
    t.product_id,
    n.name as product_name,
    n.category,
    t.orders as total_orders,
    t.quantity as total_quantity_sold,
    t.revenue as total_revenue,
    round(t.revenue / t.orders, 2) as avg_order_value,
    t.quantity::float8 / t.orders as avg_quantity_per_order,
    t.cost as total_cost,
    t.revenue - t.cost as gross_profit,
    100 * (t.revenue - t.cost) / nullif(t.revenue, 0) as gross_margin_pct,
    t.customers as unique_customers,
    rank() over (partition by t.tenant_id, n.category order by t.revenue desc) as revenue_rank_in_category,
    rank() over (partition by t.tenant_id order by t.revenue desc) as overall_revenue_rank,
    case when stock.stores >= stores.stores then stock.stock end as current_stock
from totals as t
left join named as n using (product_id)
left join stock using (product_id)
left join stores using (product_id)
