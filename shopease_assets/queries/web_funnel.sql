-- Where visitors stop: visits that reached each stage in the last 28 days, by device.
select
    device_type,
    sum(sessions) as visits,
    sum(product_views) as with_product_views,
    sum(carts) as with_carts,
    sum(checkouts) as with_checkouts,
    sum(purchases) as with_purchases,
    round(100 * cast(sum(purchases) as double) / nullif(sum(sessions), 0), 2) as conversion_pct
from gold.daily_web_funnel
where dt > (select date_add('day', -28, max(dt)) from gold.daily_web_funnel)
group by device_type
order by visits desc, device_type
