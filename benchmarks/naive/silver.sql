-- sqlfluff:dialect:postgres
-- What a company cleans on its source database: trimmed, cased, empty strings nulled, JSON keys typed, repeated keys
-- dropped, and the rows that break the plain rules left out. No scores, no quarantine, no lineage.
drop schema if exists staging cascade;
create schema staging;

create table staging.tenants as
select distinct on (tenant_id)
    tenant_id,
    nullif(btrim(name), '') as name,
    nullif(btrim(slug), '') as slug,
    nullif(btrim(domain), '') as domain,
    lower(btrim(plan)) as plan,
    is_active,
    settings ->> 'timezone' as timezone,
    settings ->> 'currency' as currency,
    nullif(settings - 'timezone' - 'currency', '{}'::jsonb) as extra,
    created_at,
    updated_at
from shop.tenants
where lower(btrim(plan)) in ('free', 'standard', 'enterprise')
order by tenant_id, updated_at desc;

create table staging.stores as
select distinct on (store_id)
    store_id,
    tenant_id,
    nullif(btrim(name), '') as name,
    nullif(btrim(city), '') as city,
    nullif(btrim(state), '') as state,
    nullif(btrim(country), '') as country,
    nullif(btrim(manager_name), '') as manager_name,
    opened_on,
    created_at,
    updated_at
from shop.stores
where tenant_id in (select tenant_id from staging.tenants)
order by store_id, updated_at desc;

create table staging.customers as
select distinct on (customer_id)
    md5(customer_id::text || '|' || (extract(epoch from updated_at) * 1000000)::bigint::text) as customer_key,
    customer_id,
    tenant_id,
    lower(nullif(btrim(email), '')) as email,
    nullif(btrim(first_name), '') as first_name,
    nullif(btrim(last_name), '') as last_name,
    nullif(btrim(phone), '') as phone,
    date_of_birth,
    nullif(btrim(gender), '') as gender,
    nullif(btrim(address_line1), '') as address_line1,
    nullif(btrim(city), '') as city,
    nullif(btrim(state), '') as state,
    nullif(btrim(postal_code), '') as postal_code,
    nullif(btrim(country), '') as country,
    initcap(btrim(customer_segment)) as customer_segment,
    is_active,
    (metadata ->> 'marketing_opt_in')::boolean as marketing_opt_in,
    metadata ->> 'loyalty_tier' as loyalty_tier,
    metadata ->> 'source' as source,
    nullif(metadata - 'marketing_opt_in' - 'loyalty_tier' - 'source', '{}'::jsonb) as extra,
    registered_at,
    created_at,
    updated_at
from shop.customers
where
    tenant_id in (select tenant_id from staging.tenants)
    and btrim(email) ~ '^[^@\s]+@[^@\s]+\.[^@\s]+$'
    and lower(btrim(customer_segment)) in ('premium', 'standard', 'basic')
order by customer_id, updated_at desc;

create table staging.products as
select distinct on (product_id)
    md5(product_id::text || '|' || (extract(epoch from updated_at) * 1000000)::bigint::text) as product_key,
    product_id,
    tenant_id,
    nullif(btrim(sku), '') as sku,
    nullif(btrim(name), '') as name,
    nullif(btrim(description), '') as description,
    nullif(btrim(category), '') as category,
    nullif(btrim(subcategory), '') as subcategory,
    nullif(btrim(brand), '') as brand,
    price,
    cost,
    supplier_id,
    reorder_level,
    is_active,
    launched_on,
    attributes ->> 'color' as color,
    attributes ->> 'size' as size,
    attributes ->> 'material' as material,
    (attributes ->> 'weight_kg')::numeric(9, 3) as weight_kg,
    nullif(attributes - 'color' - 'size' - 'material' - 'weight_kg', '{}'::jsonb) as extra,
    created_at,
    updated_at
from shop.products
where tenant_id in (select tenant_id from staging.tenants) and price >= 0 and cost >= 0
order by product_id, updated_at desc;

create table staging.order_items as
select distinct on (order_item_id)
    order_item_id,
    order_id,
    product_id,
    quantity,
    unit_price,
    discount_amount,
    line_total,
    created_at,
    updated_at
from shop.order_items
where
    quantity >= 1
    and line_total = quantity * unit_price - discount_amount
    and product_id in (select product_id from staging.products)
order by order_item_id, updated_at desc;

create table staging.orders as
with sums as (
    select order_id, sum(line_total) as sum_of_lines
    from staging.order_items
    group by order_id
)

select distinct on (orders.order_id)
    orders.order_id,
    orders.tenant_id,
    orders.customer_id,
    orders.store_id,
    nullif(btrim(orders.order_number), '') as order_number,
    lower(btrim(orders.status)) as status,
    nullif(btrim(orders.payment_method), '') as payment_method,
    nullif(btrim(orders.payment_status), '') as payment_status,
    lower(btrim(orders.sales_channel)) as sales_channel,
    nullif(btrim(orders.shipping_method), '') as shipping_method,
    nullif(btrim(orders.shipping_city), '') as shipping_city,
    nullif(btrim(orders.shipping_state), '') as shipping_state,
    nullif(btrim(orders.shipping_postal_code), '') as shipping_postal_code,
    nullif(btrim(orders.shipping_country), '') as shipping_country,
    orders.subtotal,
    orders.tax_amount,
    orders.shipping_cost,
    orders.discount_amount,
    orders.total_amount,
    orders.currency,
    nullif(btrim(orders.coupon_code), '') as coupon_code,
    (orders.metadata ->> 'gift')::boolean as gift,
    orders.metadata ->> 'campaign' as campaign,
    orders.metadata ->> 'device' as device,
    nullif(orders.metadata - 'gift' - 'campaign' - 'device', '{}'::jsonb) as extra,
    orders.ordered_at,
    orders.shipped_at,
    orders.delivered_at,
    orders.created_at,
    orders.updated_at
from shop.orders
left join sums on orders.order_id = sums.order_id
where
    lower(btrim(orders.status)) in ('pending', 'processing', 'shipped', 'delivered', 'cancelled', 'returned')
    and lower(btrim(orders.sales_channel)) in ('web', 'mobile', 'store', 'marketplace')
    and orders.total_amount
    = orders.subtotal + orders.tax_amount + orders.shipping_cost - orders.discount_amount
    and orders.subtotal = coalesce(sums.sum_of_lines, 0)
    and orders.customer_id in (select customer_id from staging.customers)
    and (orders.store_id is null or orders.store_id in (select store_id from staging.stores))
order by orders.order_id, orders.updated_at desc;

analyze staging.products, staging.orders, staging.order_items;
