-- Whom to call: the 50 best customers who have not ordered for 31 to 90 days.
select
    tenant_id,
    customer_id,
    city,
    customer_segment,
    total_purchases,
    total_spent,
    last_purchase_date,
    days_since_last_order
from gold.customer_analytics
where
    month = (select max(month) from gold.customer_analytics)
    and customer_status = 'at_risk'
order by total_spent desc, tenant_id, customer_id
limit 50
