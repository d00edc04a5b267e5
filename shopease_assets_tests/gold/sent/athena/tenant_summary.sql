WITH tenant_versions AS (
  SELECT
    tenant_id,
    name,
    plan,
    ROW_NUMBER() OVER (
      PARTITION BY tenant_id
      ORDER BY CASE WHEN dt <= CAST(CAST('2025-03-31' AS DATE) AS DATE) THEN updated_at END DESC, updated_at ASC, name ASC, plan ASC
    ) AS preference
  FROM silver.tenants
  WHERE
    CAST(created_at AS DATE) <= CAST(CAST('2025-03-31' AS DATE) AS DATE)
), customers_by_tenant AS (
  SELECT
    tenant_id,
    COUNT(DISTINCT customer_id) AS customers
  FROM silver.customers
  WHERE
    CAST(registered_at AS DATE) <= CAST(CAST('2025-03-31' AS DATE) AS DATE)
  GROUP BY
    tenant_id
), active_by_tenant AS (
  SELECT
    tenant_id,
    COUNT(DISTINCT customer_id) AS active_customers
  FROM gold.daily_customer_sales
  WHERE
    DATE_DIFF(
      'DAY',
      DATE_TRUNC('DAY', dt),
      DATE_TRUNC('DAY', CAST(CAST('2025-03-31' AS DATE) AS DATE))
    ) <= 30
  GROUP BY
    tenant_id
), products_by_tenant AS (
  SELECT
    tenant_id,
    COUNT(DISTINCT product_id) AS products
  FROM silver.products
  WHERE
    CAST(created_at AS DATE) <= CAST(CAST('2025-03-31' AS DATE) AS DATE)
  GROUP BY
    tenant_id
), sales_by_tenant AS (
  SELECT
    tenant_id,
    CAST(SUM(total_transactions) AS BIGINT) AS orders,
    CAST(SUM(total_revenue) AS DECIMAL(18, 2)) AS revenue
  FROM gold.daily_sales_summary
  GROUP BY
    tenant_id
), subscription_versions AS (
  SELECT
    subscription_id,
    tenant_id,
    status,
    monthly_amount,
    start_date,
    CASE
      WHEN status IN ('cancelled', 'expired')
      THEN COALESCE(end_date, CAST(updated_at AS DATE))
    END AS ended_on,
    ROW_NUMBER() OVER (
      PARTITION BY subscription_id
      ORDER BY CASE WHEN dt <= CAST(CAST('2025-03-31' AS DATE) AS DATE) THEN updated_at END DESC, updated_at ASC, status ASC, start_date ASC, end_date ASC, monthly_amount ASC
    ) AS preference
  FROM silver.subscriptions
), subscriptions_by_tenant AS (
  SELECT
    tenant_id,
    COUNT(*) AS active_subscriptions,
    CAST(SUM(monthly_amount) AS DECIMAL(18, 2)) AS mrr
  FROM subscription_versions
  WHERE
    preference = 1
    AND status <> 'trial'
    AND start_date <= CAST(CAST('2025-03-31' AS DATE) AS DATE)
    AND (
      ended_on IS NULL OR ended_on > CAST(CAST('2025-03-31' AS DATE) AS DATE)
    )
  GROUP BY
    tenant_id
), totals AS (
  SELECT
    tenants.tenant_id,
    tenants.name AS tenant_name,
    tenants.plan,
    COALESCE(customers_by_tenant.customers, 0) AS customers,
    COALESCE(active_by_tenant.active_customers, 0) AS active_customers,
    COALESCE(products_by_tenant.products, 0) AS products,
    COALESCE(sales_by_tenant.orders, 0) AS orders,
    CAST(COALESCE(sales_by_tenant.revenue, 0) AS DECIMAL(18, 2)) AS revenue,
    COALESCE(subscriptions_by_tenant.active_subscriptions, 0) AS active_subscriptions,
    CAST(COALESCE(subscriptions_by_tenant.mrr, 0) AS DECIMAL(18, 2)) AS mrr
  FROM tenant_versions AS tenants
  LEFT JOIN customers_by_tenant
    ON tenants.tenant_id = customers_by_tenant.tenant_id
  LEFT JOIN active_by_tenant
    ON tenants.tenant_id = active_by_tenant.tenant_id
  LEFT JOIN products_by_tenant
    ON tenants.tenant_id = products_by_tenant.tenant_id
  LEFT JOIN sales_by_tenant
    ON tenants.tenant_id = sales_by_tenant.tenant_id
  LEFT JOIN subscriptions_by_tenant
    ON tenants.tenant_id = subscriptions_by_tenant.tenant_id
  WHERE
    tenants.preference = 1
)
SELECT
  tenant_id,
  tenant_name,
  plan,
  customers,
  active_customers,
  products,
  orders,
  revenue,
  CAST((
    CAST(TRUNCATE(
      CAST((
        2 * CAST(revenue * 100 AS BIGINT) + customers
      ) AS DOUBLE) / (
        2 * NULLIF(customers, 0)
      )
    ) AS BIGINT)
  ) * 0.01 AS DECIMAL(18, 2)) AS revenue_per_customer,
  active_subscriptions,
  mrr
FROM totals
