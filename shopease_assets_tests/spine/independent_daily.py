"""What `independent` asks PostgreSQL for each daily gold table: all days at once, built on its `_LINES`."""

_VISITS = """
    visits as (
        select *, 1 + count(*) filter (where pause > interval '30 minutes')
                          over (partition by session_id, day order by occurred_at, event_id) as session_number
        from (
            select *, occurred_at::date as day,
                   occurred_at - lag(occurred_at) over (
                       partition by session_id, occurred_at::date order by occurred_at, event_id) as pause
            from (select w.*, lower(trim(w.event_type)) as done from shop.web_events as w) as w
        ) as e
    )
"""

DAILY = {
    "fact_sales": """
        , weighted as (
            select i.order_id, i.order_item_id, of_order.name, of_order.cents,
                   case when sum(i.line_total) over w = 0 then 1 else i.line_total * 100 end as weight,
                   case when sum(i.line_total) over w = 0 then count(*) over w else sum(i.line_total * 100) over w end
                       as weights
            from shop.order_items as i
            join shop.orders as o using (order_id)
            cross join lateral (
                values ('tax', o.tax_amount * 100), ('shipping', o.shipping_cost * 100),
                       ('discount', o.discount_amount * 100)
            ) as of_order (name, cents)
            window w as (partition by i.order_id, of_order.name)
        ),
        shared as (
            select *, div(cents * weight, weights) as share,
                   cents - sum(div(cents * weight, weights)) over w as left_over,
                   row_number() over (w order by mod(cents * weight, weights) desc, order_item_id) as place
            from weighted window w as (partition by order_id, name)
        ),
        allocated as (
            select order_item_id,
                   sum(share + (place <= left_over)::int) filter (where name = 'tax') * 0.01 as tax,
                   sum(share + (place <= left_over)::int) filter (where name = 'shipping') * 0.01 as shipping,
                   sum(share + (place <= left_over)::int) filter (where name = 'discount') * 0.01 as discount
            from shared group by order_item_id
        )
        select l.day as dt, l.order_id, l.order_item_id, l.tenant_id, l.customer_id, c.customer_key, l.product_id,
               l.product_key, c.geography_key, l.store_id, l.sku,
               to_char(l.day, 'YYYYMMDD')::int as order_date_key, l.state as order_status,
               trim(o.payment_method) as payment_method, lower(trim(o.sales_channel)) as sales_channel, l.is_sale,
               l.quantity, l.unit_price, l.discount_amount, l.line_total, a.tax as allocated_tax,
               a.shipping as allocated_shipping, a.discount as allocated_discount, l.cost as unit_cost,
               l.quantity * l.cost as line_cost, l.line_total - l.quantity * l.cost as line_profit,
               l.ordered_at, o.shipped_at::date - l.day as days_to_ship, o.delivered_at::date - l.day as days_to_deliver
        from lines as l join shop.orders as o using (order_id) join allocated as a using (order_item_id)
        cross join lateral (
            select v.customer_key, v.geography_key from customer_at as v
            where v.customer_id = l.customer_id
            order by v.valid_from <= l.ordered_at desc,
                     case when v.valid_from <= l.ordered_at then v.valid_from end desc, v.valid_from
            limit 1
        ) as c""",
    "daily_sales_summary": """
        select o.day as dt, o.tenant_id, o.day as sales_date,
               count(*) filter (where o.is_sale) as total_transactions,
               coalesce(sum(i.items) filter (where o.is_sale), 0) as total_items_sold,
               coalesce(sum(i.revenue) filter (where o.is_sale), 0) as total_revenue,
               round(coalesce(sum(i.revenue) filter (where o.is_sale), 0)
                     / nullif(count(*) filter (where o.is_sale), 0), 2) as avg_transaction_value,
               count(distinct o.customer_id) filter (where o.is_sale) as unique_customers,
               (select count(distinct s.product_id) from sold as s where s.tenant_id = o.tenant_id and s.day = o.day)
                   as unique_products,
               count(*) filter (where o.state = 'cancelled') as cancelled_orders,
               count(*) filter (where o.state = 'returned') as returned_orders,
               coalesce(sum(i.revenue - i.cost) filter (where o.is_sale), 0) as gross_margin
        from orders as o
        left join (
            select order_id, sum(quantity) as items, sum(line_total) as revenue, sum(quantity * cost) as cost
            from lines group by order_id
        ) as i using (order_id)
        group by o.tenant_id, o.day""",
    "daily_product_sales": """
        select day as dt, tenant_id, product_id, count(distinct order_id) as orders, sum(quantity) as quantity,
               sum(line_total) as revenue, sum(quantity * cost) as cost, count(distinct customer_id) as unique_customers
        from sold group by day, tenant_id, product_id""",
    "daily_customer_sales": """
        select o.day as dt, o.tenant_id, o.customer_id, count(*) as orders, coalesce(sum(i.items), 0) as items,
               coalesce(sum(i.revenue), 0) as revenue
        from sales as o
        left join (select order_id, sum(quantity) as items, sum(line_total) as revenue from sold group by order_id)
            as i using (order_id)
        group by o.day, o.tenant_id, o.customer_id""",
    "daily_channel_sales": """
        select o.day as dt, o.tenant_id, lower(trim(o.sales_channel)) as sales_channel,
               trim(o.payment_method) as payment_method, o.store_id, count(*) as transactions,
               coalesce(sum((select sum(l.line_total) from sold as l where l.order_id = o.order_id)), 0) as revenue
        from sales as o group by 1, 2, 3, 4, 5""",
    "daily_geographic_sales": """
        select o.day as dt, o.tenant_id, trim(c.country) as country, trim(c.state) as state, trim(c.city) as city,
               count(*) as orders, count(distinct o.customer_id) as customers, coalesce(sum(i.revenue), 0) as revenue
        from sales as o
        left join (select order_id, sum(line_total) as revenue from sold group by order_id) as i using (order_id)
        cross join lateral (
            select v.country, v.state, v.city from customer_at as v where v.customer_id = o.customer_id
            order by v.valid_from <= o.ordered_at desc,
                     case when v.valid_from <= o.ordered_at then v.valid_from end desc, v.valid_from
            limit 1
        ) as c
        group by 1, 2, 3, 4, 5""",
    "fact_web_events": f"""
        , {_VISITS}
        select e.day as dt, e.event_id, to_char(e.day, 'YYYYMMDD')::int as event_date_key, e.tenant_id, e.customer_id,
               c.customer_key, e.product_id, p.product_key, e.session_id, e.session_number, e.done as event_type,
               e.done = any(array['add_to_cart', 'checkout', 'purchase']) as is_conversion_event,
               e.done = 'purchase' as is_purchase_event,
               case e.done when 'purchase' then (e.event_data ->> 'value')::numeric(12, 2) end
                   as conversion_value,
               trim(e.device_type) as device_type, trim(e.browser) as browser, trim(e.os) as os, e.occurred_at
        from visits as e
        left join lateral (
            select md5(v.customer_id || '|' || (extract(epoch from v.updated_at) * 1000000)::bigint) as customer_key
            from customer_at as v where v.customer_id = e.customer_id
            order by v.valid_from <= e.occurred_at desc,
                     case when v.valid_from <= e.occurred_at then v.valid_from end desc, v.valid_from
            limit 1
        ) as c on true
        left join lateral (
            select md5(v.product_id || '|' || (extract(epoch from v.updated_at) * 1000000)::bigint) as product_key
            from product_at as v where v.product_id = e.product_id
            order by v.valid_from <= e.occurred_at desc,
                     case when v.valid_from <= e.occurred_at then v.valid_from end desc, v.valid_from
            limit 1
        ) as p on true""",
    "daily_web_funnel": f"""
        , {_VISITS},
        reached as (
            select day, tenant_id, trim(device_type) as device_type, bool_or(done = 'product_view') as viewed,
                   bool_or(done = 'add_to_cart') as carted, bool_or(done = 'checkout') as checked_out,
                   bool_or(done = 'purchase') as purchased
            from visits group by day, tenant_id, trim(device_type), session_id, session_number
        ),
        counted as (
            select day as dt, tenant_id, device_type, count(*) as sessions,
                   count(*) filter (where viewed) as product_views, count(*) filter (where carted) as carts,
                   count(*) filter (where checked_out) as checkouts, count(*) filter (where purchased) as purchases
            from reached group by 1, 2, 3
        )
        select *, carts::float8 / nullif(product_views, 0) as view_to_cart_rate,
               checkouts::float8 / nullif(carts, 0) as cart_to_checkout_rate,
               purchases::float8 / nullif(checkouts, 0) as checkout_to_purchase_rate,
               purchases::float8 / sessions as session_conversion_rate
        from counted""",
    "fact_inventory": """
        , moves as (
            select product_id, store_id, occurred_at::date as day, sum(quantity_delta) as moved,
                   -coalesce(sum(quantity_delta) filter (where lower(trim(reason)) = 'sale'), 0) as sold,
                   coalesce(sum(quantity_delta) filter (where lower(trim(reason)) = 'receipt'), 0) as received
            from shop.inventory_movements group by 1, 2, 3
        ),
        shelves as (
            select product_id, store_id, min(day) as since
            from (
                select product_id, store_id, day from moves
                union all select product_id, store_id, created_at::date from seen.inventory
            ) as mentioned
            group by 1, 2
        ),
        daily as (
            select s.product_id, s.store_id, d.day::date as day, coalesce(m.sold, 0) as sold,
                   coalesce(m.received, 0) as received, coalesce(sum(m.moved) over w, 0) as stock,
                   sum(coalesce(m.sold, 0)) over (w rows between 27 preceding and current row) as sold_28
            from shelves as s
            cross join lateral generate_series(
                s.since::timestamp, (select max(day) from orders)::timestamp, interval '1 day') as d (day)
            left join moves as m on m.product_id = s.product_id and m.store_id = s.store_id and m.day = d.day
            window w as (partition by s.product_id, s.store_id order by d.day)
        )
        select i.day as dt, i.product_id, i.store_id, p.tenant_id,
               md5(p.product_id || '|' || (extract(epoch from p.updated_at) * 1000000)::bigint) as product_key,
               i.stock as stock_quantity, i.sold as units_sold, i.received as units_received,
               i.stock * p.cost as stock_value, i.stock <= 0 as is_out_of_stock,
               i.stock <= p.reorder_level as is_low_stock,
               i.stock > p.reorder_level and (i.sold_28 = 0 or i.stock / (i.sold_28 / 28.0) > 90) as is_overstock,
               i.sold_28 / 28.0 as avg_daily_sales, i.stock / nullif(i.sold_28 / 28.0, 0) as days_of_supply
        from daily as i
        cross join lateral (
            select v.* from product_at as v where v.product_id = i.product_id
            order by v.valid_from::date <= i.day desc,
                     case when v.valid_from::date <= i.day then v.valid_from end desc, v.valid_from
            limit 1
        ) as p""",
}
