-- New customers and first purchases of every month, all tenants together.
select
    month,
    sum(new_customers) as new_customers,
    sum(first_purchases) as first_purchases
from gold.customer_acquisition
group by month
order by month
