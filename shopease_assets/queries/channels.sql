-- How each sales channel did in the last 28 days.
select
    tenant_id,
    sales_channel,
    sum(transactions) as orders,
    sum(revenue) as revenue,
    round(cast(sum(revenue) as double) / nullif(sum(transactions), 0), 2) as avg_order_value
from gold.daily_channel_sales
where dt > (select date_add('day', -28, max(dt)) from gold.daily_channel_sales)
group by tenant_id, sales_channel
order by tenant_id, revenue desc, sales_channel
