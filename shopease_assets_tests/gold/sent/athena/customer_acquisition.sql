WITH registered AS (
  SELECT
    tenant_id,
    customer_id,
    CAST(MIN(registered_at) AS DATE) AS registered_on
  FROM silver.customers
  GROUP BY
    tenant_id,
    customer_id
), registrations AS (
  SELECT
    tenant_id,
    COUNT(*) FILTER(WHERE
      registered_on >= CAST(DATE_TRUNC('MONTH', CAST(CAST('2025-03-31' AS DATE) AS DATE)) AS DATE)) AS new_customers
  FROM registered
  WHERE
    registered_on <= CAST(CAST('2025-03-31' AS DATE) AS DATE)
  GROUP BY
    tenant_id
), first_days AS (
  SELECT
    tenant_id,
    customer_id,
    MIN(dt) AS first_day
  FROM gold.daily_customer_sales
  GROUP BY
    tenant_id,
    customer_id
), first_purchases AS (
  SELECT
    tenant_id,
    COUNT(*) AS first_purchases
  FROM first_days
  WHERE
    first_day >= CAST(DATE_TRUNC('MONTH', CAST(CAST('2025-03-31' AS DATE) AS DATE)) AS DATE)
  GROUP BY
    tenant_id
)
SELECT
  registrations.tenant_id,
  registrations.new_customers,
  COALESCE(first_purchases.first_purchases, 0) AS first_purchases
FROM registrations
LEFT JOIN first_purchases
  ON registrations.tenant_id = first_purchases.tenant_id
