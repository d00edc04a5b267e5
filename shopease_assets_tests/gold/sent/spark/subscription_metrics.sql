WITH months AS (
  SELECT
    CAST(CAST('2025-03-31' AS DATE) AS DATE) AS last_day,
    CAST(TRUNC(CAST(CAST('2025-03-31' AS DATE) AS DATE), 'MONTH') AS DATE) AS first_day
), subscription_versions AS (
  SELECT
    subscription_id,
    tenant_id,
    status,
    monthly_amount,
    start_date,
    CASE
      WHEN status IN ('cancelled', 'expired')
      THEN COALESCE(end_date, CAST(updated_at AS DATE))
    END AS ended_on,
    ROW_NUMBER() OVER (
      PARTITION BY subscription_id
      ORDER BY CASE WHEN dt <= CAST(CAST('2025-03-31' AS DATE) AS DATE) THEN updated_at END DESC, updated_at ASC NULLS LAST, status ASC NULLS LAST, start_date ASC NULLS LAST, end_date ASC NULLS LAST, monthly_amount ASC NULLS LAST
    ) AS preference
  FROM silver.subscriptions
), subscriptions AS (
  SELECT
    versions.tenant_id,
    versions.monthly_amount,
    versions.start_date >= months.first_day AS is_new,
    versions.status <> 'trial'
    AND versions.start_date < months.first_day
    AND (
      versions.ended_on IS NULL OR versions.ended_on >= months.first_day
    ) AS was_active,
    versions.status <> 'trial'
    AND (
      versions.ended_on IS NULL OR versions.ended_on > months.last_day
    ) AS is_active,
    versions.status = 'cancelled'
    AND versions.ended_on >= months.first_day
    AND versions.ended_on <= months.last_day AS was_cancelled,
    versions.status = 'expired'
    AND versions.ended_on >= months.first_day
    AND versions.ended_on <= months.last_day AS has_expired
  FROM subscription_versions AS versions
  INNER JOIN months
    ON versions.start_date <= months.last_day
  WHERE
    versions.preference = 1
), metrics AS (
  SELECT
    tenant_id,
    COUNT(*) FILTER(WHERE
      is_active) AS active_subscriptions,
    COUNT(*) FILTER(WHERE
      was_active) AS active_at_month_start,
    COUNT(*) FILTER(WHERE
      is_new) AS new_subscriptions,
    COUNT(*) FILTER(WHERE
      was_cancelled) AS cancelled_subscriptions,
    COUNT(*) FILTER(WHERE
      has_expired) AS expired_subscriptions,
    CAST(COALESCE(SUM(monthly_amount) FILTER(WHERE
      is_active), 0) AS DECIMAL(18, 2)) AS mrr
  FROM subscriptions
  GROUP BY
    tenant_id
)
SELECT
  tenant_id,
  active_subscriptions,
  active_at_month_start,
  new_subscriptions,
  cancelled_subscriptions,
  expired_subscriptions,
  mrr,
  CAST(cancelled_subscriptions AS DOUBLE) / CAST(NULLIF(active_at_month_start, 0) AS DOUBLE) AS churn_rate,
  CAST((
    (
      2 * CAST(mrr * 100 AS BIGINT) + active_subscriptions
    ) DIV (
      2 * NULLIF(active_subscriptions, 0)
    )
  ) * 0.01 AS DECIMAL(18, 2)) AS arpu
FROM metrics
