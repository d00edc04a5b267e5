-- How long customers wait: days to ship and to deliver in the last 90 days, by sales channel.
select
    tenant_id,
    sales_channel,
    count(distinct order_id) as orders,
    round(avg(cast(days_to_ship as double)), 2) as avg_days_to_ship,
    round(avg(cast(days_to_deliver as double)), 2) as avg_days_to_deliver,
    max(days_to_deliver) as longest_days_to_deliver
from gold.fact_sales
where is_sale and dt > (select date_add('day', -90, max(dt)) from gold.fact_sales)
group by tenant_id, sales_channel
order by tenant_id, sales_channel
