-- Grain: tenant, sales channel, campaign and device; all sales so far.
-- Last touch: the whole order counts for the channel, campaign and device recorded on it, earlier visits for nothing.
-- An order that records no campaign counts as 'none', one without a device as 'unknown'; spelling is the source's.
-- Ranks are by revenue, equal revenue by channel, campaign and device.
with lines_by_order as (
    select
        dt,
        order_id,
        sum(quantity) as units,
        sum(line_total) as revenue
    from gold.fact_sales
    where is_sale
    group by dt, order_id
),

touched_sales as (
    select
        orders.tenant_id,
        orders.customer_id,
        orders.sales_channel,
        coalesce(orders.campaign, 'none') as campaign,
        coalesce(orders.device, 'unknown') as device,
        order_lines.units,
        order_lines.revenue
    from silver.orders as orders
    left join lines_by_order as order_lines
        on orders.order_id = order_lines.order_id and orders.dt = order_lines.dt
    where orders.status in ('processing', 'shipped', 'delivered')
),

sales_by_touch as (
    select
        tenant_id,
        sales_channel,
        campaign,
        device,
        cast(coalesce(sum(revenue), 0) as decimal(18, 2)) as revenue,
        count(*) as orders,
        cast(coalesce(sum(units), 0) as bigint) as units,
        count(distinct customer_id) as customers
    from touched_sales
    group by tenant_id, sales_channel, campaign, device
)

select
    tenant_id,
    sales_channel,
    campaign,
    device,
    revenue,
    orders,
    units,
    customers,
    cast(revenue as double) * 100
    / nullif(cast(sum(revenue) over (partition by tenant_id) as double), 0) as revenue_share_pct,
    row_number() over (
        partition by tenant_id order by revenue desc, sales_channel asc, campaign asc, device asc
    ) as revenue_rank
from sales_by_touch
