WITH sales_by_season AS (
  SELECT
    tenant_id,
    CAST(MONTH(dt) AS BIGINT) AS month_of_year,
    CAST(DATE_DIFF('DAY', DATE_TRUNC('DAY', CAST('1900-01-01' AS DATE)), DATE_TRUNC('DAY', dt)) % 7 + 1 AS BIGINT) AS iso_weekday,
    COUNT(*) AS days_with_sales,
    CAST(SUM(total_revenue) AS DECIMAL(18, 2)) AS revenue,
    CAST(SUM(total_transactions) AS BIGINT) AS orders,
    CAST(SUM(total_items_sold) AS BIGINT) AS units
  FROM gold.daily_sales_summary
  WHERE
    total_transactions > 0
  GROUP BY
    tenant_id,
    CAST(MONTH(dt) AS BIGINT),
    CAST(DATE_DIFF('DAY', DATE_TRUNC('DAY', CAST('1900-01-01' AS DATE)), DATE_TRUNC('DAY', dt)) % 7 + 1 AS BIGINT)
), customers_by_season AS (
  SELECT
    tenant_id,
    CAST(MONTH(dt) AS BIGINT) AS month_of_year,
    CAST(DATE_DIFF('DAY', DATE_TRUNC('DAY', CAST('1900-01-01' AS DATE)), DATE_TRUNC('DAY', dt)) % 7 + 1 AS BIGINT) AS iso_weekday,
    COUNT(DISTINCT customer_id) AS customers
  FROM gold.daily_customer_sales
  GROUP BY
    tenant_id,
    CAST(MONTH(dt) AS BIGINT),
    CAST(DATE_DIFF('DAY', DATE_TRUNC('DAY', CAST('1900-01-01' AS DATE)), DATE_TRUNC('DAY', dt)) % 7 + 1 AS BIGINT)
)
SELECT
  sales.tenant_id,
  sales.month_of_year,
  sales.iso_weekday,
  sales.days_with_sales,
  sales.revenue,
  sales.orders,
  sales.units,
  COALESCE(customers_by_season.customers, 0) AS customers,
  CAST(CAST(sales.revenue AS DOUBLE) * 100 AS DOUBLE) / NULLIF(CAST(SUM(sales.revenue) OVER (PARTITION BY sales.tenant_id) AS DOUBLE), 0) AS revenue_share_pct,
  ROW_NUMBER() OVER (
    PARTITION BY sales.tenant_id
    ORDER BY sales.revenue DESC, sales.month_of_year ASC, sales.iso_weekday ASC
  ) AS revenue_rank
FROM sales_by_season AS sales
LEFT JOIN customers_by_season
  ON sales.tenant_id = customers_by_season.tenant_id
  AND sales.month_of_year = customers_by_season.month_of_year
  AND sales.iso_weekday = customers_by_season.iso_weekday
