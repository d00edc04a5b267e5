WITH observations AS (
  SELECT
    tenant_id,
    product_id,
    dt,
    unit_price,
    CAST(SUM(quantity) AS BIGINT) AS quantity
  FROM gold.fact_sales
  WHERE
    is_sale AND unit_price > 0
  GROUP BY
    tenant_id,
    product_id,
    dt,
    unit_price
), lowest AS (
  SELECT
    tenant_id,
    product_id,
    CAST(MIN(unit_price) AS DOUBLE) AS price,
    CAST(MIN(quantity) AS DOUBLE) AS quantity
  FROM observations
  GROUP BY
    tenant_id,
    product_id
), logarithms AS (
  SELECT
    observations.tenant_id,
    observations.product_id,
    observations.unit_price,
    CAST(LN(CAST(observations.unit_price AS DOUBLE) / lowest.price) AS DECIMAL(18, 15)) AS x,
    CAST(LN(CAST(observations.quantity AS DOUBLE) / lowest.quantity) AS DECIMAL(18, 15)) AS y
  FROM observations
  INNER JOIN lowest
    ON observations.tenant_id = lowest.tenant_id
    AND observations.product_id = lowest.product_id
), sums AS (
  SELECT
    tenant_id,
    product_id,
    COUNT(DISTINCT unit_price) AS price_points,
    COUNT(*) AS observations,
    CAST(COUNT(*) AS DOUBLE) AS n,
    CAST(SUM(x) AS DOUBLE) AS sum_x,
    CAST(SUM(y) AS DOUBLE) AS sum_y,
    CAST(SUM(x * x) AS DOUBLE) AS sum_xx,
    CAST(SUM(x * y) AS DOUBLE) AS sum_xy,
    CAST(SUM(y * y) AS DOUBLE) AS sum_yy
  FROM logarithms
  GROUP BY
    tenant_id,
    product_id
), deviations AS (
  SELECT
    tenant_id,
    product_id,
    price_points,
    observations,
    CASE WHEN price_points >= 2 THEN sum_xx - sum_x * sum_x / n END AS xx,
    sum_xy - sum_x * sum_y / n AS xy,
    sum_yy - sum_y * sum_y / n AS yy
  FROM sums
)
SELECT
  tenant_id,
  product_id,
  price_points,
  observations,
  xy / NULLIF(xx, 0) AS elasticity,
  xy * xy / NULLIF(xx * yy, 0) AS r_squared
FROM deviations
