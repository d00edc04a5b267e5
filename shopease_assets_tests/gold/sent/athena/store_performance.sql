WITH store_versions AS (
  SELECT
    store_id,
    name,
    city,
    state,
    country,
    ROW_NUMBER() OVER (
      PARTITION BY store_id
      ORDER BY CASE WHEN dt <= CAST(CAST('2025-03-31' AS DATE) AS DATE) THEN updated_at END DESC, updated_at ASC, name ASC, city ASC, state ASC, country ASC
    ) AS preference
  FROM silver.stores
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
), sales_by_store AS (
  SELECT
    orders.tenant_id,
    orders.store_id,
    CAST(COALESCE(SUM(order_lines.revenue), 0) AS DECIMAL(18, 2)) AS revenue,
    COUNT(*) AS orders,
    CAST(COALESCE(SUM(order_lines.units), 0) AS BIGINT) AS units,
    COUNT(DISTINCT orders.customer_id) AS customers
  FROM silver.orders AS orders
  LEFT JOIN lines_by_order AS order_lines
    ON orders.order_id = order_lines.order_id AND orders.dt = order_lines.dt
  WHERE
    orders.status IN ('processing', 'shipped', 'delivered')
  GROUP BY
    orders.tenant_id,
    orders.store_id
), shares AS (
  SELECT
    tenant_id,
    store_id,
    revenue,
    orders,
    units,
    customers,
    CAST(CAST(revenue AS DOUBLE) * 100 AS DOUBLE) / NULLIF(CAST(SUM(revenue) OVER (PARTITION BY tenant_id) AS DOUBLE), 0) AS revenue_share_pct
  FROM sales_by_store
)
SELECT
  shares.tenant_id,
  shares.store_id,
  stores.name AS store_name,
  stores.city,
  stores.state,
  stores.country,
  shares.revenue,
  shares.orders,
  shares.units,
  shares.customers,
  shares.revenue_share_pct,
  ROW_NUMBER() OVER (PARTITION BY shares.tenant_id ORDER BY shares.revenue DESC, shares.store_id ASC) AS revenue_rank
FROM shares
LEFT JOIN store_versions AS stores
  ON shares.store_id = stores.store_id AND stores.preference = 1
WHERE
  NOT shares.store_id IS NULL
