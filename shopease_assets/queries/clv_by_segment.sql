-- What a customer of each segment is worth, so far and in the next twelve months.
select
    tenant_id,
    customer_segment,
    customers,
    avg_lifetime_value,
    round(avg_orders_per_customer, 2) as avg_orders_per_customer,
    total_value,
    predicted_12m_value
from gold.clv_by_segment
where month = (select max(month) from gold.clv_by_segment)
order by tenant_id, total_value desc, customer_segment
