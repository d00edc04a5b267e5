-- Grain: tenant and pair of products, each pair once (product_a < product_b); pairs in at least 5 orders together.
-- Association rules over sales (Agrawal, Imielinski, Swami 1993; lift: Brin et al. 1997):
-- support = P(a and b), confidence_ab = P(b given a), lift = P(a and b) / (P(a) * P(b)).
with baskets as (
    select distinct
        tenant_id,
        order_id,
        product_id
    from gold.fact_sales
    where is_sale
),

orders_by_tenant as (
    select
        tenant_id,
        cast(count(distinct order_id) as double) as orders
    from baskets
    group by tenant_id
),

orders_by_product as (
    select
        tenant_id,
        product_id,
        cast(count(*) as double) as orders
    from baskets
    group by tenant_id, product_id
),

pairs as (
    select
        first_product.tenant_id,
        first_product.product_id as product_a,
        second_product.product_id as product_b,
        count(*) as orders_together
    from baskets as first_product
    inner join baskets as second_product
        on
            first_product.tenant_id = second_product.tenant_id
            and first_product.order_id = second_product.order_id
            and first_product.product_id < second_product.product_id
    group by first_product.tenant_id, first_product.product_id, second_product.product_id
    having count(*) >= 5
)

select
    pairs.tenant_id,
    pairs.product_a,
    pairs.product_b,
    pairs.orders_together,
    cast(pairs.orders_together as double) / orders_by_tenant.orders as support,
    cast(pairs.orders_together as double) / orders_of_a.orders as confidence_ab,
    cast(pairs.orders_together as double) / orders_of_b.orders as confidence_ba,
    cast(pairs.orders_together as double) * orders_by_tenant.orders / (orders_of_a.orders * orders_of_b.orders)
        as lift
from pairs
inner join orders_by_tenant
    on pairs.tenant_id = orders_by_tenant.tenant_id
inner join orders_by_product as orders_of_a
    on pairs.tenant_id = orders_of_a.tenant_id and pairs.product_a = orders_of_a.product_id
inner join orders_by_product as orders_of_b
    on pairs.tenant_id = orders_of_b.tenant_id and pairs.product_b = orders_of_b.product_id
