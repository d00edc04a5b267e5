WITH sales_by_product AS (
  SELECT
    tenant_id,
    product_id,
    CAST(SUM(orders) AS BIGINT) AS total_orders,
    CAST(SUM(quantity) AS BIGINT) AS total_quantity_sold,
    CAST(SUM(revenue) AS DECIMAL(18, 2)) AS total_revenue,
    CAST(SUM(cost) AS DECIMAL(18, 2)) AS total_cost
  FROM gold.daily_product_sales
  GROUP BY
    tenant_id,
    product_id
), customers_by_product AS (
  SELECT
    tenant_id,
    product_id,
    COUNT(DISTINCT customer_id) AS unique_customers
  FROM gold.fact_sales
  WHERE
    is_sale
  GROUP BY
    tenant_id,
    product_id
), product_versions AS (
  SELECT
    product_id,
    name,
    category,
    ROW_NUMBER() OVER (
      PARTITION BY product_id
      ORDER BY CASE WHEN dt <= CAST(CAST('2025-03-31' AS DATE) AS DATE) THEN updated_at END DESC, updated_at ASC, name ASC, category ASC
    ) AS preference
  FROM silver.products
), stock_versions AS (
  SELECT
    product_id,
    store_id,
    stock_quantity,
    ROW_NUMBER() OVER (PARTITION BY product_id, store_id ORDER BY updated_at DESC, stock_quantity ASC) AS recency
  FROM silver.inventory
  WHERE
    dt <= CAST(CAST('2025-03-31' AS DATE) AS DATE)
), stores_by_product AS (
  SELECT
    product_id,
    COUNT(DISTINCT store_id) AS stores
  FROM silver.inventory
  WHERE
    CAST(created_at AS DATE) <= CAST(CAST('2025-03-31' AS DATE) AS DATE)
  GROUP BY
    product_id
), stock_by_product AS (
  SELECT
    product_id,
    COUNT(*) AS stores_known,
    CAST(SUM(stock_quantity) AS BIGINT) AS stock
  FROM stock_versions
  WHERE
    recency = 1
  GROUP BY
    product_id
)
SELECT
  sales.tenant_id,
  sales.product_id,
  product_versions.name AS product_name,
  product_versions.category,
  sales.total_orders,
  sales.total_quantity_sold,
  sales.total_revenue,
  CAST((
    CAST(TRUNCATE(
      CAST((
        2 * CAST(sales.total_revenue * 100 AS BIGINT) + sales.total_orders
      ) AS DOUBLE) / (
        2 * sales.total_orders
      )
    ) AS BIGINT)
  ) * 0.01 AS DECIMAL(18, 2)) AS avg_order_value,
  CAST(sales.total_quantity_sold AS DOUBLE) / CAST(sales.total_orders AS DOUBLE) AS avg_quantity_per_order,
  sales.total_cost,
  CAST(sales.total_revenue - sales.total_cost AS DECIMAL(18, 2)) AS gross_profit,
  CAST(sales.total_revenue - sales.total_cost AS DOUBLE) * 100 / CAST(NULLIF(sales.total_revenue, 0) AS DOUBLE) AS gross_margin_pct,
  customers_by_product.unique_customers,
  RANK() OVER (
    PARTITION BY sales.tenant_id, product_versions.category
    ORDER BY sales.total_revenue DESC
  ) AS revenue_rank_in_category,
  RANK() OVER (PARTITION BY sales.tenant_id ORDER BY sales.total_revenue DESC) AS overall_revenue_rank,
  CASE
    WHEN stock_by_product.stores_known >= stores_by_product.stores
    THEN stock_by_product.stock
  END AS current_stock
FROM sales_by_product AS sales
LEFT JOIN customers_by_product
  ON sales.tenant_id = customers_by_product.tenant_id
  AND sales.product_id = customers_by_product.product_id
LEFT JOIN product_versions
  ON sales.product_id = product_versions.product_id
  AND product_versions.preference = 1
LEFT JOIN stock_by_product
  ON sales.product_id = stock_by_product.product_id
LEFT JOIN stores_by_product
  ON sales.product_id = stores_by_product.product_id
