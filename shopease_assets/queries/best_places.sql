-- Where customers live who buy the most: the ten leading cities of each tenant.
select
    tenant_id,
    revenue_rank,
    country,
    state,
    city,
    revenue,
    orders,
    customers,
    round(revenue_share_pct, 1) as revenue_share_pct
from gold.geographic_sales
where month = (select max(month) from gold.geographic_sales) and revenue_rank <= 10
order by tenant_id, revenue_rank
