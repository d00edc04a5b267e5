WITH digits AS (
  SELECT
    listed.digit
  FROM VALUES
    (0),
    (1),
    (2),
    (3),
    (4),
    (5),
    (6),
    (7),
    (8),
    (9) AS listed(digit)
), month_counts AS (
  SELECT
    CAST(hundreds.digit * 100 + tens.digit * 10 + ones.digit AS BIGINT) AS months_since
  FROM digits AS hundreds
  CROSS JOIN digits AS tens
  CROSS JOIN digits AS ones
), first_purchases AS (
  SELECT
    tenant_id,
    customer_id,
    CAST(DATE_TRUNC('MONTH', MIN(dt)) AS DATE) AS cohort_month
  FROM gold.daily_customer_sales
  GROUP BY
    tenant_id,
    customer_id
), cohorts AS (
  SELECT
    tenant_id,
    cohort_month,
    COUNT(*) AS cohort_size
  FROM first_purchases
  GROUP BY
    tenant_id,
    cohort_month
), cells AS (
  SELECT
    cohorts.tenant_id,
    cohorts.cohort_month,
    month_counts.months_since,
    cohorts.cohort_size
  FROM cohorts
  INNER JOIN month_counts
    ON month_counts.months_since <= (
      YEAR(CAST(CAST('2025-03-31' AS DATE) AS DATE)) - YEAR(cohorts.cohort_month)
    ) * 12 + MONTH(CAST(CAST('2025-03-31' AS DATE) AS DATE)) - MONTH(cohorts.cohort_month)
), activity AS (
  SELECT
    first_purchases.tenant_id,
    first_purchases.cohort_month,
    CAST((
      YEAR(sales.dt) - YEAR(first_purchases.cohort_month)
    ) * 12 + MONTH(sales.dt) - MONTH(first_purchases.cohort_month) AS BIGINT) AS months_since,
    sales.customer_id,
    sales.revenue
  FROM gold.daily_customer_sales AS sales
  INNER JOIN first_purchases
    ON sales.tenant_id = first_purchases.tenant_id
    AND sales.customer_id = first_purchases.customer_id
), activity_by_cell AS (
  SELECT
    tenant_id,
    cohort_month,
    months_since,
    COUNT(DISTINCT customer_id) AS active_customers,
    SUM(revenue) AS revenue
  FROM activity
  GROUP BY
    tenant_id,
    cohort_month,
    months_since
)
SELECT
  cells.tenant_id,
  cells.cohort_month,
  cells.months_since,
  cells.cohort_size,
  COALESCE(activity_by_cell.active_customers, 0) AS active_customers,
  CAST(COALESCE(activity_by_cell.active_customers, 0) AS DOUBLE) / CAST(cells.cohort_size AS DOUBLE) AS retention_rate,
  CAST(COALESCE(activity_by_cell.revenue, 0) AS DECIMAL(18, 2)) AS revenue
FROM cells
LEFT JOIN activity_by_cell
  ON cells.tenant_id = activity_by_cell.tenant_id
  AND cells.cohort_month = activity_by_cell.cohort_month
  AND cells.months_since = activity_by_cell.months_since
