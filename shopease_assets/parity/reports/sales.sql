-- What all three reports start from: the source's orders and lines of the published days, as the shop understands them.
-- Left out is what quarantine is known to hold; added are product versions the source has overwritten since.
with product_versions as (
    select
        *,
        lead(updated_at) over by_time as known_until,
        row_number() over by_time as version_number
    from (
        select product_id, btrim(name, $blanks) as name, btrim(category, $blanks) as category, cost, updated_at
        from shop.products
        where product_id::text not in (select unnest($products_withheld::text[]))
        union all
        select product_id, name, category, cost, updated_at
        from json_to_recordset($products_overwritten) as v (
            product_id bigint, name text, category text, cost numeric, updated_at timestamptz
        )
    ) as versions
    window by_time as (partition by product_id order by updated_at)
),

orders as materialized (
    select distinct on (day, order_id)
        *,
        status in ('processing', 'shipped', 'delivered') as is_sale
    from (
        select
            order_id, tenant_id, customer_id, lower(btrim(status, $blanks)) as status, ordered_at, updated_at,
            (ordered_at at time zone $zone)::date as day
        from shop.orders
        where
            ordered_at >= $start and ordered_at < $until
            and order_id::text not in (select unnest($orders_withheld::text[]))
    ) as of_days
    where day = any ($days::date[])
    order by day, order_id, updated_at desc
),

items as (
    select distinct on (order_item_id) order_item_id, order_id, product_id, quantity, line_total
    from shop.order_items
    where
        order_id in (select order_id from orders where is_sale)
        and order_item_id::text not in (select unnest($order_items_withheld::text[]))
    order by order_item_id, updated_at desc
),

sales as materialized (
    select
        o.tenant_id, o.customer_id, o.order_id, o.day, i.product_id, i.quantity, i.line_total,
        i.quantity * p.cost as line_cost
    from orders as o
    inner join items as i using (order_id)
    left join product_versions as p
        on
            i.product_id = p.product_id
            and (o.ordered_at >= p.updated_at or p.version_number = 1)
            and (o.ordered_at < p.known_until or p.known_until is null)
    where o.is_sale
)
