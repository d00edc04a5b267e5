WITH customer_versions AS (
  SELECT
    customer_id,
    country,
    state,
    city,
    updated_at AS known_from,
    LEAD(updated_at) OVER (
      PARTITION BY customer_id
      ORDER BY updated_at NULLS LAST, country NULLS LAST, state NULLS LAST, city NULLS LAST
    ) AS known_until,
    ROW_NUMBER() OVER (
      PARTITION BY customer_id
      ORDER BY updated_at NULLS LAST, country NULLS LAST, state NULLS LAST, city NULLS LAST
    ) AS version_number
  FROM silver.customers
), lines_by_order AS (
  SELECT
    dt,
    order_id,
    SUM(quantity) AS units,
    SUM(line_total) AS revenue
  FROM gold.fact_sales
  WHERE
    is_sale
  GROUP BY
    dt,
    order_id
), sales_by_place AS (
  SELECT
    orders.tenant_id,
    customers.country,
    customers.state,
    customers.city,
    CAST(COALESCE(SUM(order_lines.revenue), 0) AS DECIMAL(18, 2)) AS revenue,
    COUNT(*) AS orders,
    CAST(COALESCE(SUM(order_lines.units), 0) AS BIGINT) AS units,
    COUNT(DISTINCT orders.customer_id) AS customers
  FROM silver.orders AS orders
  LEFT JOIN lines_by_order AS order_lines
    ON orders.order_id = order_lines.order_id AND orders.dt = order_lines.dt
  LEFT JOIN customer_versions AS customers
    ON orders.customer_id = customers.customer_id
    AND (
      orders.ordered_at >= customers.known_from OR customers.version_number = 1
    )
    AND (
      orders.ordered_at < customers.known_until OR customers.known_until IS NULL
    )
  WHERE
    orders.status IN ('processing', 'shipped', 'delivered')
  GROUP BY
    orders.tenant_id,
    customers.country,
    customers.state,
    customers.city
)
SELECT
  tenant_id,
  country,
  state,
  city,
  revenue,
  orders,
  units,
  customers,
  CAST(revenue AS DOUBLE) * 100 / NULLIF(CAST(SUM(revenue) OVER (PARTITION BY tenant_id) AS DOUBLE), 0) AS revenue_share_pct,
  ROW_NUMBER() OVER (
    PARTITION BY tenant_id
    ORDER BY revenue DESC, country ASC NULLS LAST, state ASC NULLS LAST, city ASC NULLS LAST
  ) AS revenue_rank
FROM sales_by_place
