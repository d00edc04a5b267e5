WITH customer_versions AS (
  SELECT
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
    ROW_NUMBER() OVER (
      PARTITION BY customer_id
      ORDER BY CASE WHEN dt <= CAST(CAST('2025-03-31' AS DATE) AS DATE) THEN updated_at END DESC, updated_at ASC, customer_key ASC
    ) AS preference
  FROM silver.customers
), analytics AS (
  SELECT
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
  FROM gold.customer_analytics
  WHERE
    month = CAST(DATE_TRUNC('MONTH', CAST(CAST('2025-03-31' AS DATE) AS DATE)) AS DATE)
), lifetime_values AS (
  SELECT
    tenant_id,
    customer_id,
    historic_value,
    predicted_12m_value,
    predicted_alive_probability
  FROM gold.customer_lifetime_value
  WHERE
    month = CAST(DATE_TRUNC('MONTH', CAST(CAST('2025-03-31' AS DATE) AS DATE)) AS DATE)
), segments AS (
  SELECT
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
  FROM gold.customer_segments
  WHERE
    month = CAST(DATE_TRUNC('MONTH', CAST(CAST('2025-03-31' AS DATE) AS DATE)) AS DATE)
), members AS (
  SELECT
    tenant_id,
    customer_id
  FROM customer_versions
  WHERE
    preference = 1
    AND CAST(registered_at AS DATE) <= CAST(CAST('2025-03-31' AS DATE) AS DATE)
  UNION
  SELECT
    tenant_id,
    customer_id
  FROM analytics
), subscription_versions AS (
  SELECT
    subscription_id,
    tenant_id,
    customer_id,
    plan_name,
    status,
    monthly_amount,
    start_date,
    ROW_NUMBER() OVER (
      PARTITION BY subscription_id
      ORDER BY CASE WHEN dt <= CAST(CAST('2025-03-31' AS DATE) AS DATE) THEN updated_at END DESC, updated_at ASC
    ) AS preference
  FROM silver.subscriptions
), latest_subscriptions AS (
  SELECT
    tenant_id,
    customer_id,
    plan_name,
    status,
    monthly_amount,
    ROW_NUMBER() OVER (
      PARTITION BY tenant_id, customer_id
      ORDER BY start_date DESC, subscription_id DESC
    ) AS recency
  FROM subscription_versions
  WHERE
    preference = 1 AND start_date <= CAST(CAST('2025-03-31' AS DATE) AS DATE)
), web_activity AS (
  SELECT
    tenant_id,
    customer_id,
    COUNT(*) AS events,
    COUNT(DISTINCT session_id) AS sessions,
    MAX(dt) AS last_seen_date
  FROM silver.web_events
  WHERE
    NOT customer_id IS NULL
    AND dt <= CAST(CAST('2025-03-31' AS DATE) AS DATE)
    AND DATE_DIFF(
      'DAY',
      DATE_TRUNC('DAY', dt),
      DATE_TRUNC('DAY', CAST(CAST('2025-03-31' AS DATE) AS DATE))
    ) < 30
  GROUP BY
    tenant_id,
    customer_id
)
SELECT
  members.tenant_id,
  members.customer_id,
  CONCAT(
    CAST(profiles.first_name AS VARCHAR),
    CAST(' ' AS VARCHAR),
    CAST(profiles.last_name AS VARCHAR)
  ) AS customer_name,
  profiles.city,
  profiles.state,
  profiles.country,
  profiles.customer_segment,
  profiles.is_active,
  CAST(profiles.registered_at AS DATE) AS registered_date,
  COALESCE(analytics.total_purchases, 0) AS total_purchases,
  COALESCE(analytics.total_items_bought, 0) AS total_items_bought,
  CAST(COALESCE(analytics.total_spent, 0) AS DECIMAL(18, 2)) AS total_spent,
  analytics.avg_order_value,
  analytics.first_purchase_date,
  analytics.last_purchase_date,
  analytics.days_since_last_order,
  analytics.avg_days_between_orders,
  analytics.customer_status,
  CAST(COALESCE(lifetime_values.historic_value, 0) AS DECIMAL(18, 2)) AS historic_value,
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
  subscriptions.status AS subscription_status,
  subscriptions.plan_name AS subscription_plan,
  subscriptions.monthly_amount AS subscription_monthly_amount,
  COALESCE(web_activity.events, 0) AS web_events_30_days,
  COALESCE(web_activity.sessions, 0) AS web_sessions_30_days,
  web_activity.last_seen_date
FROM members
LEFT JOIN customer_versions AS profiles
  ON members.customer_id = profiles.customer_id AND profiles.preference = 1
LEFT JOIN analytics
  ON members.tenant_id = analytics.tenant_id
  AND members.customer_id = analytics.customer_id
LEFT JOIN lifetime_values
  ON members.tenant_id = lifetime_values.tenant_id
  AND members.customer_id = lifetime_values.customer_id
LEFT JOIN segments
  ON members.tenant_id = segments.tenant_id
  AND members.customer_id = segments.customer_id
LEFT JOIN latest_subscriptions AS subscriptions
  ON members.tenant_id = subscriptions.tenant_id
  AND members.customer_id = subscriptions.customer_id
  AND subscriptions.recency = 1
LEFT JOIN web_activity
  ON members.tenant_id = web_activity.tenant_id
  AND members.customer_id = web_activity.customer_id
