-- Grain: tenant, product and store; every stock level known by $as_of, the latest of each.
-- Units sold are the store's sale movements of the last 28 days, that day included; returns are not taken off.
-- Days of supply = stock / units sold a day. Null where nothing sold; no stock has none.
-- Turnover = annual cost of goods sold / average stock value, the year taken as the 28 days * 365 / 28 and the average
-- as that of their beginning and end; unit cost is today's throughout, and cancels out.
-- Reorder policy (s, S): at or below the reorder level, up to that level and 28 days of sales.
with stock_versions as (
    select
        product_id,
        store_id,
        stock_quantity,
        row_number() over (
            partition by product_id, store_id order by updated_at desc, stock_quantity asc
        ) as recency
    from silver.inventory
),

product_versions as (
    select
        product_id,
        tenant_id,
        cost,
        reorder_level,
        row_number() over (
            partition by product_id
            order by
                case when dt <= cast($as_of as date) then updated_at end desc nulls last,
                updated_at asc,
                tenant_id asc,
                cost asc,
                reorder_level asc
        ) as preference
    from silver.products
),

movements as (
    select
        product_id,
        store_id,
        sum(quantity_delta) as net_change,
        cast(coalesce(-sum(quantity_delta) filter (where reason = 'sale'), 0) as bigint) as units_sold
    from silver.inventory_movements
    where date_diff('day', dt, cast($as_of as date)) < 28
    group by product_id, store_id
),

positions as (
    select
        products.tenant_id,
        stock.product_id,
        stock.store_id,
        stock.stock_quantity,
        cast(stock.stock_quantity * products.cost as decimal(18, 2)) as stock_value,
        coalesce(movements.units_sold, 0) as units_sold_28_days,
        cast(2 * stock.stock_quantity - coalesce(movements.net_change, 0) as double) / 2 as average_stock,
        products.reorder_level
    from stock_versions as stock
    inner join product_versions as products
        on stock.product_id = products.product_id and products.preference = 1
    left join movements
        on stock.product_id = movements.product_id and stock.store_id = movements.store_id
    where stock.recency = 1
)

select
    tenant_id,
    product_id,
    store_id,
    stock_quantity,
    stock_value,
    units_sold_28_days,
    cast(units_sold_28_days as double) / 28 as avg_daily_sales,
    case when stock_quantity > 0 then cast(stock_quantity as double) else 0 end
    * 28 / cast(nullif(units_sold_28_days, 0) as double) as days_of_supply,
    case
        when average_stock > 0 then cast(units_sold_28_days as double) * 365 / 28 / average_stock
    end as turnover,
    reorder_level,
    case
        when stock_quantity <= reorder_level then reorder_level + units_sold_28_days - stock_quantity
        else 0
    end as reorder_quantity
from positions
