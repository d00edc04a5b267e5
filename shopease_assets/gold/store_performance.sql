-- Grain: tenant and store; every store that ever sold, as of $as_of.
-- Name and place are of the version known on that day, else of the earliest one known.
-- The share is of all the tenant's revenue, with what no store sold; ranks are by revenue, equal revenue by store_id.
with store_versions as (
    select
        store_id,
        name,
        city,
        state,
        country,
        row_number() over (
            partition by store_id
            order by
                case when dt <= cast($as_of as date) then updated_at end desc nulls last,
                updated_at asc,
                name asc,
                city asc,
                state asc,
                country asc
        ) as preference
    from silver.stores
),

lines_by_order as (
    select
        dt,
        order_id,
        sum(quantity) as units,
        sum(line_total) as revenue
    from gold.fact_sales
    where is_sale
    group by dt, order_id
),

sales_by_store as (
    select
        orders.tenant_id,
        orders.store_id,
        cast(coalesce(sum(order_lines.revenue), 0) as decimal(18, 2)) as revenue,
        count(*) as orders,
        cast(coalesce(sum(order_lines.units), 0) as bigint) as units,
        count(distinct orders.customer_id) as customers
    from silver.orders as orders
    left join lines_by_order as order_lines
        on orders.order_id = order_lines.order_id and orders.dt = order_lines.dt
    where orders.status in ('processing', 'shipped', 'delivered')
    group by orders.tenant_id, orders.store_id
),

shares as (
    select
        tenant_id,
        store_id,
        revenue,
        orders,
        units,
        customers,
        cast(revenue as double) * 100
        / nullif(cast(sum(revenue) over (partition by tenant_id) as double), 0) as revenue_share_pct
    from sales_by_store
)

select
    shares.tenant_id,
    shares.store_id,
    stores.name as store_name,
    stores.city,
    stores.state,
    stores.country,
    shares.revenue,
    shares.orders,
    shares.units,
    shares.customers,
    shares.revenue_share_pct,
    row_number() over (partition by shares.tenant_id order by shares.revenue desc, shares.store_id asc) as revenue_rank
from shares
left join store_versions as stores
    on shares.store_id = stores.store_id and stores.preference = 1
where shares.store_id is not null
