WITH sessions_seen AS (
  SELECT
    tenant_id,
    device_type,
    session_id,
    session_number,
    dt,
    MAX(CASE WHEN event_type = 'product_view' THEN 1 ELSE 0 END) AS viewed,
    MAX(CASE WHEN event_type = 'add_to_cart' THEN 1 ELSE 0 END) AS carted,
    MAX(CASE WHEN event_type = 'checkout' THEN 1 ELSE 0 END) AS checked_out,
    MAX(CASE WHEN event_type = 'purchase' THEN 1 ELSE 0 END) AS purchased
  FROM gold.fact_web_events
  GROUP BY
    tenant_id,
    device_type,
    session_id,
    session_number,
    dt
), funnel AS (
  SELECT
    tenant_id,
    device_type,
    dt,
    COUNT(*) AS sessions,
    CAST(SUM(viewed) AS BIGINT) AS product_views,
    CAST(SUM(carted) AS BIGINT) AS carts,
    CAST(SUM(checked_out) AS BIGINT) AS checkouts,
    CAST(SUM(purchased) AS BIGINT) AS purchases
  FROM sessions_seen
  GROUP BY
    tenant_id,
    device_type,
    dt
)
SELECT
  tenant_id,
  device_type,
  sessions,
  product_views,
  carts,
  checkouts,
  purchases,
  CAST(carts AS DOUBLE) / CAST(NULLIF(product_views, 0) AS DOUBLE) AS view_to_cart_rate,
  CAST(checkouts AS DOUBLE) / CAST(NULLIF(carts, 0) AS DOUBLE) AS cart_to_checkout_rate,
  CAST(purchases AS DOUBLE) / CAST(NULLIF(checkouts, 0) AS DOUBLE) AS checkout_to_purchase_rate,
  CAST(purchases AS DOUBLE) / CAST(sessions AS DOUBLE) AS session_conversion_rate,
  dt
FROM funnel
