-- Each tenant's last 30 days beside the 30 days before: orders, revenue, margin, average order, growth.
with newest as (
    select max(dt) as last_day from gold.daily_sales_summary
),

periods as (
    select
        sales.tenant_id,
        sales.dt > date_add('day', -30, newest.last_day) as is_current,
        sales.total_transactions,
        sales.total_revenue,
        sales.gross_margin
    from gold.daily_sales_summary as sales
    cross join newest
    where sales.dt > date_add('day', -60, newest.last_day)
),

totals as (
    select
        tenant_id,
        sum(case when is_current then total_transactions else 0 end) as orders,
        sum(case when is_current then total_revenue else 0 end) as revenue,
        sum(case when is_current then gross_margin else 0 end) as gross_margin,
        sum(case when is_current then 0 else total_revenue end) as revenue_before
    from periods
    group by tenant_id
)

select
    tenant_id,
    orders,
    revenue,
    gross_margin,
    round(cast(revenue as double) / nullif(orders, 0), 2) as avg_order_value,
    round(100 * cast(gross_margin as double) / nullif(cast(revenue as double), 0), 1) as gross_margin_pct,
    revenue_before,
    round(100 * (cast(revenue as double) / nullif(cast(revenue_before as double), 0) - 1), 1) as growth_pct
from totals
order by revenue desc, tenant_id
