WITH orders_by_day AS (
  SELECT
    tenant_id,
    dt,
    COUNT(*) FILTER(WHERE
      status IN ('processing', 'shipped', 'delivered')) AS total_transactions,
    COUNT(DISTINCT customer_id) FILTER(WHERE
      status IN ('processing', 'shipped', 'delivered')) AS unique_customers,
    COUNT(*) FILTER(WHERE
      status = 'cancelled') AS cancelled_orders,
    COUNT(*) FILTER(WHERE
      status = 'returned') AS returned_orders
  FROM silver.orders
  GROUP BY
    tenant_id,
    dt
), lines_by_day AS (
  SELECT
    tenant_id,
    dt,
    SUM(quantity) AS items_sold,
    SUM(line_total) AS revenue,
    SUM(line_cost) AS cost,
    COUNT(DISTINCT product_id) AS unique_products
  FROM gold.fact_sales
  WHERE
    is_sale
  GROUP BY
    tenant_id,
    dt
), sales_by_day AS (
  SELECT
    orders_by_day.tenant_id,
    orders_by_day.dt,
    orders_by_day.total_transactions,
    CAST(COALESCE(lines_by_day.items_sold, 0) AS BIGINT) AS total_items_sold,
    CAST(COALESCE(lines_by_day.revenue, 0) AS DECIMAL(18, 2)) AS total_revenue,
    CAST(COALESCE(lines_by_day.cost, 0) AS DECIMAL(18, 2)) AS total_cost,
    orders_by_day.unique_customers,
    COALESCE(lines_by_day.unique_products, 0) AS unique_products,
    orders_by_day.cancelled_orders,
    orders_by_day.returned_orders
  FROM orders_by_day
  LEFT JOIN lines_by_day
    ON orders_by_day.tenant_id = lines_by_day.tenant_id
    AND orders_by_day.dt = lines_by_day.dt
)
SELECT
  tenant_id,
  dt AS sales_date,
  total_transactions,
  total_items_sold,
  total_revenue,
  CAST((
    (
      2 * CAST(total_revenue * 100 AS BIGINT) + total_transactions
    ) DIV (
      2 * NULLIF(total_transactions, 0)
    )
  ) * 0.01 AS DECIMAL(18, 2)) AS avg_transaction_value,
  unique_customers,
  unique_products,
  cancelled_orders,
  returned_orders,
  CAST(total_revenue - total_cost AS DECIMAL(18, 2)) AS gross_margin,
  dt
FROM sales_by_day
