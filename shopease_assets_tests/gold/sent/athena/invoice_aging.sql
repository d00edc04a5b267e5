WITH buckets AS (
  SELECT
    listed.bucket,
    listed.from_days,
    listed.to_days
  FROM (VALUES
    ('current', -100000, 0),
    ('1-30', 1, 30),
    ('31-60', 31, 60),
    ('61-90', 61, 90),
    ('90+', 91, 100000)) AS listed(bucket, from_days, to_days)
), billed AS (
  SELECT
    tenant_id,
    amount,
    status IN ('sent', 'overdue')
    OR paid_date > CAST(CAST('2025-03-31' AS DATE) AS DATE) AS is_unpaid,
    DATE_DIFF(
      'DAY',
      DATE_TRUNC('DAY', due_date),
      DATE_TRUNC('DAY', CAST(CAST('2025-03-31' AS DATE) AS DATE))
    ) AS days_past_due,
    DATE_DIFF(
      'DAY',
      DATE_TRUNC('DAY', issue_date),
      DATE_TRUNC('DAY', CAST(CAST('2025-03-31' AS DATE) AS DATE))
    ) < 90 AS is_recent
  FROM silver.invoices
  WHERE
    status IN ('sent', 'paid', 'overdue')
), totals AS (
  SELECT
    tenant_id,
    COALESCE(SUM(amount) FILTER(WHERE
      is_unpaid), 0) AS receivables,
    SUM(amount) FILTER(WHERE
      is_recent) AS billed_recently
  FROM billed
  GROUP BY
    tenant_id
), unpaid AS (
  SELECT
    billed.tenant_id,
    buckets.bucket,
    COUNT(*) AS invoices,
    SUM(billed.amount) AS amount
  FROM billed
  INNER JOIN buckets
    ON billed.days_past_due >= buckets.from_days
    AND billed.days_past_due <= buckets.to_days
  WHERE
    billed.is_unpaid
  GROUP BY
    billed.tenant_id,
    buckets.bucket
)
SELECT
  totals.tenant_id,
  buckets.bucket,
  COALESCE(unpaid.invoices, 0) AS invoices,
  CAST(COALESCE(unpaid.amount, 0) AS DECIMAL(18, 2)) AS amount,
  CAST(CAST(totals.receivables AS DOUBLE) * 90 AS DOUBLE) / NULLIF(CAST(totals.billed_recently AS DOUBLE), 0) AS days_sales_outstanding
FROM totals
CROSS JOIN buckets
LEFT JOIN unpaid
  ON totals.tenant_id = unpaid.tenant_id AND buckets.bucket = unpaid.bucket
