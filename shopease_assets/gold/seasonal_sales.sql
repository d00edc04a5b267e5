-- Grain: tenant, month of the year (1 to 12) and weekday (1 Monday to 7 Sunday), all years so far together.
-- Only those with a sale; `days_with_sales` tells how many such days, so that seasons of unequal length compare.
-- Ranks are by revenue, equal revenue by month and weekday. Weekdays are counted from 1900-01-01, a Monday.
with sales_by_season as (
    select
        tenant_id,
        cast(month(dt) as bigint) as month_of_year,
        cast(date_diff('day', cast('1900-01-01' as date), dt) % 7 + 1 as bigint) as iso_weekday,
        count(*) as days_with_sales,
        cast(sum(total_revenue) as decimal(18, 2)) as revenue,
        cast(sum(total_transactions) as bigint) as orders,
        cast(sum(total_items_sold) as bigint) as units
    from gold.daily_sales_summary
    where total_transactions > 0
    group by
        tenant_id,
        cast(month(dt) as bigint),
        cast(date_diff('day', cast('1900-01-01' as date), dt) % 7 + 1 as bigint)
),

customers_by_season as (
    select
        tenant_id,
        cast(month(dt) as bigint) as month_of_year,
        cast(date_diff('day', cast('1900-01-01' as date), dt) % 7 + 1 as bigint) as iso_weekday,
        count(distinct customer_id) as customers
    from gold.daily_customer_sales
    group by
        tenant_id,
        cast(month(dt) as bigint),
        cast(date_diff('day', cast('1900-01-01' as date), dt) % 7 + 1 as bigint)
)

select
    sales.tenant_id,
    sales.month_of_year,
    sales.iso_weekday,
    sales.days_with_sales,
    sales.revenue,
    sales.orders,
    sales.units,
    coalesce(customers_by_season.customers, 0) as customers,
    cast(sales.revenue as double) * 100
    / nullif(cast(sum(sales.revenue) over (partition by sales.tenant_id) as double), 0) as revenue_share_pct,
    row_number() over (
        partition by sales.tenant_id order by sales.revenue desc, sales.month_of_year asc, sales.iso_weekday asc
    ) as revenue_rank
from sales_by_season as sales
left join customers_by_season
    on
        sales.tenant_id = customers_by_season.tenant_id
        and sales.month_of_year = customers_by_season.month_of_year
        and sales.iso_weekday = customers_by_season.iso_weekday
