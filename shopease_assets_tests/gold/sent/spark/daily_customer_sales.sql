WITH orders_by_customer AS (
  SELECT
    tenant_id,
    customer_id,
    dt,
    COUNT(*) AS orders
  FROM silver.orders
  WHERE
    status IN ('processing', 'shipped', 'delivered')
  GROUP BY
    tenant_id,
    customer_id,
    dt
), lines_by_customer AS (
  SELECT
    tenant_id,
    customer_id,
    dt,
    SUM(quantity) AS items,
    SUM(line_total) AS revenue
  FROM gold.fact_sales
  WHERE
    is_sale
  GROUP BY
    tenant_id,
    customer_id,
    dt
)
SELECT
  orders_by_customer.tenant_id,
  orders_by_customer.customer_id,
  orders_by_customer.orders,
  CAST(COALESCE(lines_by_customer.items, 0) AS BIGINT) AS items,
  CAST(COALESCE(lines_by_customer.revenue, 0) AS DECIMAL(18, 2)) AS revenue,
  orders_by_customer.dt
FROM orders_by_customer
LEFT JOIN lines_by_customer
  ON orders_by_customer.tenant_id = lines_by_customer.tenant_id
  AND orders_by_customer.customer_id = lines_by_customer.customer_id
  AND orders_by_customer.dt = lines_by_customer.dt
