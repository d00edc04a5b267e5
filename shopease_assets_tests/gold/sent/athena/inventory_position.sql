WITH stock_versions AS (
  SELECT
    product_id,
    store_id,
    stock_quantity,
    ROW_NUMBER() OVER (PARTITION BY product_id, store_id ORDER BY updated_at DESC, stock_quantity ASC) AS recency
  FROM silver.inventory
), product_versions AS (
  SELECT
    product_id,
    tenant_id,
    cost,
    reorder_level,
    ROW_NUMBER() OVER (
      PARTITION BY product_id
      ORDER BY CASE WHEN dt <= CAST(CAST('2025-03-31' AS DATE) AS DATE) THEN updated_at END DESC, updated_at ASC, tenant_id ASC, cost ASC, reorder_level ASC
    ) AS preference
  FROM silver.products
), movements AS (
  SELECT
    product_id,
    store_id,
    SUM(quantity_delta) AS net_change,
    CAST(COALESCE(-SUM(quantity_delta) FILTER(WHERE
      reason = 'sale'), 0) AS BIGINT) AS units_sold
  FROM silver.inventory_movements
  WHERE
    DATE_DIFF(
      'DAY',
      DATE_TRUNC('DAY', dt),
      DATE_TRUNC('DAY', CAST(CAST('2025-03-31' AS DATE) AS DATE))
    ) < 28
  GROUP BY
    product_id,
    store_id
), positions AS (
  SELECT
    products.tenant_id,
    stock.product_id,
    stock.store_id,
    stock.stock_quantity,
    CAST(stock.stock_quantity * products.cost AS DECIMAL(18, 2)) AS stock_value,
    COALESCE(movements.units_sold, 0) AS units_sold_28_days,
    CAST(2 * stock.stock_quantity - COALESCE(movements.net_change, 0) AS DOUBLE) / 2 AS average_stock,
    products.reorder_level
  FROM stock_versions AS stock
  INNER JOIN product_versions AS products
    ON stock.product_id = products.product_id AND products.preference = 1
  LEFT JOIN movements
    ON stock.product_id = movements.product_id AND stock.store_id = movements.store_id
  WHERE
    stock.recency = 1
)
SELECT
  tenant_id,
  product_id,
  store_id,
  stock_quantity,
  stock_value,
  units_sold_28_days,
  CAST(units_sold_28_days AS DOUBLE) / 28 AS avg_daily_sales,
  CASE WHEN stock_quantity > 0 THEN CAST(stock_quantity AS DOUBLE) ELSE 0 END * 28 / CAST(NULLIF(units_sold_28_days, 0) AS DOUBLE) AS days_of_supply,
  CASE
    WHEN average_stock > 0
    THEN CAST(CAST(CAST(units_sold_28_days AS DOUBLE) * 365 AS DOUBLE) / 28 AS DOUBLE) / average_stock
  END AS turnover,
  reorder_level,
  CASE
    WHEN stock_quantity <= reorder_level
    THEN reorder_level + units_sold_28_days - stock_quantity
    ELSE 0
  END AS reorder_quantity
FROM positions
