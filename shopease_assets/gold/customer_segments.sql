-- Grain: tenant and customer; every customer who ever bought, as of $as_of.
-- Recency is in days since the last purchase, frequency in orders, monetary in revenue, over all days so far.
-- Scores are the tenant's fifths, 5 the best; equal values are told apart by customer_id, the smaller scores lower.
-- Segments are the ten cells of a widely used recency-by-frequency grid (G. Martin, RFM Segmentation with Python).
with purchases as (
    select
        tenant_id,
        customer_id,
        date_diff('day', max(dt), cast($as_of as date)) as recency,
        cast(sum(orders) as bigint) as frequency,
        cast(sum(revenue) as decimal(18, 2)) as monetary
    from gold.daily_customer_sales
    group by tenant_id, customer_id
),

scores as (
    select
        tenant_id,
        customer_id,
        recency,
        frequency,
        monetary,
        ntile(5) over (partition by tenant_id order by recency desc, customer_id asc) as r_score,
        ntile(5) over (partition by tenant_id order by frequency asc, customer_id asc) as f_score,
        ntile(5) over (partition by tenant_id order by monetary asc, customer_id asc) as m_score
    from purchases
)

select
    tenant_id,
    customer_id,
    recency,
    frequency,
    monetary,
    r_score,
    f_score,
    m_score,
    case
        when r_score = 5 and f_score >= 4 then 'champions'
        when r_score >= 3 and f_score >= 4 then 'loyal_customers'
        when r_score >= 4 and f_score >= 2 then 'potential_loyalists'
        when r_score = 5 then 'new_customers'
        when r_score = 4 then 'promising'
        when r_score = 3 and f_score = 3 then 'need_attention'
        when r_score = 3 then 'about_to_sleep'
        when f_score = 5 then 'cannot_lose_them'
        when f_score >= 3 then 'at_risk'
        else 'hibernating'
    end as rfm_segment,
    case
        when monetary >= 2000 then 'VIP'
        when monetary >= 1000 then 'High'
        when monetary >= 500 then 'Medium'
        else 'Low'
    end as value_band
from scores
