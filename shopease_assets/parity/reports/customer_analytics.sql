-- Grain: tenant and customer; every customer who ever bought, as of $as_of.
, spent as (
    select order_id, day, sum(quantity) as items, sum(line_total) as revenue
    from sales
    group by order_id, day
),

totals as (
    select
        o.tenant_id, o.customer_id, count(*) as orders, coalesce(sum(s.items), 0) as items,
        coalesce(sum(s.revenue), 0) as revenue, min(o.day) as first_day, max(o.day) as last_day
    from orders as o
    left join spent as s using (order_id, day)
    where o.is_sale
    group by o.tenant_id, o.customer_id
),

customer_versions as (
    select
        customer_id, btrim(first_name, $blanks) as first_name, btrim(last_name, $blanks) as last_name,
        btrim(city, $blanks) as city, btrim(state, $blanks) as state,
        initcap(btrim(customer_segment, $blanks)) as customer_segment, updated_at
    from shop.customers
    where customer_id::text not in (select unnest($customers_withheld::text[]))
    union all
    select customer_id, first_name, last_name, city, state, customer_segment, updated_at
    from json_to_recordset($customers_overwritten) as v (
        customer_id bigint, first_name text, last_name text, city text, state text, customer_segment text,
        updated_at timestamptz
    )
),

named as (
    select distinct on (customer_id) *
    from customer_versions
    order by
        customer_id,
        case when greatest((updated_at at time zone $zone)::date, $lake_start) <= $as_of then updated_at end
        desc nulls last, updated_at
)

select
    t.tenant_id,
    t.customer_id,
    n.first_name || ' ' || n.last_name as customer_name,
    n.city,
    n.state,
    n.customer_segment,
    t.orders as total_purchases,
    t.items as total_items_bought,
    t.revenue as total_spent,
    round(t.revenue / t.orders, 2) as avg_order_value,
    t.first_day as first_purchase_date,
    t.last_day as last_purchase_date,
    $as_of - t.last_day as days_since_last_order,
    (t.last_day - t.first_day)::float8 / nullif(t.orders - 1, 0) as avg_days_between_orders,
    case
        when $as_of - t.last_day <= 30 then 'active'
        when $as_of - t.last_day <= 90 then 'at_risk'
        else 'churned'
    end as customer_status
from totals as t
left join named as n using (customer_id)
