"""How each product has done so far, with its rank and its stock."""

from shopease_assets.core.contract import Contract, integer, key, ratio, text, total
from shopease_assets.kit.charts import top_products
from shopease_assets.kit.partitions import MONTHLY
from shopease_assets.kit.sql_table import sql_table


class ProductPerformance(Contract):
    """How each product has done so far, with its rank and its stock.

    Grain: one tenant and product that ever sold.
    """

    tenant_id = key()
    product_id = key()
    product_name = text()
    category = text()
    total_orders = integer(min=1)
    total_quantity_sold = integer(min=1)
    total_revenue = total(min=0)
    avg_order_value = total(min=0)
    avg_quantity_per_order = ratio()
    total_cost = total(min=0)
    gross_profit = total()
    gross_margin_pct = ratio(nullable=True)
    unique_customers = integer(min=1)
    revenue_rank_in_category = integer(min=1)
    overall_revenue_rank = integer(min=1)
    current_stock = integer(nullable=True)


product_performance = sql_table(
    __file__,
    ProductPerformance,
    partitions=MONTHLY,
    versions=["silver.products", "silver.inventory"],
    revenue="total_revenue",
    chart=top_products,
)
