WITH values_by_segment AS (
  SELECT
    analytics.tenant_id,
    analytics.customer_segment,
    COUNT(*) AS customers,
    SUM(analytics.total_purchases) AS orders,
    CAST(SUM(lifetime.historic_value) AS DECIMAL(18, 2)) AS total_value,
    CAST(SUM(lifetime.predicted_12m_value) AS DECIMAL(18, 2)) AS predicted_12m_value
  FROM gold.customer_analytics AS analytics
  INNER JOIN gold.customer_lifetime_value AS lifetime
    ON analytics.tenant_id = lifetime.tenant_id
    AND analytics.customer_id = lifetime.customer_id
    AND analytics.month = lifetime.month
  WHERE
    analytics.month = CAST(DATE_TRUNC('MONTH', CAST(CAST('2025-03-31' AS DATE) AS DATE)) AS DATE)
  GROUP BY
    analytics.tenant_id,
    analytics.customer_segment
)
SELECT
  tenant_id,
  customer_segment,
  customers,
  CAST((
    CAST(TRUNCATE(
      CAST((
        2 * CAST(total_value * 100 AS BIGINT) + customers
      ) AS DOUBLE) / (
        2 * customers
      )
    ) AS BIGINT)
  ) * 0.01 AS DECIMAL(18, 2)) AS avg_lifetime_value,
  CAST(orders AS DOUBLE) / CAST(customers AS DOUBLE) AS avg_orders_per_customer,
  total_value,
  predicted_12m_value
FROM values_by_segment
