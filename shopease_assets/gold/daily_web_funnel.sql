-- Grain: tenant, device type and day; only devices with an event that day.
-- Each stage counts the visits in which it happened, whether or not the one before it did; rates are shares of visits.
with sessions_seen as (
    select
        tenant_id,
        device_type,
        session_id,
        session_number,
        dt,
        max(case when event_type = 'product_view' then 1 else 0 end) as viewed,
        max(case when event_type = 'add_to_cart' then 1 else 0 end) as carted,
        max(case when event_type = 'checkout' then 1 else 0 end) as checked_out,
        max(case when event_type = 'purchase' then 1 else 0 end) as purchased
    from gold.fact_web_events
    group by tenant_id, device_type, session_id, session_number, dt
),

funnel as (
    select
        tenant_id,
        device_type,
        dt,
        count(*) as sessions,
        cast(sum(viewed) as bigint) as product_views,
        cast(sum(carted) as bigint) as carts,
        cast(sum(checked_out) as bigint) as checkouts,
        cast(sum(purchased) as bigint) as purchases
    from sessions_seen
    group by tenant_id, device_type, dt
)

select
    tenant_id,
    device_type,
    sessions,
    product_views,
    carts,
    checkouts,
    purchases,
    cast(carts as double) / cast(nullif(product_views, 0) as double) as view_to_cart_rate,
    cast(checkouts as double) / cast(nullif(carts, 0) as double) as cart_to_checkout_rate,
    cast(purchases as double) / cast(nullif(checkouts, 0) as double) as checkout_to_purchase_rate,
    cast(purchases as double) / cast(sessions as double) as session_conversion_rate,
    dt
from funnel
