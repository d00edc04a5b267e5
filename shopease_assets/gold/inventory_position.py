"""What each store has of each product, how long it will last, and how much to order."""

from shopease_assets.core.contract import Contract, integer, key, ratio, total
from shopease_assets.kit.partitions import MONTHLY
from shopease_assets.kit.sql_table import sql_table


class InventoryPosition(Contract):
    """What each store has of each product, how long it will last, and how much to order.

    Grain: one tenant, product and store. `turnover` = annual cost of goods sold / average stock value
    (investopedia.com/terms/i/inventoryturnover.asp), extrapolated from 28 days at one unit cost: an approximation, good
    for comparing, not for the books. `reorder_quantity` is the suggestion of an (s, S) policy (Scarf 1960), s the
    reorder level, S that level and 28 days of sales; 0 says enough is there.
    """

    tenant_id = key()
    product_id = key()
    store_id = key()
    stock_quantity = integer()
    stock_value = total()
    units_sold_28_days = integer()
    avg_daily_sales = ratio()
    days_of_supply = ratio(nullable=True)
    turnover = ratio(nullable=True)
    reorder_level = integer()
    reorder_quantity = integer(min=0)


inventory_position = sql_table(__file__, InventoryPosition, partitions=MONTHLY, versions=["silver.products"])
