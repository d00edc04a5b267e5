-- What is bought together more often than chance has it: the 20 pairs with the highest lift.
select
    baskets.tenant_id,
    first_product.product_name as product_a,
    second_product.product_name as product_b,
    baskets.orders_together,
    round(baskets.support, 4) as support,
    round(baskets.lift, 2) as lift
from gold.market_basket as baskets
inner join gold.product_performance as first_product
    on
        baskets.product_a = first_product.product_id
        and baskets.tenant_id = first_product.tenant_id
        and baskets.month = first_product.month
inner join gold.product_performance as second_product
    on
        baskets.product_b = second_product.product_id
        and baskets.tenant_id = second_product.tenant_id
        and baskets.month = second_product.month
where baskets.month = (select max(month) from gold.market_basket)
order by baskets.lift desc, baskets.orders_together desc, baskets.product_a, baskets.product_b
limit 20
