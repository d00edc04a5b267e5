-- Grain: one web event.
-- A visit ends after 30 minutes without an event; visits are counted within a session_id and day.
-- Keys are of the customer and product version known when it happened, else of the earliest one known.
with customer_versions as (
    select
        customer_id,
        customer_key,
        updated_at as known_from,
        lead(updated_at) over (partition by customer_id order by updated_at, customer_key) as known_until,
        row_number() over (partition by customer_id order by updated_at, customer_key) as version_number
    from silver.customers
),

product_versions as (
    select
        product_id,
        product_key,
        updated_at as known_from,
        lead(updated_at) over (partition by product_id order by updated_at, product_key) as known_until,
        row_number() over (partition by product_id order by updated_at, product_key) as version_number
    from silver.products
),

pauses as (
    select
        dt,
        event_id,
        tenant_id,
        session_id,
        occurred_at,
        lag(occurred_at) over (
            partition by tenant_id, session_id, dt order by occurred_at, event_id
        ) as previous_at
    from silver.web_events
),

visits as (
    select
        dt,
        event_id,
        cast(
            1 + sum(
                case
                    when cast(occurred_at as timestamp) > cast(previous_at + interval 30 minute as timestamp) then 1
                    else 0
                end
            ) over (partition by tenant_id, session_id, dt order by occurred_at, event_id) as bigint
        ) as session_number
    from pauses
)

select
    events.dt,
    events.event_id,
    cast(year(events.dt) * 10000 + month(events.dt) * 100 + day(events.dt) as bigint) as event_date_key,
    events.tenant_id,
    events.customer_id,
    customer_versions.customer_key,
    events.product_id,
    product_versions.product_key,
    events.session_id,
    visits.session_number,
    events.event_type,
    events.event_type in ('add_to_cart', 'checkout', 'purchase') as is_conversion_event,
    events.event_type = 'purchase' as is_purchase_event,
    case when events.event_type = 'purchase' then events.value end as conversion_value,
    events.device_type,
    events.browser,
    events.os,
    events.occurred_at
from silver.web_events as events
inner join visits
    on events.event_id = visits.event_id and events.dt = visits.dt
left join customer_versions
    on
        events.customer_id = customer_versions.customer_id
        and (events.occurred_at >= customer_versions.known_from or customer_versions.version_number = 1)
        and (events.occurred_at < customer_versions.known_until or customer_versions.known_until is null)
left join product_versions
    on
        events.product_id = product_versions.product_id
        and (events.occurred_at >= product_versions.known_from or product_versions.version_number = 1)
        and (events.occurred_at < product_versions.known_until or product_versions.known_until is null)
