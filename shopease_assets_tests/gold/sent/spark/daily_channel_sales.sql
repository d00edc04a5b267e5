WITH revenue_by_order AS (
  SELECT
    order_id,
    dt,
    SUM(line_total) AS revenue
  FROM gold.fact_sales
  WHERE
    is_sale
  GROUP BY
    order_id,
    dt
)
SELECT
  orders.tenant_id,
  orders.sales_channel,
  orders.payment_method,
  orders.store_id,
  COUNT(*) AS transactions,
  CAST(COALESCE(SUM(revenue_by_order.revenue), 0) AS DECIMAL(18, 2)) AS revenue,
  orders.dt
FROM silver.orders AS orders
LEFT JOIN revenue_by_order
  ON orders.order_id = revenue_by_order.order_id AND orders.dt = revenue_by_order.dt
WHERE
  orders.status IN ('processing', 'shipped', 'delivered')
GROUP BY
  orders.tenant_id,
  orders.sales_channel,
  orders.payment_method,
  orders.store_id,
  orders.dt
