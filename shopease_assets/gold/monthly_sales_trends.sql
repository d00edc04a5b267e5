-- Grain: tenant, for the month of $as_of up to that day; every tenant that ever sold, silent ones with zeros.
-- Growth is in percent of the whole earlier month; null where that month had no revenue.
with months as (
    select
        cast(date_trunc('month', cast($as_of as date)) as date) as this_month,
        cast(cast(date_trunc('month', cast($as_of as date)) as date) - interval 1 month as date) as previous_month,
        cast(cast(date_trunc('month', cast($as_of as date)) as date) - interval 1 year as date) as last_year
),

sales_by_month as (
    select
        tenant_id,
        cast(date_trunc('month', dt) as date) as sales_month,
        sum(total_transactions) as orders,
        sum(total_revenue) as revenue,
        sum(total_items_sold) as units
    from gold.daily_sales_summary
    group by tenant_id, cast(date_trunc('month', dt) as date)
),

customers_this_month as (
    select
        sales.tenant_id,
        count(distinct sales.customer_id) as unique_customers
    from gold.daily_customer_sales as sales
    inner join months
        on cast(date_trunc('month', sales.dt) as date) = months.this_month
    group by sales.tenant_id
),

trends as (
    select
        sales.tenant_id,
        cast(coalesce(sum(sales.orders) filter (where sales.sales_month = months.this_month), 0) as bigint)
            as orders,
        cast(coalesce(sum(sales.revenue) filter (where sales.sales_month = months.this_month), 0) as decimal(18, 2))
            as revenue,
        cast(coalesce(sum(sales.units) filter (where sales.sales_month = months.this_month), 0) as bigint)
            as units,
        cast(
            coalesce(sum(sales.revenue) filter (where sales.sales_month = months.previous_month), 0)
            as decimal(18, 2)
        ) as previous_month_revenue,
        cast(
            coalesce(sum(sales.revenue) filter (where sales.sales_month = months.last_year), 0)
            as decimal(18, 2)
        ) as same_month_last_year_revenue
    from sales_by_month as sales
    cross join months
    group by sales.tenant_id
    having sum(sales.orders) > 0
)

select
    trends.tenant_id,
    trends.orders,
    coalesce(customers_this_month.unique_customers, 0) as unique_customers,
    trends.revenue,
    trends.units,
    cast(
        ((2 * cast(trends.revenue * 100 as bigint) + trends.orders) // (2 * nullif(trends.orders, 0)))
        * 0.01 as decimal(18, 2)
    ) as avg_order_value,
    trends.previous_month_revenue,
    cast(trends.revenue - trends.previous_month_revenue as double) * 100
    / cast(nullif(trends.previous_month_revenue, 0) as double) as revenue_growth_pct,
    trends.same_month_last_year_revenue,
    cast(trends.revenue - trends.same_month_last_year_revenue as double) * 100
    / cast(nullif(trends.same_month_last_year_revenue, 0) as double) as year_over_year_growth_pct
from trends
left join customers_this_month
    on trends.tenant_id = customers_this_month.tenant_id
