SELECT
  tenant_id,
  product_id,
  COUNT(DISTINCT order_id) AS orders,
  CAST(SUM(quantity) AS BIGINT) AS quantity,
  CAST(SUM(line_total) AS DECIMAL(18, 2)) AS revenue,
  CAST(COALESCE(SUM(line_cost), 0) AS DECIMAL(18, 2)) AS cost,
  COUNT(DISTINCT customer_id) AS unique_customers,
  dt
FROM gold.fact_sales
WHERE
  is_sale
GROUP BY
  tenant_id,
  product_id,
  dt
