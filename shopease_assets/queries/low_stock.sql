-- What to reorder: products at or below their reorder level, the soonest to run out first.
select
    stock.tenant_id,
    stock.store_id,
    stock.product_id,
    products.product_name,
    stock.stock_quantity,
    stock.reorder_level,
    stock.units_sold_28_days,
    round(stock.days_of_supply, 1) as days_of_supply,
    stock.reorder_quantity
from gold.inventory_position as stock
inner join gold.dim_product as products
    on stock.product_id = products.product_id and stock.month = products.month and products.is_current
where
    stock.month = (select max(month) from gold.inventory_position)
    and stock.reorder_quantity > 0
order by stock.days_of_supply, stock.reorder_quantity desc, stock.product_id, stock.store_id
limit 50
