WITH baskets AS (
  SELECT DISTINCT
    tenant_id,
    order_id,
    product_id
  FROM gold.fact_sales
  WHERE
    is_sale
), orders_by_tenant AS (
  SELECT
    tenant_id,
    CAST(COUNT(DISTINCT order_id) AS DOUBLE) AS orders
  FROM baskets
  GROUP BY
    tenant_id
), orders_by_product AS (
  SELECT
    tenant_id,
    product_id,
    CAST(COUNT(*) AS DOUBLE) AS orders
  FROM baskets
  GROUP BY
    tenant_id,
    product_id
), pairs AS (
  SELECT
    first_product.tenant_id,
    first_product.product_id AS product_a,
    second_product.product_id AS product_b,
    COUNT(*) AS orders_together
  FROM baskets AS first_product
  INNER JOIN baskets AS second_product
    ON first_product.tenant_id = second_product.tenant_id
    AND first_product.order_id = second_product.order_id
    AND first_product.product_id < second_product.product_id
  GROUP BY
    first_product.tenant_id,
    first_product.product_id,
    second_product.product_id
  HAVING
    COUNT(*) >= 5
)
SELECT
  pairs.tenant_id,
  pairs.product_a,
  pairs.product_b,
  pairs.orders_together,
  CAST(pairs.orders_together AS DOUBLE) / orders_by_tenant.orders AS support,
  CAST(pairs.orders_together AS DOUBLE) / orders_of_a.orders AS confidence_ab,
  CAST(pairs.orders_together AS DOUBLE) / orders_of_b.orders AS confidence_ba,
  CAST(CAST(pairs.orders_together AS DOUBLE) * orders_by_tenant.orders AS DOUBLE) / (
    orders_of_a.orders * orders_of_b.orders
  ) AS lift
FROM pairs
INNER JOIN orders_by_tenant
  ON pairs.tenant_id = orders_by_tenant.tenant_id
INNER JOIN orders_by_product AS orders_of_a
  ON pairs.tenant_id = orders_of_a.tenant_id
  AND pairs.product_a = orders_of_a.product_id
INNER JOIN orders_by_product AS orders_of_b
  ON pairs.tenant_id = orders_of_b.tenant_id
  AND pairs.product_b = orders_of_b.product_id
