"""Every order line with its order's context and its cost: what all sales marts are made of."""

from shopease_assets.core.contract import Contract, flag, instant, integer, key, money, text, total
from shopease_assets.kit.partitions import DAILY
from shopease_assets.kit.sql_table import sql_table


class FactSales(Contract):
    """Every order line with its order's context and its cost: what all sales marts are made of.

    Grain: one order line (order_item_id). `customer_key` and `product_key` name the versions valid at `ordered_at`,
    else the first ones known (gold.dim_customer, gold.dim_product); `geography_key` is where the customer lived then.
    The order's tax_amount, shipping_cost and discount_amount are allocated by share of line_total, with the largest
    remainders taking the cents left over (Hamilton), and add up to the order's over its published lines.
    `discount_amount` is the line's own, and already off line_total: quantity * unit_price - discount_amount.
    """

    order_id = integer()
    order_item_id = key()
    tenant_id = integer()
    customer_id = integer()
    customer_key = text()
    product_id = integer()
    product_key = text()
    geography_key = text()
    store_id = integer(nullable=True)
    sku = text()
    order_date_key = integer()
    order_status = text()
    payment_method = text()
    sales_channel = text()
    is_sale = flag()
    quantity = integer(min=1)
    unit_price = money(min=0)
    discount_amount = money(min=0)
    line_total = money(min=0)
    allocated_tax = money(min=0)
    allocated_shipping = money(min=0)
    allocated_discount = money(min=0)
    unit_cost = money(min=0)
    line_cost = total(min=0)
    line_profit = total()
    ordered_at = instant()
    days_to_ship = integer(nullable=True, min=0)
    days_to_deliver = integer(nullable=True, min=0)


fact_sales = sql_table(__file__, FactSales, partitions=DAILY, versions=["silver.customers", "silver.products"])
