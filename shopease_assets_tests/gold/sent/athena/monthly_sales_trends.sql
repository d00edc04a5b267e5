WITH months AS (
  SELECT
    CAST(DATE_TRUNC('MONTH', CAST(CAST('2025-03-31' AS DATE) AS DATE)) AS DATE) AS this_month,
    CAST(CAST(DATE_TRUNC('MONTH', CAST(CAST('2025-03-31' AS DATE) AS DATE)) AS DATE) - INTERVAL '1' MONTH AS DATE) AS previous_month,
    CAST(CAST(DATE_TRUNC('MONTH', CAST(CAST('2025-03-31' AS DATE) AS DATE)) AS DATE) - INTERVAL '1' YEAR AS DATE) AS last_year
), sales_by_month AS (
  SELECT
    tenant_id,
    CAST(DATE_TRUNC('MONTH', dt) AS DATE) AS sales_month,
    SUM(total_transactions) AS orders,
    SUM(total_revenue) AS revenue,
    SUM(total_items_sold) AS units
  FROM gold.daily_sales_summary
  GROUP BY
    tenant_id,
    CAST(DATE_TRUNC('MONTH', dt) AS DATE)
), customers_this_month AS (
  SELECT
    sales.tenant_id,
    COUNT(DISTINCT sales.customer_id) AS unique_customers
  FROM gold.daily_customer_sales AS sales
  INNER JOIN months
    ON CAST(DATE_TRUNC('MONTH', sales.dt) AS DATE) = months.this_month
  GROUP BY
    sales.tenant_id
), trends AS (
  SELECT
    sales.tenant_id,
    CAST(COALESCE(SUM(sales.orders) FILTER(WHERE
      sales.sales_month = months.this_month), 0) AS BIGINT) AS orders,
    CAST(COALESCE(SUM(sales.revenue) FILTER(WHERE
      sales.sales_month = months.this_month), 0) AS DECIMAL(18, 2)) AS revenue,
    CAST(COALESCE(SUM(sales.units) FILTER(WHERE
      sales.sales_month = months.this_month), 0) AS BIGINT) AS units,
    CAST(COALESCE(SUM(sales.revenue) FILTER(WHERE
      sales.sales_month = months.previous_month), 0) AS DECIMAL(18, 2)) AS previous_month_revenue,
    CAST(COALESCE(SUM(sales.revenue) FILTER(WHERE
      sales.sales_month = months.last_year), 0) AS DECIMAL(18, 2)) AS same_month_last_year_revenue
  FROM sales_by_month AS sales
  CROSS JOIN months
  GROUP BY
    sales.tenant_id
  HAVING
    SUM(sales.orders) > 0
)
SELECT
  trends.tenant_id,
  trends.orders,
  COALESCE(customers_this_month.unique_customers, 0) AS unique_customers,
  trends.revenue,
  trends.units,
  CAST((
    CAST(TRUNCATE(
      CAST((
        2 * CAST(trends.revenue * 100 AS BIGINT) + trends.orders
      ) AS DOUBLE) / (
        2 * NULLIF(trends.orders, 0)
      )
    ) AS BIGINT)
  ) * 0.01 AS DECIMAL(18, 2)) AS avg_order_value,
  trends.previous_month_revenue,
  CAST(trends.revenue - trends.previous_month_revenue AS DOUBLE) * 100 / CAST(NULLIF(trends.previous_month_revenue, 0) AS DOUBLE) AS revenue_growth_pct,
  trends.same_month_last_year_revenue,
  CAST(trends.revenue - trends.same_month_last_year_revenue AS DOUBLE) * 100 / CAST(NULLIF(trends.same_month_last_year_revenue, 0) AS DOUBLE) AS year_over_year_growth_pct
FROM trends
LEFT JOIN customers_this_month
  ON trends.tenant_id = customers_this_month.tenant_id
