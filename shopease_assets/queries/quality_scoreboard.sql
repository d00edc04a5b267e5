-- How good the data was in the last 30 days: each table's worst day and share of sound rows, by dimension.
select
    table_name,
    dimension,
    sum("rows") as rows_seen,
    sum(failed_rows) as rows_refused,
    round(100 * (1 - cast(sum(failed_rows) as double) / nullif(sum("rows"), 0)), 2) as sound_pct,
    round(100 * min(score), 2) as worst_day_pct,
    sum(case when passed then 0 else 1 end) as days_blocked
from gold.data_quality_scores
where dt > (select date_add('day', -30, max(dt)) from gold.data_quality_scores)
group by table_name, dimension
order by days_blocked desc, sound_pct, table_name, dimension
