-- Grain: tenant and product; every product that ever sold at a price.
-- An observation is what sold on one day at one list price. Ordinary least squares on logarithms:
-- ln(quantity) = a + elasticity * ln(price), so that 1 % on the price moves the quantity by elasticity %.
-- Logarithms are relative to the product's lowest price and quantity (the slope does not change) and kept to 15
-- decimals, so that their sums are exact: the same in any order, on each engine.
with observations as (
    select
        tenant_id,
        product_id,
        dt,
        unit_price,
        cast(sum(quantity) as bigint) as quantity
    from gold.fact_sales
    where is_sale and unit_price > 0
    group by tenant_id, product_id, dt, unit_price
),

lowest as (
    select
        tenant_id,
        product_id,
        cast(min(unit_price) as double) as price,
        cast(min(quantity) as double) as quantity
    from observations
    group by tenant_id, product_id
),

logarithms as (
    select
        observations.tenant_id,
        observations.product_id,
        observations.unit_price,
        cast(ln(cast(observations.unit_price as double) / lowest.price) as decimal(18, 15)) as x,
        cast(ln(cast(observations.quantity as double) / lowest.quantity) as decimal(18, 15)) as y
    from observations
    inner join lowest
        on observations.tenant_id = lowest.tenant_id and observations.product_id = lowest.product_id
),

sums as (
    select
        tenant_id,
        product_id,
        count(distinct unit_price) as price_points,
        count(*) as observations,
        cast(count(*) as double) as n,
        cast(sum(x) as double) as sum_x,
        cast(sum(y) as double) as sum_y,
        cast(sum(x * x) as double) as sum_xx,
        cast(sum(x * y) as double) as sum_xy,
        cast(sum(y * y) as double) as sum_yy
    from logarithms
    group by tenant_id, product_id
),

deviations as (
    select
        tenant_id,
        product_id,
        price_points,
        observations,
        case when price_points >= 2 then sum_xx - sum_x * sum_x / n end as xx,
        sum_xy - sum_x * sum_y / n as xy,
        sum_yy - sum_y * sum_y / n as yy
    from sums
)

select
    tenant_id,
    product_id,
    price_points,
    observations,
    xy / nullif(xx, 0) as elasticity,
    xy * xy / nullif(xx * yy, 0) as r_squared
from deviations
