"""What `independent` asks PostgreSQL for each monthly gold table: the state as of a date, built on its `_LINES`."""

# What each customer bought up to a day, and the version of each known on it, else the earliest one.
_BUYERS = """
        , totals as (
            select o.tenant_id, o.customer_id, count(*) as orders, coalesce(sum(i.items), 0) as items,
                   coalesce(sum(i.revenue), 0) as revenue, min(o.day) as first_day, max(o.day) as last_day
            from sales as o
            left join (select order_id, sum(quantity) as items, sum(line_total) as revenue from sold group by order_id)
                as i using (order_id)
            where o.day <= %(as_of)s group by o.tenant_id, o.customer_id
        ),
        named as (
            select distinct on (customer_id) * from customer_at
            order by customer_id, valid_from::date <= %(as_of)s desc,
                     case when valid_from::date <= %(as_of)s then valid_from end desc, valid_from
        )"""

_SEGMENTED = """
        , ordered as (
            select o.tenant_id, o.customer_id, %(as_of)s - max(o.day) as recency, count(*) as frequency,
                   coalesce(sum(i.revenue), 0) as monetary
            from sales as o
            left join (select order_id, sum(line_total) as revenue from sold group by order_id) as i using (order_id)
            where o.day <= %(as_of)s group by o.tenant_id, o.customer_id
        ),
        scored as (
            select *, ntile(5) over (partition by tenant_id order by recency desc, customer_id) as r_score,
                   ntile(5) over (partition by tenant_id order by frequency, customer_id) as f_score,
                   ntile(5) over (partition by tenant_id order by monetary, customer_id) as m_score
            from ordered
        ),
        segmented as (
            select *, (array[
                   ['hibernating', 'hibernating', 'at_risk', 'at_risk', 'cannot_lose_them'],
                   ['hibernating', 'hibernating', 'at_risk', 'at_risk', 'cannot_lose_them'],
                   ['about_to_sleep', 'about_to_sleep', 'need_attention', 'loyal_customers', 'loyal_customers'],
                   ['promising', 'potential_loyalists', 'potential_loyalists', 'loyal_customers', 'loyal_customers'],
                   ['new_customers', 'potential_loyalists', 'potential_loyalists', 'champions', 'champions']
               ])[r_score][f_score] as rfm_segment,
               (array['Low', 'Medium', 'High', 'VIP'])[1 + width_bucket(monetary, array[500, 1000, 2000])] as value_band
            from scored
        )
"""

#: Per order what its sold lines sum to; every sale up to the date with them.
_SALES_WITH_LINES = """
        , with_lines as (
            select o.*, coalesce(i.units, 0) as units, coalesce(i.revenue, 0) as revenue, h.campaign, h.device
            from sales as o
            left join (select order_id, sum(quantity) as units, sum(line_total) as revenue from sold group by order_id)
                as i using (order_id)
            cross join lateral (
                select coalesce(nullif(trim(o.metadata ->> 'campaign'), ''), 'none') as campaign,
                       coalesce(nullif(trim(o.metadata ->> 'device'), ''), 'unknown') as device
            ) as h
            where o.day <= %(as_of)s
        )"""
#: The measures of a table of parts of a tenant's revenue, grouped by its first columns.
_MEASURES = "sum(revenue) as revenue, count(*) as orders, sum(units) as units, count(distinct customer_id) as customers"
_SHARE = "(100 * revenue / nullif(sum(revenue) over (partition by tenant_id), 0))::float8 as revenue_share_pct"
_SUBSCRIPTIONS = """
            select tenant_id, subscription_id, lower(trim(status)) as status, start_date, monthly_amount,
                   case when lower(trim(status)) in ('cancelled', 'expired')
                        then coalesce(end_date, updated_at::date) end as ended
            from (
                select distinct on (subscription_id) * from seen.subscriptions
                order by subscription_id, updated_at::date <= %(as_of)s desc,
                         case when updated_at::date <= %(as_of)s then updated_at end desc, updated_at
            ) as newest
            where start_date <= %(as_of)s"""
_IS_ACTIVE = "status <> 'trial' and (ended is null or ended > %(as_of)s)"

MONTHLY = {
    "product_performance": """
        , totals as (
            select tenant_id, product_id, count(distinct order_id) as total_orders, sum(quantity) as quantity,
                   sum(line_total) as revenue, sum(quantity * cost) as cost, count(distinct customer_id) as customers
            from sold where day <= %(as_of)s group by tenant_id, product_id
        ),
        named as (
            select distinct on (product_id) product_id, trim(name) as name, trim(category) as category from product_at
            order by product_id, valid_from::date <= %(as_of)s desc,
                     case when valid_from::date <= %(as_of)s then valid_from end desc, valid_from
        ),
        stock as (
            select product_id, case when bool_and(stock_quantity is not null) then sum(stock_quantity) end as stock
            from (
                select distinct product_id, store_id from seen.inventory where created_at::date <= %(as_of)s
            ) as listed
            left join (
                select distinct on (product_id, store_id) product_id, store_id, stock_quantity from seen.inventory
                where updated_at::date <= %(as_of)s order by product_id, store_id, updated_at desc
            ) as newest using (product_id, store_id)
            group by product_id
        )
        select t.tenant_id, t.product_id, n.name as product_name, n.category, total_orders,
               t.quantity as total_quantity_sold, t.revenue as total_revenue,
               round(t.revenue / total_orders, 2) as avg_order_value,
               t.quantity::float8 / total_orders as avg_quantity_per_order,
               t.cost as total_cost, t.revenue - t.cost as gross_profit,
               (100 * (t.revenue - t.cost) / nullif(t.revenue, 0))::float8 as gross_margin_pct,
               t.customers as unique_customers,
               rank() over (partition by t.tenant_id, n.category order by t.revenue desc) as revenue_rank_in_category,
               rank() over (partition by t.tenant_id order by t.revenue desc) as overall_revenue_rank,
               s.stock as current_stock
        from totals as t join named as n using (product_id) left join stock as s using (product_id)""",
    "customer_analytics": f"""
        {_BUYERS}
        select t.tenant_id, t.customer_id, trim(c.first_name) || ' ' || trim(c.last_name) as customer_name,
               trim(c.city) as city, trim(c.state) as state, initcap(trim(c.customer_segment)) as customer_segment,
               t.orders as total_purchases, t.items as total_items_bought, t.revenue as total_spent,
               round(t.revenue / t.orders, 2) as avg_order_value, t.first_day as first_purchase_date,
               t.last_day as last_purchase_date, %(as_of)s - t.last_day as days_since_last_order,
               (t.last_day - t.first_day)::float8 / nullif(t.orders - 1, 0) as avg_days_between_orders,
               case when %(as_of)s - t.last_day <= 30 then 'active' when %(as_of)s - t.last_day <= 90 then 'at_risk'
                    else 'churned' end as customer_status
        from totals as t join named as c using (customer_id)""",
    "customer_lifetime_value": """
        select o.tenant_id, o.customer_id, coalesce(sum(l.line_total), 0) as historic_value
        from sales as o left join sold as l using (order_id) where o.day <= %(as_of)s
        group by o.tenant_id, o.customer_id""",
    "clv_by_segment": f"""
        {_BUYERS}
        select t.tenant_id, initcap(trim(c.customer_segment)) as customer_segment, count(*) as customers,
               round(sum(t.revenue) / count(*), 2) as avg_lifetime_value,
               sum(t.orders)::float8 / count(*) as avg_orders_per_customer, sum(t.revenue) as total_value
        from totals as t join named as c using (customer_id) group by 1, 2""",
    "customer_360": f"""
        {_BUYERS}
        {_SEGMENTED},
        subscribed as (
            select distinct on (customer_id) * from (
                select distinct on (subscription_id) * from seen.subscriptions
                order by subscription_id, updated_at::date <= %(as_of)s desc,
                         case when updated_at::date <= %(as_of)s then updated_at end desc, updated_at
            ) as known
            where start_date <= %(as_of)s order by customer_id, start_date desc, subscription_id desc
        ),
        visited as (
            select customer_id, count(*) as events, count(distinct session_id) as sessions,
                   max(occurred_at)::date as last_seen
            from shop.web_events where occurred_at::date between %(as_of)s - 29 and %(as_of)s group by 1
        )
        select c.tenant_id, c.customer_id, trim(c.first_name) || ' ' || trim(c.last_name) as customer_name,
               trim(c.city) as city, trim(c.state) as state, trim(c.country) as country,
               initcap(trim(c.customer_segment)) as customer_segment, c.is_active,
               c.registered_at::date as registered_date, coalesce(t.orders, 0) as total_purchases,
               coalesce(t.items, 0) as total_items_bought, coalesce(t.revenue, 0.00) as total_spent,
               round(t.revenue / t.orders, 2) as avg_order_value, t.first_day as first_purchase_date,
               t.last_day as last_purchase_date, %(as_of)s - t.last_day as days_since_last_order,
               (t.last_day - t.first_day)::float8 / nullif(t.orders - 1, 0) as avg_days_between_orders,
               case when %(as_of)s - t.last_day <= 30 then 'active' when %(as_of)s - t.last_day <= 90 then 'at_risk'
                    when t.last_day is not null then 'churned' end as customer_status,
               coalesce(t.revenue, 0.00) as historic_value, lower(trim(s.status)) as subscription_status,
               trim(s.plan_name) as subscription_plan, s.monthly_amount as subscription_monthly_amount,
               coalesce(v.events, 0) as web_events_30_days, coalesce(v.sessions, 0) as web_sessions_30_days,
               v.last_seen as last_seen_date, g.recency, g.frequency, g.monetary, g.r_score, g.f_score, g.m_score,
               g.rfm_segment, g.value_band
        from named as c left join segmented as g using (customer_id)
        left join totals as t using (customer_id) left join subscribed as s using (customer_id)
        left join visited as v using (customer_id)
        where c.registered_at::date <= %(as_of)s or t.customer_id is not null""",
    "monthly_sales_trends": """
        , months as (
            select o.tenant_id, date_trunc('month', o.day)::date as month, count(*) as orders,
                   count(distinct o.customer_id) as customers, coalesce(sum(i.revenue), 0) as revenue,
                   coalesce(sum(i.items), 0) as units
            from sales as o
            left join (select order_id, sum(quantity) as items, sum(line_total) as revenue from sold group by order_id)
                as i using (order_id)
            where o.day <= %(as_of)s group by o.tenant_id, 2
        )
        select m.tenant_id, m.orders, m.customers as unique_customers, m.revenue, m.units,
               round(m.revenue / m.orders, 2) as avg_order_value, coalesce(b.revenue, 0) as previous_month_revenue,
               (100 * (m.revenue - b.revenue) / nullif(b.revenue, 0))::float8 as revenue_growth_pct,
               coalesce(y.revenue, 0) as same_month_last_year_revenue,
               (100 * (m.revenue - y.revenue) / nullif(y.revenue, 0))::float8 as year_over_year_growth_pct
        from months as m
        left join months as b on b.tenant_id = m.tenant_id and b.month = m.month - interval '1 month'
        left join months as y on y.tenant_id = m.tenant_id and y.month = m.month - interval '1 year'
        where m.month = date_trunc('month', %(as_of)s)""",
    "cohort_retention": """
        , bought as (
            select s.tenant_id, s.customer_id, date_trunc('month', s.day)::date as month,
                   coalesce(sum(i.revenue), 0) as revenue
            from sales as s
            left join (select order_id, sum(line_total) as revenue from sold group by order_id) as i using (order_id)
            where s.day <= %(as_of)s group by 1, 2, 3
        ),
        joined as (select tenant_id, customer_id, min(month) as cohort from bought group by 1, 2),
        size as (select tenant_id, cohort, count(*) as size from joined group by 1, 2)
        select j.tenant_id, j.cohort as cohort_month,
               (extract(year from age(b.month, j.cohort)) * 12 + extract(month from age(b.month, j.cohort)))::int
                   as months_since,
               s.size as cohort_size, count(*) as active_customers, count(*)::float8 / s.size as retention_rate,
               sum(b.revenue) as revenue
        from joined as j join bought as b using (tenant_id, customer_id) join size as s using (tenant_id, cohort)
        group by 1, 2, 3, 4""",
    "market_basket": """
        , held as (select distinct tenant_id, order_id, product_id from sold where day <= %(as_of)s),
        every as (select tenant_id, count(distinct order_id)::float8 as n from held group by 1),
        alone as (select tenant_id, product_id, count(*)::float8 as n from held group by 1, 2),
        pairs as (
            select a.tenant_id, a.product_id as product_a, b.product_id as product_b, count(*) as together
            from held as a join held as b on b.order_id = a.order_id and a.product_id < b.product_id
            group by 1, 2, 3 having count(*) >= 5
        )
        select p.tenant_id, product_a, product_b, together as orders_together, together / e.n as support,
               together / a.n as confidence_ab, together / b.n as confidence_ba, together * e.n / (a.n * b.n) as lift
        from pairs as p join every as e using (tenant_id)
        join alone as a on a.tenant_id = p.tenant_id and a.product_id = product_a
        join alone as b on b.tenant_id = p.tenant_id and b.product_id = product_b""",
    "dim_customer": """
        select customer_key, customer_id, tenant_id, trim(first_name) || ' ' || trim(last_name) as customer_name,
               nullif(trim(gender), '') as gender, geography_key, trim(city) as city, trim(state) as state,
               trim(country) as country, initcap(trim(customer_segment)) as customer_segment, is_active,
               (metadata->>'marketing_opt_in')::boolean as marketing_opt_in, metadata->>'loyalty_tier' as loyalty_tier,
               metadata->>'source' as source, registered_at, valid_from,
               case when valid_to::date <= %(as_of)s then valid_to end as valid_to,
               coalesce(valid_to::date > %(as_of)s, true) as is_current
        from customer_at where valid_from::date <= %(as_of)s""",
    "dim_product": """
        select product_key, product_id, tenant_id, trim(sku) as sku, trim(name) as product_name,
               trim(category) as category, trim(subcategory) as subcategory, trim(brand) as brand, price, cost,
               supplier_id, reorder_level, is_active, launched_on, attributes->>'color' as color,
               attributes->>'size' as size, attributes->>'material' as material,
               (attributes->>'weight_kg')::numeric(9, 3) as weight_kg, valid_from,
               case when valid_to::date <= %(as_of)s then valid_to end as valid_to,
               coalesce(valid_to::date > %(as_of)s, true) as is_current
        from product_at where valid_from::date <= %(as_of)s""",
    "dim_store": """
        select store_id, tenant_id, trim(name) as store_name,
               md5(concat_ws('|', trim(country), trim(state), trim(city))) as geography_key, trim(city) as city,
               trim(state) as state, trim(country) as country, trim(manager_name) as manager_name, opened_on
        from shop.stores where least(created_at, updated_at)::date <= %(as_of)s""",
    "dim_tenant": """
        select tenant_id, trim(name) as tenant_name, trim(slug) as slug, trim(domain) as domain,
               lower(trim(plan)) as plan, is_active, settings->>'timezone' as timezone,
               settings->>'currency' as currency
        from shop.tenants where least(created_at, updated_at)::date <= %(as_of)s""",
    "dim_geography": """
        , places as (
            select country, state, city from customer_at where valid_from::date <= %(as_of)s
            union select country, state, city from shop.stores where least(created_at, updated_at)::date <= %(as_of)s
            union select shipping_country, shipping_state, shipping_city from shop.orders
                  where ordered_at::date <= %(as_of)s
        )
        select distinct md5(concat_ws('|', trim(country), trim(state), trim(city))) as geography_key,
               trim(country) as country, trim(state) as state, trim(city) as city
        from places where country is not null and state is not null and city is not null""",
    "dim_date": """
        , holidays (date, name) as (values
            (date '2026-01-26', 'Republic Day'), ('2026-03-04', 'Holi'), ('2026-03-21', 'Eid al-Fitr'),
            ('2026-03-26', 'Ram Navami'), ('2026-03-31', 'Mahavira''s Birthday'), ('2026-04-03', 'Good Friday'),
            ('2026-04-14', 'Dr. B. R. Ambedkar''s Birthday'), ('2026-05-01', 'Buddha Purnima'),
            ('2026-05-27', 'Eid al-Adha'), ('2026-06-26', 'Ashura'), ('2026-08-15', 'Independence Day'),
            ('2026-08-26', 'Prophet''s Birthday'), ('2026-09-04', 'Janmashtami (Vaishnava)'),
            ('2026-10-02', 'Mahatma Gandhi''s Birthday'), ('2026-10-20', 'Dussehra'), ('2026-11-08', 'Diwali'),
            ('2026-11-24', 'Guru Nanak''s Birthday'), ('2026-12-25', 'Christmas'), ('2027-01-26', 'Republic Day'),
            ('2027-03-06', 'Maha Shivaratri'), ('2027-03-10', 'Eid al-Fitr (estimated)'), ('2027-03-22', 'Holi'),
            ('2027-03-26', 'Good Friday')
        ),
        dates as (
            select t::date as date, t - interval '3 months' as fiscal, h.name as holiday
            from generate_series(timestamp '2026-01-01', '2027-03-31', '1 day') as t
            left join holidays as h on h.date = t
        ),
        judged as (select *, extract(isodow from date) < 6 and holiday is null as works from dates)
        select to_char(date, 'YYYYMMDD')::int as date_key, date, extract(day from date) as day_of_month,
               extract(month from date) as month_number, to_char(date, 'FMMonth') as month_name,
               extract(quarter from date) as quarter, extract(year from date) as year,
               extract(week from date) as iso_week, extract(isoyear from date) as iso_year,
               extract(isodow from date) as weekday, to_char(date, 'FMDay') as weekday_name,
               extract(isodow from date) > 5 as is_weekend,
               (extract(month from date)::int + 8) %% 12 + 1 as fiscal_month,
               to_char(fiscal, 'Q')::int as fiscal_quarter, extract(year from fiscal) + 1 as fiscal_year,
               holiday is not null as is_holiday, holiday as holiday_name, works as is_business_day,
               count(*) filter (where works) over (partition by date_trunc('month', date) order by date)
                   as business_day_of_month
        from judged""",
    "customer_segments": f"{_SEGMENTED} select * from segmented",
    "customer_acquisition": """
        , joined as (
            select tenant_id, customer_id, min(registered_at)::date as day from seen.customers group by 1, 2
        ),
        bought as (
            select tenant_id, customer_id, min(day) as day from sales group by 1, 2
        )
        select tenant_id,
               count(*) filter (where j.day >= date_trunc('month', %(as_of)s)) as new_customers,
               count(*) filter (where b.day between date_trunc('month', %(as_of)s) and %(as_of)s) as first_purchases
        from joined as j left join bought as b using (tenant_id, customer_id)
        where j.day <= %(as_of)s group by tenant_id""",
    "category_performance": f"""
        , named as (
            select distinct on (product_id) product_id, trim(category) as category from product_at
            order by product_id, valid_from::date <= %(as_of)s desc,
                     case when valid_from::date <= %(as_of)s then valid_from end desc, valid_from
        ),
        totals as (
            select s.tenant_id, n.category, sum(s.line_total) as revenue, count(distinct s.order_id) as orders,
                   sum(s.quantity) as units, count(distinct s.customer_id) as customers
            from sold as s join named as n using (product_id) where s.day <= %(as_of)s group by 1, 2
        )
        select *, {_SHARE},
               row_number() over (partition by tenant_id order by revenue desc, category collate "C") as revenue_rank
        from totals""",
    "geographic_sales": f"""
        {_SALES_WITH_LINES},
        totals as (
            select o.tenant_id, trim(c.country) as country, trim(c.state) as state, trim(c.city) as city, {_MEASURES}
            from with_lines as o
            cross join lateral (
                select v.country, v.state, v.city from customer_at as v where v.customer_id = o.customer_id
                order by v.valid_from <= o.ordered_at desc,
                         case when v.valid_from <= o.ordered_at then v.valid_from end desc, v.valid_from
                limit 1
            ) as c
            group by 1, 2, 3, 4
        )
        select *, {_SHARE},
               row_number() over (
                   partition by tenant_id
                   order by revenue desc, country collate "C", state collate "C", city collate "C"
               ) as revenue_rank
        from totals""",
    "store_performance": f"""
        {_SALES_WITH_LINES},
        totals as (select tenant_id, store_id, {_MEASURES} from with_lines group by 1, 2),
        shares as (select *, {_SHARE} from totals),
        named as (
            select distinct on (store_id) * from seen.stores
            order by store_id, updated_at::date <= %(as_of)s desc,
                     case when updated_at::date <= %(as_of)s then updated_at end desc, updated_at
        )
        select t.*, trim(n.name) as store_name, trim(n.city) as city, trim(n.state) as state,
               trim(n.country) as country,
               row_number() over (partition by t.tenant_id order by t.revenue desc, store_id) as revenue_rank
        from shares as t join named as n using (store_id)""",
    "revenue_attribution": f"""
        {_SALES_WITH_LINES},
        totals as (
            select tenant_id, lower(trim(sales_channel)) as sales_channel, campaign, device, {_MEASURES}
            from with_lines group by 1, 2, 3, 4
        )
        select *, {_SHARE},
               row_number() over (
                   partition by tenant_id
                   order by revenue desc, sales_channel collate "C", campaign collate "C", device collate "C"
               ) as revenue_rank
        from totals""",
    "seasonal_sales": f"""
        {_SALES_WITH_LINES},
        totals as (
            select tenant_id, extract(month from day)::int as month_of_year,
                   extract(isodow from day)::int as iso_weekday, count(distinct day) as days_with_sales, {_MEASURES}
            from with_lines group by 1, 2, 3
        )
        select *, {_SHARE},
               row_number() over (partition by tenant_id order by revenue desc, month_of_year, iso_weekday)
                   as revenue_rank
        from totals""",
    "price_elasticity": """
        , observed as (
            select tenant_id, product_id, day, unit_price, ln(unit_price::float8) as x, ln(sum(quantity)::float8) as y
            from sold where day <= %(as_of)s and unit_price > 0 group by 1, 2, 3, 4
        )
        select tenant_id, product_id, count(distinct unit_price) as price_points, count(*) as observations,
               case when count(distinct unit_price) > 1 then regr_slope(y, x) end as elasticity,
               case when count(distinct unit_price) > 1 and count(distinct y) > 1 then regr_r2(y, x) end as r_squared
        from observed group by 1, 2""",
    "tenant_summary": f"""
        , newest as (
            select distinct on (tenant_id) * from seen.tenants where created_at::date <= %(as_of)s
            order by tenant_id, updated_at::date <= %(as_of)s desc,
                     case when updated_at::date <= %(as_of)s then updated_at end desc, updated_at
        ),
        subscriptions as ({_SUBSCRIPTIONS}),
        counted as (
            select tenant_id, trim(name) as tenant_name, lower(trim(plan)) as plan,
                   (select count(distinct customer_id) from seen.customers as c
                    where c.tenant_id = t.tenant_id and registered_at::date <= %(as_of)s) as customers,
                   (select count(distinct customer_id) from sales as s
                    where s.tenant_id = t.tenant_id and day between %(as_of)s - 30 and %(as_of)s) as active_customers,
                   (select count(distinct product_id) from seen.products as p
                    where p.tenant_id = t.tenant_id and created_at::date <= %(as_of)s) as products,
                   (select count(*) from sales as s where s.tenant_id = t.tenant_id and day <= %(as_of)s) as orders,
                   (select coalesce(sum(line_total), 0) from sold as s
                    where s.tenant_id = t.tenant_id and day <= %(as_of)s) as revenue,
                   (select count(*) from subscriptions as s where s.tenant_id = t.tenant_id and {_IS_ACTIVE})
                       as active_subscriptions,
                   (select coalesce(sum(monthly_amount), 0) from subscriptions as s
                    where s.tenant_id = t.tenant_id and {_IS_ACTIVE}) as mrr
            from newest as t
        )
        select *, round(revenue / nullif(customers, 0), 2) as revenue_per_customer from counted""",
    "subscription_metrics": f"""
        , subscriptions as ({_SUBSCRIPTIONS}),
        counted as (
            select tenant_id, count(*) filter (where {_IS_ACTIVE}) as active_subscriptions,
                   count(*) filter (
                       where status <> 'trial' and start_date < date_trunc('month', %(as_of)s)
                             and coalesce(ended, 'infinity') >= date_trunc('month', %(as_of)s)
                   ) as active_at_month_start,
                   count(*) filter (where start_date >= date_trunc('month', %(as_of)s)) as new_subscriptions,
                   count(*) filter (
                       where status = 'cancelled' and ended between date_trunc('month', %(as_of)s) and %(as_of)s
                   ) as cancelled_subscriptions,
                   count(*) filter (
                       where status = 'expired' and ended between date_trunc('month', %(as_of)s) and %(as_of)s
                   ) as expired_subscriptions,
                   coalesce(sum(monthly_amount) filter (where {_IS_ACTIVE}), 0) as mrr
            from subscriptions group by tenant_id
        )
        select *, cancelled_subscriptions::float8 / nullif(active_at_month_start, 0) as churn_rate,
               round(mrr / nullif(active_subscriptions, 0), 2) as arpu
        from counted""",
    "invoice_aging": """
        , billed as (
            select *, lower(trim(status)) = 'paid' and coalesce(paid_date, %(as_of)s) <= %(as_of)s as is_paid,
                   (array['current', '1-30', '31-60', '61-90', '90+'])[
                       1 + width_bucket(%(as_of)s - due_date, array[1, 31, 61, 91])] as bucket
            from shop.invoices
            where issue_date <= %(as_of)s and lower(trim(status)) in ('sent', 'overdue', 'paid')
        )
        select t.tenant_id, b.bucket,
               count(*) filter (where t.bucket = b.bucket and not is_paid) as invoices,
               coalesce(sum(amount) filter (where t.bucket = b.bucket and not is_paid), 0) as amount,
               (90 * coalesce(sum(amount) filter (where not is_paid), 0)
                / sum(amount) filter (where issue_date > %(as_of)s - 90))::float8 as days_sales_outstanding
        from billed as t
        cross join unnest(array['current', '1-30', '31-60', '61-90', '90+']) as b (bucket)
        group by 1, 2""",
    "inventory_position": """
        , stock as (
            select distinct on (product_id, store_id) * from seen.inventory where updated_at::date <= %(as_of)s
            order by product_id, store_id, updated_at desc
        ),
        products as (
            select distinct on (product_id) * from product_at
            order by product_id, valid_from::date <= %(as_of)s desc,
                     case when valid_from::date <= %(as_of)s then valid_from end desc, valid_from
        ),
        moved as (
            select product_id, store_id, sum(quantity_delta) as net,
                   -coalesce(sum(quantity_delta) filter (where lower(trim(reason)) = 'sale'), 0) as sold
            from shop.inventory_movements
            where occurred_at::date between %(as_of)s - 27 and %(as_of)s group by 1, 2
        ),
        positions as (
            select p.tenant_id, product_id, store_id::bigint, stock_quantity, stock_quantity * p.cost as stock_value,
                   coalesce(m.sold, 0)::bigint as units_sold_28_days, p.reorder_level,
                   stock_quantity + (stock_quantity - coalesce(m.net, 0)) as both_ends
            from stock join products as p using (product_id) left join moved as m using (product_id, store_id)
        )
        select tenant_id, product_id, store_id, stock_quantity, stock_value, units_sold_28_days, reorder_level,
               units_sold_28_days / 28.0::float8 as avg_daily_sales,
               greatest(stock_quantity, 0) / nullif(units_sold_28_days / 28.0::float8, 0) as days_of_supply,
               case when both_ends > 0 then units_sold_28_days * 365 / 28.0::float8 / (both_ends / 2.0::float8) end
                   as turnover,
               case when stock_quantity > reorder_level then 0 else reorder_level + units_sold_28_days - stock_quantity
                   end as reorder_quantity
        from positions""",
}
