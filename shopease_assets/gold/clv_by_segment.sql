-- Grain: tenant and customer segment, as of the month of $as_of; only segments in which somebody bought.
-- A customer counts in the segment of the version known on that day. All values are historic: revenue so far.
-- Averages are rounded half up to cents; the prediction is the sum of gold.customer_lifetime_value's.
with values_by_segment as (
    select
        analytics.tenant_id,
        analytics.customer_segment,
        count(*) as customers,
        sum(analytics.total_purchases) as orders,
        cast(sum(lifetime.historic_value) as decimal(18, 2)) as total_value,
        cast(sum(lifetime.predicted_12m_value) as decimal(18, 2)) as predicted_12m_value
    from gold.customer_analytics as analytics
    inner join gold.customer_lifetime_value as lifetime
        on
            analytics.tenant_id = lifetime.tenant_id
            and analytics.customer_id = lifetime.customer_id
            and analytics.month = lifetime.month
    where analytics.month = cast(date_trunc('month', cast($as_of as date)) as date)
    group by analytics.tenant_id, analytics.customer_segment
)

select
    tenant_id,
    customer_segment,
    customers,
    cast(
        ((2 * cast(total_value * 100 as bigint) + customers) // (2 * customers)) * 0.01 as decimal(18, 2)
    ) as avg_lifetime_value,
    cast(orders as double) / cast(customers as double) as avg_orders_per_customer,
    total_value,
    predicted_12m_value
from values_by_segment
