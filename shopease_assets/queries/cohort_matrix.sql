-- Who stays: the share of each month's new customers who bought again one, two, three, six and twelve months later.
select
    tenant_id,
    cohort_month,
    max(cohort_size) as customers,
    round(100 * max(case when months_since = 1 then retention_rate end), 1) as month_1_pct,
    round(100 * max(case when months_since = 2 then retention_rate end), 1) as month_2_pct,
    round(100 * max(case when months_since = 3 then retention_rate end), 1) as month_3_pct,
    round(100 * max(case when months_since = 6 then retention_rate end), 1) as month_6_pct,
    round(100 * max(case when months_since = 12 then retention_rate end), 1) as month_12_pct
from gold.cohort_retention
where month = (select max(month) from gold.cohort_retention)
group by tenant_id, cohort_month
order by tenant_id, cohort_month
