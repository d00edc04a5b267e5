-- Grain: tenant and customer; every customer who ever bought, as of $as_of.
-- Name, city and segment are of the version known on that day, else of the earliest one known.
-- Days between orders: from the first to the last purchase, over the orders after the first; null for one order.
-- Status by days since the last purchase: active up to 30, at risk up to 90, then churned (data model).
with purchases as (
    select
        tenant_id,
        customer_id,
        cast(sum(orders) as bigint) as total_purchases,
        cast(sum(items) as bigint) as total_items_bought,
        cast(sum(revenue) as decimal(18, 2)) as total_spent,
        min(dt) as first_purchase_date,
        max(dt) as last_purchase_date,
        date_diff('day', min(dt), max(dt)) as days_from_first_to_last,
        date_diff('day', max(dt), cast($as_of as date)) as days_since_last_order
    from gold.daily_customer_sales
    group by tenant_id, customer_id
),

customer_versions as (
    select
        customer_id,
        first_name,
        last_name,
        city,
        state,
        customer_segment,
        row_number() over (
            partition by customer_id
            order by
                case when dt <= cast($as_of as date) then updated_at end desc nulls last,
                updated_at asc,
                last_name asc,
                first_name asc,
                city asc,
                state asc,
                customer_segment asc
        ) as preference
    from silver.customers
)

select
    purchases.tenant_id,
    purchases.customer_id,
    customers.first_name || ' ' || customers.last_name as customer_name,
    customers.city,
    customers.state,
    customers.customer_segment,
    purchases.total_purchases,
    purchases.total_items_bought,
    purchases.total_spent,
    cast(
        (
            (2 * cast(purchases.total_spent * 100 as bigint) + purchases.total_purchases)
            // (2 * purchases.total_purchases)
        ) * 0.01 as decimal(18, 2)
    ) as avg_order_value,
    purchases.first_purchase_date,
    purchases.last_purchase_date,
    purchases.days_since_last_order,
    cast(purchases.days_from_first_to_last as double)
    / cast(nullif(purchases.total_purchases - 1, 0) as double) as avg_days_between_orders,
    case
        when purchases.days_since_last_order <= 30 then 'active'
        when purchases.days_since_last_order <= 90 then 'at_risk'
        else 'churned'
    end as customer_status
from purchases
left join customer_versions as customers
    on purchases.customer_id = customers.customer_id and customers.preference = 1
