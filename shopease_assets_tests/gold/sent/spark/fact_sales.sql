WITH product_versions AS (
  SELECT
    product_id,
    product_key,
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
), customer_versions AS (
  SELECT
    customer_id,
    customer_key,
    MD5(CAST(country || '|' || state || '|' || city AS STRING)) AS geography_key,
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
), placed_orders AS (
  SELECT
    orders.dt,
    orders.order_id,
    orders.tenant_id,
    orders.customer_id,
    customer_versions.customer_key,
    customer_versions.geography_key,
    orders.store_id,
    orders.status AS order_status,
    orders.payment_method,
    orders.sales_channel,
    orders.ordered_at,
    orders.shipped_at,
    orders.delivered_at
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
), goods AS (
  SELECT
    dt,
    order_id,
    COUNT(*) AS line_count,
    CAST(SUM(line_total) * 100 AS BIGINT) AS cents
  FROM silver.order_items
  GROUP BY
    dt,
    order_id
), weighted_lines AS (
  SELECT
    items.dt,
    items.order_id,
    items.order_item_id,
    CASE WHEN goods.cents = 0 THEN 1 ELSE CAST(items.line_total * 100 AS BIGINT) END AS weight,
    CASE WHEN goods.cents = 0 THEN goods.line_count ELSE goods.cents END AS weights,
    CAST(orders.tax_amount * 100 AS BIGINT) AS tax,
    CAST(orders.shipping_cost * 100 AS BIGINT) AS shipping,
    CAST(orders.discount_amount * 100 AS BIGINT) AS discount
  FROM silver.order_items AS items
  INNER JOIN goods
    ON items.order_id = goods.order_id AND items.dt = goods.dt
  INNER JOIN silver.orders AS orders
    ON items.order_id = orders.order_id AND items.dt = orders.dt
), upper_digits AS (
  SELECT
    dt,
    order_id,
    order_item_id,
    weight,
    weights,
    tax,
    shipping,
    discount,
    (
      tax DIV 1000000
    ) * weight AS tax_millions,
    (
      shipping DIV 1000000
    ) * weight AS shipping_millions,
    (
      discount DIV 1000000
    ) * weight AS discount_millions,
    (
      tax DIV 1000000
    ) * weight % weights AS tax_carried,
    (
      shipping DIV 1000000
    ) * weight % weights AS shipping_carried,
    (
      discount DIV 1000000
    ) * weight % weights AS discount_carried
  FROM weighted_lines
), lower_digits AS (
  SELECT
    dt,
    order_id,
    order_item_id,
    weights,
    tax,
    shipping,
    discount,
    (
      tax_millions - tax_carried + weights DIV 2
    ) DIV weights * 1000000 AS tax_millions,
    (
      shipping_millions - shipping_carried + weights DIV 2
    ) DIV weights * 1000000 AS shipping_millions,
    (
      discount_millions - discount_carried + weights DIV 2
    ) DIV weights * 1000000 AS discount_millions,
    tax_carried * 1000000 + (
      tax % 1000000
    ) * weight AS tax_ones,
    shipping_carried * 1000000 + (
      shipping % 1000000
    ) * weight AS shipping_ones,
    discount_carried * 1000000 + (
      discount % 1000000
    ) * weight AS discount_ones
  FROM upper_digits
), shares AS (
  SELECT
    dt,
    order_id,
    order_item_id,
    tax,
    shipping,
    discount,
    tax_millions + (
      tax_ones - tax_ones % weights + weights DIV 2
    ) DIV weights AS tax_share,
    shipping_millions + (
      shipping_ones - shipping_ones % weights + weights DIV 2
    ) DIV weights AS shipping_share,
    discount_millions + (
      discount_ones - discount_ones % weights + weights DIV 2
    ) DIV weights AS discount_share,
    tax_ones % weights AS tax_remainder,
    shipping_ones % weights AS shipping_remainder,
    discount_ones % weights AS discount_remainder
  FROM lower_digits
), allocated_cents AS (
  SELECT
    dt,
    order_item_id,
    tax_share + CASE
      WHEN ROW_NUMBER() OVER (
        PARTITION BY dt, order_id
        ORDER BY tax_remainder DESC, order_item_id ASC NULLS LAST
      ) <= tax - SUM(tax_share) OVER (PARTITION BY dt, order_id)
      THEN 1
      ELSE 0
    END AS tax,
    shipping_share + CASE
      WHEN ROW_NUMBER() OVER (
        PARTITION BY dt, order_id
        ORDER BY shipping_remainder DESC, order_item_id ASC NULLS LAST
      ) <= shipping - SUM(shipping_share) OVER (PARTITION BY dt, order_id)
      THEN 1
      ELSE 0
    END AS shipping,
    discount_share + CASE
      WHEN ROW_NUMBER() OVER (
        PARTITION BY dt, order_id
        ORDER BY discount_remainder DESC, order_item_id ASC NULLS LAST
      ) <= discount - SUM(discount_share) OVER (PARTITION BY dt, order_id)
      THEN 1
      ELSE 0
    END AS discount
  FROM shares
), order_lines AS (
  SELECT
    orders.dt,
    orders.order_id,
    items.order_item_id,
    orders.tenant_id,
    orders.customer_id,
    orders.customer_key,
    items.product_id,
    product_versions.product_key,
    orders.geography_key,
    orders.store_id,
    product_versions.sku,
    orders.order_status,
    orders.payment_method,
    orders.sales_channel,
    items.quantity,
    items.unit_price,
    items.discount_amount,
    items.line_total,
    product_versions.cost AS unit_cost,
    CAST(items.quantity * product_versions.cost AS DECIMAL(18, 2)) AS line_cost,
    orders.ordered_at,
    orders.shipped_at,
    orders.delivered_at
  FROM silver.order_items AS items
  INNER JOIN placed_orders AS orders
    ON items.order_id = orders.order_id AND items.dt = orders.dt
  LEFT JOIN product_versions
    ON items.product_id = product_versions.product_id
    AND (
      orders.ordered_at >= product_versions.known_from
      OR product_versions.version_number = 1
    )
    AND (
      orders.ordered_at < product_versions.known_until
      OR product_versions.known_until IS NULL
    )
)
SELECT
  order_lines.dt,
  order_lines.order_id,
  order_lines.order_item_id,
  order_lines.tenant_id,
  order_lines.customer_id,
  order_lines.customer_key,
  order_lines.product_id,
  order_lines.product_key,
  order_lines.geography_key,
  order_lines.store_id,
  order_lines.sku,
  CAST(YEAR(order_lines.dt) * 10000 + MONTH(order_lines.dt) * 100 + DAY(order_lines.dt) AS BIGINT) AS order_date_key,
  order_lines.order_status,
  order_lines.payment_method,
  order_lines.sales_channel,
  order_lines.order_status IN ('processing', 'shipped', 'delivered') AS is_sale,
  order_lines.quantity,
  order_lines.unit_price,
  order_lines.discount_amount,
  order_lines.line_total,
  CAST(CAST(allocated_cents.tax AS BIGINT) * 0.01 AS DECIMAL(12, 2)) AS allocated_tax,
  CAST(CAST(allocated_cents.shipping AS BIGINT) * 0.01 AS DECIMAL(12, 2)) AS allocated_shipping,
  CAST(CAST(allocated_cents.discount AS BIGINT) * 0.01 AS DECIMAL(12, 2)) AS allocated_discount,
  order_lines.unit_cost,
  order_lines.line_cost,
  CAST(order_lines.line_total - order_lines.line_cost AS DECIMAL(18, 2)) AS line_profit,
  order_lines.ordered_at,
  DATEDIFF(DAY, CAST(order_lines.ordered_at AS DATE), CAST(order_lines.shipped_at AS DATE)) AS days_to_ship,
  DATEDIFF(DAY, CAST(order_lines.ordered_at AS DATE), CAST(order_lines.delivered_at AS DATE)) AS days_to_deliver
FROM order_lines
LEFT JOIN allocated_cents
  ON order_lines.order_item_id = allocated_cents.order_item_id
  AND order_lines.dt = allocated_cents.dt
