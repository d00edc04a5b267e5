WITH purchases AS (
  SELECT
    tenant_id,
    customer_id,
    CAST(SUM(orders) AS BIGINT) AS total_purchases,
    CAST(SUM(items) AS BIGINT) AS total_items_bought,
    CAST(SUM(revenue) AS DECIMAL(18, 2)) AS total_spent,
    MIN(dt) AS first_purchase_date,
    MAX(dt) AS last_purchase_date,
    DATEDIFF(DAY, MIN(dt), MAX(dt)) AS days_from_first_to_last,
    DATEDIFF(DAY, MAX(dt), CAST(CAST('2025-03-31' AS DATE) AS DATE)) AS days_since_last_order
  FROM gold.daily_customer_sales
  GROUP BY
    tenant_id,
    customer_id
), customer_versions AS (
  SELECT
    customer_id,
    first_name,
    last_name,
    city,
    state,
    customer_segment,
    ROW_NUMBER() OVER (
      PARTITION BY customer_id
      ORDER BY CASE WHEN dt <= CAST(CAST('2025-03-31' AS DATE) AS DATE) THEN updated_at END DESC, updated_at ASC NULLS LAST, last_name ASC NULLS LAST, first_name ASC NULLS LAST, city ASC NULLS LAST, state ASC NULLS LAST, customer_segment ASC NULLS LAST
    ) AS preference
  FROM silver.customers
)
SELECT
  purchases.tenant_id,
  purchases.customer_id,
  customers.first_name || ' ' || customers.last_name AS customer_name,
  customers.city,
  customers.state,
  customers.customer_segment,
  purchases.total_purchases,
  purchases.total_items_bought,
  purchases.total_spent,
  CAST((
    (
      2 * CAST(purchases.total_spent * 100 AS BIGINT) + purchases.total_purchases
    ) DIV (
      2 * purchases.total_purchases
    )
  ) * 0.01 AS DECIMAL(18, 2)) AS avg_order_value,
  purchases.first_purchase_date,
  purchases.last_purchase_date,
  purchases.days_since_last_order,
  CAST(purchases.days_from_first_to_last AS DOUBLE) / CAST(NULLIF(purchases.total_purchases - 1, 0) AS DOUBLE) AS avg_days_between_orders,
  CASE
    WHEN purchases.days_since_last_order <= 30
    THEN 'active'
    WHEN purchases.days_since_last_order <= 90
    THEN 'at_risk'
    ELSE 'churned'
  END AS customer_status
FROM purchases
LEFT JOIN customer_versions AS customers
  ON purchases.customer_id = customers.customer_id AND customers.preference = 1
