-- Revenue of every month, all tenants together, with the growth on the month before.
with months as (
    select
        month,
        sum(orders) as orders,
        sum(units) as units,
        sum(revenue) as revenue
    from gold.monthly_sales_trends
    group by month
)

select
    month,
    orders,
    units,
    revenue,
    lag(revenue) over (order by month) as revenue_before,
    round(
        100 * (cast(revenue as double) / nullif(cast(lag(revenue) over (order by month) as double), 0) - 1), 1
    ) as growth_pct
from months
order by month
