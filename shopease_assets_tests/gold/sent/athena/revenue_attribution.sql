WITH lines_by_order AS (
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
), touched_sales AS (
  SELECT
    orders.tenant_id,
    orders.customer_id,
    orders.sales_channel,
    COALESCE(orders.campaign, 'none') AS campaign,
    COALESCE(orders.device, 'unknown') AS device,
    order_lines.units,
    order_lines.revenue
  FROM silver.orders AS orders
  LEFT JOIN lines_by_order AS order_lines
    ON orders.order_id = order_lines.order_id AND orders.dt = order_lines.dt
  WHERE
    orders.status IN ('processing', 'shipped', 'delivered')
), sales_by_touch AS (
  SELECT
    tenant_id,
    sales_channel,
    campaign,
    device,
    CAST(COALESCE(SUM(revenue), 0) AS DECIMAL(18, 2)) AS revenue,
    COUNT(*) AS orders,
    CAST(COALESCE(SUM(units), 0) AS BIGINT) AS units,
    COUNT(DISTINCT customer_id) AS customers
  FROM touched_sales
  GROUP BY
    tenant_id,
    sales_channel,
    campaign,
    device
)
SELECT
  tenant_id,
  sales_channel,
  campaign,
  device,
  revenue,
  orders,
  units,
  customers,
  CAST(CAST(revenue AS DOUBLE) * 100 AS DOUBLE) / NULLIF(CAST(SUM(revenue) OVER (PARTITION BY tenant_id) AS DOUBLE), 0) AS revenue_share_pct,
  ROW_NUMBER() OVER (
    PARTITION BY tenant_id
    ORDER BY revenue DESC, sales_channel ASC, campaign ASC, device ASC
  ) AS revenue_rank
FROM sales_by_touch
