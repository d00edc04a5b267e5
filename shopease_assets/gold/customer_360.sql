-- Grain: tenant and customer; who had registered by $as_of or bought, also who never bought.
-- The profile is of the version known on that day, else of the earliest one known.
-- Who never bought has zero purchases and value; averages, dates, status, scores and predictions are null then.
-- The subscription is the one started last by that day, as known on it, else as first known; null without one.
-- Web activity is of the 30 days up to $as_of; a session is the source's session_id; not seen in them: zero and null.
with customer_versions as (
    select
        customer_id,
        tenant_id,
        first_name,
        last_name,
        city,
        state,
        country,
        customer_segment,
        is_active,
        registered_at,
        row_number() over (
            partition by customer_id
            order by
                case when dt <= cast($as_of as date) then updated_at end desc nulls last,
                updated_at asc,
                customer_key asc
        ) as preference
    from silver.customers
),

analytics as (
    select
        tenant_id,
        customer_id,
        total_purchases,
        total_items_bought,
        total_spent,
        avg_order_value,
        first_purchase_date,
        last_purchase_date,
        days_since_last_order,
        avg_days_between_orders,
        customer_status
    from gold.customer_analytics
    where month = cast(date_trunc('month', cast($as_of as date)) as date)
),

lifetime_values as (
    select
        tenant_id,
        customer_id,
        historic_value,
        predicted_12m_value,
        predicted_alive_probability
    from gold.customer_lifetime_value
    where month = cast(date_trunc('month', cast($as_of as date)) as date)
),

segments as (
    select
        tenant_id,
        customer_id,
        recency,
        frequency,
        monetary,
        r_score,
        f_score,
        m_score,
        rfm_segment,
        value_band
    from gold.customer_segments
    where month = cast(date_trunc('month', cast($as_of as date)) as date)
),

members as (
    select
        tenant_id,
        customer_id
    from customer_versions
    where preference = 1 and cast(registered_at as date) <= cast($as_of as date)
    union distinct
    select
        tenant_id,
        customer_id
    from analytics
),

subscription_versions as (
    select
        subscription_id,
        tenant_id,
        customer_id,
        plan_name,
        status,
        monthly_amount,
        start_date,
        row_number() over (
            partition by subscription_id
            order by
                case when dt <= cast($as_of as date) then updated_at end desc nulls last,
                updated_at asc
        ) as preference
    from silver.subscriptions
),

latest_subscriptions as (
    select
        tenant_id,
        customer_id,
        plan_name,
        status,
        monthly_amount,
        row_number() over (
            partition by tenant_id, customer_id order by start_date desc, subscription_id desc
        ) as recency
    from subscription_versions
    where preference = 1 and start_date <= cast($as_of as date)
),

web_activity as (
    select
        tenant_id,
        customer_id,
        count(*) as events,
        count(distinct session_id) as sessions,
        max(dt) as last_seen_date
    from silver.web_events
    where
        customer_id is not null
        and dt <= cast($as_of as date)
        and date_diff('day', dt, cast($as_of as date)) < 30
    group by tenant_id, customer_id
)

select
    members.tenant_id,
    members.customer_id,
    profiles.first_name || ' ' || profiles.last_name as customer_name,
    profiles.city,
    profiles.state,
    profiles.country,
    profiles.customer_segment,
    profiles.is_active,
    cast(profiles.registered_at as date) as registered_date,
    coalesce(analytics.total_purchases, 0) as total_purchases,
    coalesce(analytics.total_items_bought, 0) as total_items_bought,
    cast(coalesce(analytics.total_spent, 0) as decimal(18, 2)) as total_spent,
    analytics.avg_order_value,
    analytics.first_purchase_date,
    analytics.last_purchase_date,
    analytics.days_since_last_order,
    analytics.avg_days_between_orders,
    analytics.customer_status,
    cast(coalesce(lifetime_values.historic_value, 0) as decimal(18, 2)) as historic_value,
    lifetime_values.predicted_12m_value,
    lifetime_values.predicted_alive_probability,
    segments.recency,
    segments.frequency,
    segments.monetary,
    segments.r_score,
    segments.f_score,
    segments.m_score,
    segments.rfm_segment,
    segments.value_band,
    subscriptions.status as subscription_status,
    subscriptions.plan_name as subscription_plan,
    subscriptions.monthly_amount as subscription_monthly_amount,
    coalesce(web_activity.events, 0) as web_events_30_days,
    coalesce(web_activity.sessions, 0) as web_sessions_30_days,
    web_activity.last_seen_date
from members
left join customer_versions as profiles
    on members.customer_id = profiles.customer_id and profiles.preference = 1
left join analytics
    on members.tenant_id = analytics.tenant_id and members.customer_id = analytics.customer_id
left join lifetime_values
    on members.tenant_id = lifetime_values.tenant_id and members.customer_id = lifetime_values.customer_id
left join segments
    on members.tenant_id = segments.tenant_id and members.customer_id = segments.customer_id
left join latest_subscriptions as subscriptions
    on
        members.tenant_id = subscriptions.tenant_id
        and members.customer_id = subscriptions.customer_id
        and subscriptions.recency = 1
left join web_activity
    on members.tenant_id = web_activity.tenant_id and members.customer_id = web_activity.customer_id
