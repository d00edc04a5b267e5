-- Grain: one row per order item, whatever became of its order; `is_sale` marks the ones that count.
-- A sale is an order that is processing, shipped or delivered (data model, "What a sale is").
-- Keys, sku, cost and geography are of the version known when the order was placed, else of the earliest one known.
-- Tax, shipping and discount of an order are spread over its lines by their share of the goods, in whole cents:
-- each line gets its share rounded down, and the cents left over go to the largest remainders (Hamilton's method),
-- equal ones to the lower order_item_id; lines that cost nothing at all share equally. What is spread adds up to the
-- order's amount over the lines that are published, whatever was set aside.
-- A product of two amounts can exceed a bigint, so cents are divided by hand, in two digits of a million each; half a
-- divisor is added to what divides exactly, because Athena is sent `//` as a division of doubles.
with product_versions as (
    select
        product_id,
        product_key,
        sku,
        cost,
        updated_at as known_from,
        lead(updated_at) over (partition by product_id order by updated_at, sku, cost) as known_until,
        row_number() over (partition by product_id order by updated_at, sku, cost) as version_number
    from silver.products
),

customer_versions as (
    select
        customer_id,
        customer_key,
        md5(cast(country || '|' || state || '|' || city as varchar)) as geography_key,
        updated_at as known_from,
        lead(updated_at) over (partition by customer_id order by updated_at, country, state, city) as known_until,
        row_number() over (partition by customer_id order by updated_at, country, state, city) as version_number
    from silver.customers
),

placed_orders as (
    select
        orders.dt,
        orders.order_id,
        orders.tenant_id,
        orders.customer_id,
        customer_versions.customer_key,
        customer_versions.geography_key,
        orders.store_id,
        orders.status as order_status,
        orders.payment_method,
        orders.sales_channel,
        orders.ordered_at,
        orders.shipped_at,
        orders.delivered_at
    from silver.orders as orders
    left join customer_versions
        on
            orders.customer_id = customer_versions.customer_id
            and (orders.ordered_at >= customer_versions.known_from or customer_versions.version_number = 1)
            and (orders.ordered_at < customer_versions.known_until or customer_versions.known_until is null)
),

goods as (
    select
        dt,
        order_id,
        count(*) as line_count,
        cast(sum(line_total) * 100 as bigint) as cents
    from silver.order_items
    group by dt, order_id
),

weighted_lines as (
    select
        items.dt,
        items.order_id,
        items.order_item_id,
        case when goods.cents = 0 then 1 else cast(items.line_total * 100 as bigint) end as weight,
        case when goods.cents = 0 then goods.line_count else goods.cents end as weights,
        cast(orders.tax_amount * 100 as bigint) as tax,
        cast(orders.shipping_cost * 100 as bigint) as shipping,
        cast(orders.discount_amount * 100 as bigint) as discount
    from silver.order_items as items
    inner join goods
        on items.order_id = goods.order_id and items.dt = goods.dt
    inner join silver.orders as orders
        on items.order_id = orders.order_id and items.dt = orders.dt
),

upper_digits as (
    select
        dt,
        order_id,
        order_item_id,
        weight,
        weights,
        tax,
        shipping,
        discount,
        (tax // 1000000) * weight as tax_millions,
        (shipping // 1000000) * weight as shipping_millions,
        (discount // 1000000) * weight as discount_millions,
        (tax // 1000000) * weight % weights as tax_carried,
        (shipping // 1000000) * weight % weights as shipping_carried,
        (discount // 1000000) * weight % weights as discount_carried
    from weighted_lines
),

lower_digits as (
    select
        dt,
        order_id,
        order_item_id,
        weights,
        tax,
        shipping,
        discount,
        (tax_millions - tax_carried + weights // 2) // weights * 1000000 as tax_millions,
        (shipping_millions - shipping_carried + weights // 2) // weights * 1000000 as shipping_millions,
        (discount_millions - discount_carried + weights // 2) // weights * 1000000 as discount_millions,
        tax_carried * 1000000 + (tax % 1000000) * weight as tax_ones,
        shipping_carried * 1000000 + (shipping % 1000000) * weight as shipping_ones,
        discount_carried * 1000000 + (discount % 1000000) * weight as discount_ones
    from upper_digits
),

shares as (
    select
        dt,
        order_id,
        order_item_id,
        tax,
        shipping,
        discount,
        tax_millions + (tax_ones - tax_ones % weights + weights // 2) // weights as tax_share,
        shipping_millions + (shipping_ones - shipping_ones % weights + weights // 2) // weights as shipping_share,
        discount_millions + (discount_ones - discount_ones % weights + weights // 2) // weights as discount_share,
        tax_ones % weights as tax_remainder,
        shipping_ones % weights as shipping_remainder,
        discount_ones % weights as discount_remainder
    from lower_digits
),

allocated_cents as (
    select
        dt,
        order_item_id,
        tax_share + case
            when
                row_number() over (partition by dt, order_id order by tax_remainder desc, order_item_id asc)
                <= tax - sum(tax_share) over (partition by dt, order_id)
                then 1
            else 0
        end as tax,
        shipping_share + case
            when
                row_number() over (partition by dt, order_id order by shipping_remainder desc, order_item_id asc)
                <= shipping - sum(shipping_share) over (partition by dt, order_id)
                then 1
            else 0
        end as shipping,
        discount_share + case
            when
                row_number() over (partition by dt, order_id order by discount_remainder desc, order_item_id asc)
                <= discount - sum(discount_share) over (partition by dt, order_id)
                then 1
            else 0
        end as discount
    from shares
),

order_lines as (
    select
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
        product_versions.cost as unit_cost,
        cast(items.quantity * product_versions.cost as decimal(18, 2)) as line_cost,
        orders.ordered_at,
        orders.shipped_at,
        orders.delivered_at
    from silver.order_items as items
    inner join placed_orders as orders
        on items.order_id = orders.order_id and items.dt = orders.dt
    left join product_versions
        on
            items.product_id = product_versions.product_id
            and (orders.ordered_at >= product_versions.known_from or product_versions.version_number = 1)
            and (orders.ordered_at < product_versions.known_until or product_versions.known_until is null)
)

select
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
    cast(
        year(order_lines.dt) * 10000 + month(order_lines.dt) * 100 + day(order_lines.dt) as bigint
    ) as order_date_key,
    order_lines.order_status,
    order_lines.payment_method,
    order_lines.sales_channel,
    order_lines.order_status in ('processing', 'shipped', 'delivered') as is_sale,
    order_lines.quantity,
    order_lines.unit_price,
    order_lines.discount_amount,
    order_lines.line_total,
    cast(cast(allocated_cents.tax as bigint) * 0.01 as decimal(12, 2)) as allocated_tax,
    cast(cast(allocated_cents.shipping as bigint) * 0.01 as decimal(12, 2)) as allocated_shipping,
    cast(cast(allocated_cents.discount as bigint) * 0.01 as decimal(12, 2)) as allocated_discount,
    order_lines.unit_cost,
    order_lines.line_cost,
    cast(order_lines.line_total - order_lines.line_cost as decimal(18, 2)) as line_profit,
    order_lines.ordered_at,
    date_diff('day', cast(order_lines.ordered_at as date), cast(order_lines.shipped_at as date)) as days_to_ship,
    date_diff('day', cast(order_lines.ordered_at as date), cast(order_lines.delivered_at as date)) as days_to_deliver
from order_lines
left join allocated_cents
    on order_lines.order_item_id = allocated_cents.order_item_id and order_lines.dt = allocated_cents.dt
