-- sqlfluff:dialect:postgres
-- The same gold figures, aggregated by the source database from its staging tables.
create table staging.allocated_amounts as
with weighted_lines as (
    select
        i.order_id,
        i.order_item_id,
        amounts.amount,
        amounts.cents,
        case when sum(i.line_total) over of_order = 0 then 1 else i.line_total * 100 end as weight,
        case
            when sum(i.line_total) over of_order = 0 then count(*) over of_order
            else sum(i.line_total * 100) over of_order
        end as weights
    from staging.order_items as i
    inner join staging.orders as o on i.order_id = o.order_id
    cross join lateral (
        values ('tax', o.tax_amount * 100), ('shipping', o.shipping_cost * 100), ('discount', o.discount_amount * 100)
    ) as amounts (amount, cents)
    window of_order as (partition by i.order_id, amounts.amount)
),

shares as (
    select
        order_item_id,
        amount,
        div(cents * weight, weights) as share,
        cents - sum(div(cents * weight, weights)) over of_order as left_over,
        row_number() over (of_order order by mod(cents * weight, weights) desc, order_item_id) as place
    from weighted_lines
    window of_order as (partition by order_id, amount)
)

select
    order_item_id,
    sum(share + (place <= left_over)::int) filter (where amount = 'tax') * 0.01 as tax,
    sum(share + (place <= left_over)::int) filter (where amount = 'shipping') * 0.01 as shipping,
    sum(share + (place <= left_over)::int) filter (where amount = 'discount') * 0.01 as discount
from shares
group by order_item_id;

analyze staging.allocated_amounts;

create table staging.fact_sales as
select
    o.ordered_at::date as dt,
    o.order_id,
    i.order_item_id,
    o.tenant_id,
    o.customer_id,
    md5(c.customer_id || '|' || (extract(epoch from c.updated_at) * 1000000)::bigint) as customer_key,
    i.product_id,
    md5(p.product_id || '|' || (extract(epoch from p.updated_at) * 1000000)::bigint) as product_key,
    md5(c.country || '|' || c.state || '|' || c.city) as geography_key,
    o.store_id,
    p.sku,
    to_char(o.ordered_at, 'YYYYMMDD')::int as order_date_key,
    o.status as order_status,
    o.payment_method,
    o.sales_channel,
    o.status in ('processing', 'shipped', 'delivered') as is_sale,
    i.quantity,
    i.unit_price,
    i.discount_amount,
    i.line_total,
    a.tax as allocated_tax,
    a.shipping as allocated_shipping,
    a.discount as allocated_discount,
    p.cost as unit_cost,
    i.quantity * p.cost as line_cost,
    i.line_total - i.quantity * p.cost as line_profit,
    o.ordered_at,
    o.shipped_at::date - o.ordered_at::date as days_to_ship,
    o.delivered_at::date - o.ordered_at::date as days_to_deliver
from staging.order_items as i
inner join staging.orders as o on i.order_id = o.order_id
inner join staging.allocated_amounts as a on i.order_item_id = a.order_item_id
left join staging.customers as c on o.customer_id = c.customer_id
left join staging.products as p on i.product_id = p.product_id;

analyze staging.fact_sales;

create table staging.daily_sales_summary as
with orders_by_day as (
    select
        tenant_id,
        ordered_at::date as dt,
        count(*) filter (where status in ('processing', 'shipped', 'delivered')) as total_transactions,
        count(distinct customer_id) filter (
            where status in ('processing', 'shipped', 'delivered')
        ) as unique_customers,
        count(*) filter (where status = 'cancelled') as cancelled_orders,
        count(*) filter (where status = 'returned') as returned_orders
    from staging.orders
    group by tenant_id, ordered_at::date
),

lines_by_day as (
    select
        tenant_id,
        dt,
        sum(quantity) as items_sold,
        sum(line_total) as revenue,
        sum(line_cost) as cost,
        count(distinct product_id) as unique_products
    from staging.fact_sales
    where is_sale
    group by tenant_id, dt
)

select
    o.tenant_id,
    o.dt as sales_date,
    o.total_transactions,
    coalesce(l.items_sold, 0) as total_items_sold,
    coalesce(l.revenue, 0) as total_revenue,
    round(coalesce(l.revenue, 0) / nullif(o.total_transactions, 0), 2) as avg_transaction_value,
    o.unique_customers,
    coalesce(l.unique_products, 0) as unique_products,
    o.cancelled_orders,
    o.returned_orders,
    coalesce(l.revenue, 0) - coalesce(l.cost, 0) as gross_margin,
    o.dt
from orders_by_day as o
left join lines_by_day as l on o.tenant_id = l.tenant_id and o.dt = l.dt;

create table staging.daily_product_sales as
select
    tenant_id,
    product_id,
    count(distinct order_id) as orders,
    sum(quantity) as quantity,
    sum(line_total) as revenue,
    coalesce(sum(line_cost), 0) as cost,
    count(distinct customer_id) as unique_customers,
    dt
from staging.fact_sales
where is_sale
group by tenant_id, product_id, dt;

create table staging.daily_customer_sales as
with orders_by_customer as (
    select tenant_id, customer_id, ordered_at::date as dt, count(*) as orders
    from staging.orders
    where status in ('processing', 'shipped', 'delivered')
    group by tenant_id, customer_id, ordered_at::date
),

lines_by_customer as (
    select tenant_id, customer_id, dt, sum(quantity) as items, sum(line_total) as revenue
    from staging.fact_sales
    where is_sale
    group by tenant_id, customer_id, dt
)

select
    o.tenant_id,
    o.customer_id,
    o.orders,
    coalesce(l.items, 0) as items,
    coalesce(l.revenue, 0) as revenue,
    o.dt
from orders_by_customer as o
left join lines_by_customer as l
    on o.tenant_id = l.tenant_id and o.customer_id = l.customer_id and o.dt = l.dt;
