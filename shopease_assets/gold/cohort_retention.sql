-- Grain: tenant, month of first purchase, and months since then, from 0 to the month of $as_of, silent ones too.
-- The retention rate is the share of the cohort that bought again in that month; month 0 is the whole cohort.
with digits as (
    select listed.digit
    from (values (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)) as listed (digit)
),

month_counts as (
    select cast(hundreds.digit * 100 + tens.digit * 10 + ones.digit as bigint) as months_since
    from digits as hundreds
    cross join digits as tens
    cross join digits as ones
),

first_purchases as (
    select
        tenant_id,
        customer_id,
        cast(date_trunc('month', min(dt)) as date) as cohort_month
    from gold.daily_customer_sales
    group by tenant_id, customer_id
),

cohorts as (
    select
        tenant_id,
        cohort_month,
        count(*) as cohort_size
    from first_purchases
    group by tenant_id, cohort_month
),

cells as (
    select
        cohorts.tenant_id,
        cohorts.cohort_month,
        month_counts.months_since,
        cohorts.cohort_size
    from cohorts
    inner join month_counts
        on
            month_counts.months_since
            <= (year(cast($as_of as date)) - year(cohorts.cohort_month)) * 12
            + month(cast($as_of as date)) - month(cohorts.cohort_month)
),

activity as (
    select
        first_purchases.tenant_id,
        first_purchases.cohort_month,
        cast(
            (year(sales.dt) - year(first_purchases.cohort_month)) * 12
            + month(sales.dt) - month(first_purchases.cohort_month) as bigint
        ) as months_since,
        sales.customer_id,
        sales.revenue
    from gold.daily_customer_sales as sales
    inner join first_purchases
        on sales.tenant_id = first_purchases.tenant_id and sales.customer_id = first_purchases.customer_id
),

activity_by_cell as (
    select
        tenant_id,
        cohort_month,
        months_since,
        count(distinct customer_id) as active_customers,
        sum(revenue) as revenue
    from activity
    group by tenant_id, cohort_month, months_since
)

select
    cells.tenant_id,
    cells.cohort_month,
    cells.months_since,
    cells.cohort_size,
    coalesce(activity_by_cell.active_customers, 0) as active_customers,
    cast(coalesce(activity_by_cell.active_customers, 0) as double)
    / cast(cells.cohort_size as double) as retention_rate,
    cast(coalesce(activity_by_cell.revenue, 0) as decimal(18, 2)) as revenue
from cells
left join activity_by_cell
    on
        cells.tenant_id = activity_by_cell.tenant_id
        and cells.cohort_month = activity_by_cell.cohort_month
        and cells.months_since = activity_by_cell.months_since
