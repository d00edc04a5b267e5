WITH product_versions AS (
  SELECT
    product_id,
    category,
    ROW_NUMBER() OVER (
      PARTITION BY product_id
      ORDER BY CASE WHEN dt <= CAST(CAST('2025-03-31' AS DATE) AS DATE) THEN updated_at END DESC, updated_at ASC NULLS LAST, category ASC NULLS LAST
    ) AS preference
  FROM silver.products
), sales_by_category AS (
  SELECT
    order_lines.tenant_id,
    products.category,
    CAST(SUM(order_lines.line_total) AS DECIMAL(18, 2)) AS revenue,
    COUNT(DISTINCT order_lines.order_id) AS orders,
    CAST(SUM(order_lines.quantity) AS BIGINT) AS units,
    COUNT(DISTINCT order_lines.customer_id) AS customers
  FROM gold.fact_sales AS order_lines
  LEFT JOIN product_versions AS products
    ON order_lines.product_id = products.product_id AND products.preference = 1
  WHERE
    order_lines.is_sale
  GROUP BY
    order_lines.tenant_id,
    products.category
)
SELECT
  tenant_id,
  category,
  revenue,
  orders,
  units,
  customers,
  CAST(revenue AS DOUBLE) * 100 / NULLIF(CAST(SUM(revenue) OVER (PARTITION BY tenant_id) AS DOUBLE), 0) AS revenue_share_pct,
  ROW_NUMBER() OVER (PARTITION BY tenant_id ORDER BY revenue DESC, category ASC NULLS LAST) AS revenue_rank
FROM sales_by_category
