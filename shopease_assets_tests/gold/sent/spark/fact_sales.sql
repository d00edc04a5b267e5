WITH product_versions AS (
  SELECT
    product_id,
    sku,
    cost,
    updated_at AS known_from,
    LEAD(updated_at) OVER (
      PARTITION BY product_id
      ORDER BY updated_at NULLS LAST, sku NULLS LAST, cost NULLS LAST
    ) AS known_until,
    ROW_NUMBER() OVER (
      PARTITION BY product_id
      ORDER BY updated_at NULLS LAST, sku NULLS LAST, cost NULLS LAST
    ) AS version_number
  FROM silver.products
), order_lines AS (
  SELECT
    orders.dt,
    orders.order_id,
    items.order_item_id,
    orders.tenant_id,
    orders.customer_id,
    items.product_id,
    orders.store_id,
    orders.status AS order_status,
    orders.payment_method,
    orders.sales_channel,
    items.quantity,
    items.unit_price,
    items.discount_amount,
    items.line_total,
    orders.ordered_at,
    orders.shipped_at,
    orders.delivered_at
  FROM silver.order_items AS items
  INNER JOIN silver.orders AS orders
    ON items.order_id = orders.order_id AND items.dt = orders.dt
), costed_lines AS (
  SELECT
    order_lines.dt,
    order_lines.order_id,
    order_lines.order_item_id,
    order_lines.tenant_id,
    order_lines.customer_id,
    order_lines.product_id,
    order_lines.store_id,
    product_versions.sku,
    order_lines.order_status,
    order_lines.payment_method,
    order_lines.sales_channel,
    order_lines.quantity,
    order_lines.unit_price,
    order_lines.discount_amount,
    order_lines.line_total,
    product_versions.cost AS unit_cost,
    CAST(order_lines.quantity * product_versions.cost AS DECIMAL(18, 2)) AS line_cost,
    order_lines.ordered_at,
    order_lines.shipped_at,
    order_lines.delivered_at
  FROM order_lines
  LEFT JOIN product_versions
    ON order_lines.product_id = product_versions.product_id
    AND (
      order_lines.ordered_at >= product_versions.known_from
      OR product_versions.version_number = 1
    )
    AND (
      order_lines.ordered_at < product_versions.known_until
      OR product_versions.known_until IS NULL
    )
)
SELECT
  dt,
  order_id,
  order_item_id,
  tenant_id,
  customer_id,
  product_id,
  store_id,
  sku,
  CAST(YEAR(dt) * 10000 + MONTH(dt) * 100 + DAY(dt) AS BIGINT) AS order_date_key,
  order_status,
  payment_method,
  sales_channel,
  order_status IN ('processing', 'shipped', 'delivered') AS is_sale,
  quantity,
  unit_price,
  discount_amount,
  line_total,
  unit_cost,
  line_cost,
  CAST(line_total - line_cost AS DECIMAL(18, 2)) AS line_profit,
  ordered_at,
  DATEDIFF(DAY, CAST(ordered_at AS DATE), CAST(shipped_at AS DATE)) AS days_to_ship,
  DATEDIFF(DAY, CAST(ordered_at AS DATE), CAST(delivered_at AS DATE)) AS days_to_deliver
FROM costed_lines
