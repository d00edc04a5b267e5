-- How many customers are in each RFM segment, and what they have spent.
select
    tenant_id,
    rfm_segment,
    count(*) as customers,
    sum(monetary) as revenue,
    round(avg(cast(frequency as double)), 1) as avg_orders,
    round(avg(cast(recency as double)), 1) as avg_days_since_last_order
from gold.customer_segments
where month = (select max(month) from gold.customer_segments)
group by tenant_id, rfm_segment
order by tenant_id, revenue desc, rfm_segment
