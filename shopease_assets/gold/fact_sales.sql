-- Grain: one row per order item, whatever became of its order; `is_sale` marks the ones that count.
-- A sale is an order that is processing, shipped or delivered (data model, "What a sale is").
-- Sku and cost are of the product version known when the order was placed, else of the earliest one known.
with product_versions as (
    select
        product_id,
        sku,
        cost,
        updated_at as known_from,
        lead(updated_at) over (partition by product_id order by updated_at, sku, cost) as known_until,
        row_number() over (partition by product_id order by updated_at, sku, cost) as version_number
    from silver.products
),

order_lines as (
    select
        orders.dt,
        orders.order_id,
        items.order_item_id,
        orders.tenant_id,
        orders.customer_id,
        items.product_id,
        orders.store_id,
        orders.status as order_status,
        orders.payment_method,
        orders.sales_channel,
        items.quantity,
        items.unit_price,
        items.discount_amount,
        items.line_total,
        orders.ordered_at,
        orders.shipped_at,
        orders.delivered_at
    from silver.order_items as items
    inner join silver.orders as orders
        on items.order_id = orders.order_id and items.dt = orders.dt
),

costed_lines as (
    select
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
        product_versions.cost as unit_cost,
        cast(order_lines.quantity * product_versions.cost as decimal(18, 2)) as line_cost,
        order_lines.ordered_at,
        order_lines.shipped_at,
        order_lines.delivered_at
    from order_lines
    left join product_versions
        on
            order_lines.product_id = product_versions.product_id
            and (order_lines.ordered_at >= product_versions.known_from or product_versions.version_number = 1)
            and (order_lines.ordered_at < product_versions.known_until or product_versions.known_until is null)
)

select
    dt,
    order_id,
    order_item_id,
    tenant_id,
    customer_id,
    product_id,
    store_id,
    sku,
    cast(year(dt) * 10000 + month(dt) * 100 + day(dt) as bigint) as order_date_key,
    order_status,
    payment_method,
    sales_channel,
    order_status in ('processing', 'shipped', 'delivered') as is_sale,
    quantity,
    unit_price,
    discount_amount,
    line_total,
    unit_cost,
    line_cost,
    cast(line_total - line_cost as decimal(18, 2)) as line_profit,
    ordered_at,
    date_diff('day', cast(ordered_at as date), cast(shipped_at as date)) as days_to_ship,
    date_diff('day', cast(ordered_at as date), cast(delivered_at as date)) as days_to_deliver
from costed_lines
