-- Grain: tenant, for the month of $as_of up to that day; every tenant with a customer by then.
-- A customer is new in the month of registration, and a first-time buyer in the month of the first sale.
with registered as (
    select
        tenant_id,
        customer_id,
        cast(min(registered_at) as date) as registered_on
    from silver.customers
    group by tenant_id, customer_id
),

registrations as (
    select
        tenant_id,
        count(*) filter (
            where registered_on >= cast(date_trunc('month', cast($as_of as date)) as date)
        ) as new_customers
    from registered
    where registered_on <= cast($as_of as date)
    group by tenant_id
),

first_days as (
    select
        tenant_id,
        customer_id,
        min(dt) as first_day
    from gold.daily_customer_sales
    group by tenant_id, customer_id
),

first_purchases as (
    select
        tenant_id,
        count(*) as first_purchases
    from first_days
    where first_day >= cast(date_trunc('month', cast($as_of as date)) as date)
    group by tenant_id
)

select
    registrations.tenant_id,
    registrations.new_customers,
    coalesce(first_purchases.first_purchases, 0) as first_purchases
from registrations
left join first_purchases
    on registrations.tenant_id = first_purchases.tenant_id
