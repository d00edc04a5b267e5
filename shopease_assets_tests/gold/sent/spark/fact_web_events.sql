WITH customer_versions AS (
  SELECT
    customer_id,
    customer_key,
    updated_at AS known_from,
    LEAD(updated_at) OVER (PARTITION BY customer_id ORDER BY updated_at NULLS LAST, customer_key NULLS LAST) AS known_until,
    ROW_NUMBER() OVER (PARTITION BY customer_id ORDER BY updated_at NULLS LAST, customer_key NULLS LAST) AS version_number
  FROM silver.customers
), product_versions AS (
  SELECT
    product_id,
    product_key,
    updated_at AS known_from,
    LEAD(updated_at) OVER (PARTITION BY product_id ORDER BY updated_at NULLS LAST, product_key NULLS LAST) AS known_until,
    ROW_NUMBER() OVER (PARTITION BY product_id ORDER BY updated_at NULLS LAST, product_key NULLS LAST) AS version_number
  FROM silver.products
), pauses AS (
  SELECT
    dt,
    event_id,
    tenant_id,
    session_id,
    occurred_at,
    LAG(occurred_at) OVER (
      PARTITION BY tenant_id, session_id, dt
      ORDER BY occurred_at NULLS LAST, event_id NULLS LAST
    ) AS previous_at
  FROM silver.web_events
), visits AS (
  SELECT
    dt,
    event_id,
    CAST(1 + SUM(
      CASE
        WHEN CAST(occurred_at AS TIMESTAMP_NTZ) > CAST(previous_at + INTERVAL '30' MINUTE AS TIMESTAMP_NTZ)
        THEN 1
        ELSE 0
      END
    ) OVER (
      PARTITION BY tenant_id, session_id, dt
      ORDER BY occurred_at NULLS LAST, event_id NULLS LAST
    ) AS BIGINT) AS session_number
  FROM pauses
)
SELECT
  events.dt,
  events.event_id,
  CAST(YEAR(events.dt) * 10000 + MONTH(events.dt) * 100 + DAY(events.dt) AS BIGINT) AS event_date_key,
  events.tenant_id,
  events.customer_id,
  customer_versions.customer_key,
  events.product_id,
  product_versions.product_key,
  events.session_id,
  visits.session_number,
  events.event_type,
  events.event_type IN ('add_to_cart', 'checkout', 'purchase') AS is_conversion_event,
  events.event_type = 'purchase' AS is_purchase_event,
  CASE WHEN events.event_type = 'purchase' THEN events.value END AS conversion_value,
  events.device_type,
  events.browser,
  events.os,
  events.occurred_at
FROM silver.web_events AS events
INNER JOIN visits
  ON events.event_id = visits.event_id AND events.dt = visits.dt
LEFT JOIN customer_versions
  ON events.customer_id = customer_versions.customer_id
  AND (
    events.occurred_at >= customer_versions.known_from
    OR customer_versions.version_number = 1
  )
  AND (
    events.occurred_at < customer_versions.known_until
    OR customer_versions.known_until IS NULL
  )
LEFT JOIN product_versions
  ON events.product_id = product_versions.product_id
  AND (
    events.occurred_at >= product_versions.known_from
    OR product_versions.version_number = 1
  )
  AND (
    events.occurred_at < product_versions.known_until
    OR product_versions.known_until IS NULL
  )
