WITH purchases AS (
  SELECT
    tenant_id,
    customer_id,
    DATE_DIFF(
      'DAY',
      DATE_TRUNC('DAY', MAX(dt)),
      DATE_TRUNC('DAY', CAST(CAST('2025-03-31' AS DATE) AS DATE))
    ) AS recency,
    CAST(SUM(orders) AS BIGINT) AS frequency,
    CAST(SUM(revenue) AS DECIMAL(18, 2)) AS monetary
  FROM gold.daily_customer_sales
  GROUP BY
    tenant_id,
    customer_id
), scores AS (
  SELECT
    tenant_id,
    customer_id,
    recency,
    frequency,
    monetary,
    NTILE(5) OVER (PARTITION BY tenant_id ORDER BY recency DESC, customer_id ASC) AS r_score,
    NTILE(5) OVER (PARTITION BY tenant_id ORDER BY frequency ASC, customer_id ASC) AS f_score,
    NTILE(5) OVER (PARTITION BY tenant_id ORDER BY monetary ASC, customer_id ASC) AS m_score
  FROM purchases
)
SELECT
  tenant_id,
  customer_id,
  recency,
  frequency,
  monetary,
  r_score,
  f_score,
  m_score,
  CASE
    WHEN r_score = 5 AND f_score >= 4
    THEN 'champions'
    WHEN r_score >= 3 AND f_score >= 4
    THEN 'loyal_customers'
    WHEN r_score >= 4 AND f_score >= 2
    THEN 'potential_loyalists'
    WHEN r_score = 5
    THEN 'new_customers'
    WHEN r_score = 4
    THEN 'promising'
    WHEN r_score = 3 AND f_score = 3
    THEN 'need_attention'
    WHEN r_score = 3
    THEN 'about_to_sleep'
    WHEN f_score = 5
    THEN 'cannot_lose_them'
    WHEN f_score >= 3
    THEN 'at_risk'
    ELSE 'hibernating'
  END AS rfm_segment,
  CASE
    WHEN monetary >= 2000
    THEN 'VIP'
    WHEN monetary >= 1000
    THEN 'High'
    WHEN monetary >= 500
    THEN 'Medium'
    ELSE 'Low'
  END AS value_band
FROM scores
