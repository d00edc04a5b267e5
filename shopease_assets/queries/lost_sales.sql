-- What cancellations and returns cost: orders, lost lines and their value per month.
select
    cast(date_trunc('month', dt) as date) as month_of_order,
    tenant_id,
    count(distinct case when order_status = 'cancelled' then order_id end) as cancelled_orders,
    count(distinct case when order_status = 'returned' then order_id end) as returned_orders,
    sum(case when order_status in ('cancelled', 'returned') then line_total else 0 end) as lost_value,
    round(
        100 * cast(sum(case when order_status in ('cancelled', 'returned') then line_total else 0 end) as double)
        / nullif(cast(sum(line_total) as double), 0), 1
    ) as lost_pct
from gold.fact_sales
group by cast(date_trunc('month', dt) as date), tenant_id
order by month_of_order, tenant_id
