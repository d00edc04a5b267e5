-- Grain: tenant, for the month of $as_of up to that day; every tenant with a subscription by then.
-- Each counts as its version known on that day says, else the earliest one known; the dates say since and until when.
-- Active: past its trial, started and not ended by then. A subscription without an end date ended when it was changed.
-- The monthly amount is per month for yearly billing too. Expiring is no cancellation, and not in the churn rate.
with months as (
    select
        cast($as_of as date) as last_day,
        cast(date_trunc('month', cast($as_of as date)) as date) as first_day
),

subscription_versions as (
    select
        subscription_id,
        tenant_id,
        status,
        monthly_amount,
        start_date,
        case
            when status in ('cancelled', 'expired') then coalesce(end_date, cast(updated_at as date))
        end as ended_on,
        row_number() over (
            partition by subscription_id
            order by
                case when dt <= cast($as_of as date) then updated_at end desc nulls last,
                updated_at asc,
                status asc,
                start_date asc,
                end_date asc nulls last,
                monthly_amount asc
        ) as preference
    from silver.subscriptions
),

subscriptions as (
    select
        versions.tenant_id,
        versions.monthly_amount,
        versions.start_date >= months.first_day as is_new,
        versions.status <> 'trial'
        and versions.start_date < months.first_day
        and (versions.ended_on is null or versions.ended_on >= months.first_day) as was_active,
        versions.status <> 'trial' and (versions.ended_on is null or versions.ended_on > months.last_day) as is_active,
        versions.status = 'cancelled'
        and versions.ended_on >= months.first_day
        and versions.ended_on <= months.last_day as was_cancelled,
        versions.status = 'expired'
        and versions.ended_on >= months.first_day
        and versions.ended_on <= months.last_day as has_expired
    from subscription_versions as versions
    inner join months
        on versions.start_date <= months.last_day
    where versions.preference = 1
),

metrics as (
    select
        tenant_id,
        count(*) filter (where is_active) as active_subscriptions,
        count(*) filter (where was_active) as active_at_month_start,
        count(*) filter (where is_new) as new_subscriptions,
        count(*) filter (where was_cancelled) as cancelled_subscriptions,
        count(*) filter (where has_expired) as expired_subscriptions,
        cast(coalesce(sum(monthly_amount) filter (where is_active), 0) as decimal(18, 2)) as mrr
    from subscriptions
    group by tenant_id
)

select
    tenant_id,
    active_subscriptions,
    active_at_month_start,
    new_subscriptions,
    cancelled_subscriptions,
    expired_subscriptions,
    mrr,
    cast(cancelled_subscriptions as double) / cast(nullif(active_at_month_start, 0) as double) as churn_rate,
    cast(
        ((2 * cast(mrr * 100 as bigint) + active_subscriptions) // (2 * nullif(active_subscriptions, 0)))
        * 0.01 as decimal(18, 2)
    ) as arpu
from metrics
