WITH customer_versions AS (
  SELECT
    customer_id,
    country,
    state,
    city,
    updated_at AS known_from,
    LEAD(updated_at) OVER (PARTITION BY customer_id ORDER BY updated_at NULLS LAST, customer_key NULLS LAST) AS known_until,
    ROW_NUMBER() OVER (PARTITION BY customer_id ORDER BY updated_at NULLS LAST, customer_key NULLS LAST) AS version_number
  FROM silver.customers
), revenue_by_order AS (
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
  customer_versions.country,
  customer_versions.state,
  customer_versions.city,
  COUNT(*) AS orders,
  COUNT(DISTINCT orders.customer_id) AS customers,
  CAST(COALESCE(SUM(revenue_by_order.revenue), 0) AS DECIMAL(18, 2)) AS revenue,
  orders.dt
FROM silver.orders AS orders
LEFT JOIN customer_versions
  ON orders.customer_id = customer_versions.customer_id
  AND (
    orders.ordered_at >= customer_versions.known_from
    OR customer_versions.version_number = 1
  )
  AND (
    orders.ordered_at < customer_versions.known_until
    OR customer_versions.known_until IS NULL
  )
LEFT JOIN revenue_by_order
  ON orders.order_id = revenue_by_order.order_id AND orders.dt = revenue_by_order.dt
WHERE
  orders.status IN ('processing', 'shipped', 'delivered')
GROUP BY
  orders.tenant_id,
  customer_versions.country,
  customer_versions.state,
  customer_versions.city,
  orders.dt
