"""How much a product's sales move when its price does."""

from shopease_assets.core.contract import Contract, integer, key, ratio
from shopease_assets.kit.partitions import MONTHLY
from shopease_assets.kit.sql_table import sql_table


class PriceElasticity(Contract):
    """How much a product's sales move when its price does: the constant-elasticity (log-log) demand model.

    Grain: one tenant and product that ever sold. `elasticity` is the least-squares slope of ln(quantity) on ln(price),
    over observations of one day and unit price (before discounts); `r_squared` its coefficient of determination.
    Null with fewer than two prices; r_squared also where quantities never differ. Days without a sale are no
    observations: the slope understates how many buyers a price turns away.
    """

    tenant_id = key()
    product_id = key()
    price_points = integer(min=1)
    observations = integer(min=1)
    elasticity = ratio(nullable=True)
    r_squared = ratio(nullable=True)


price_elasticity = sql_table(__file__, PriceElasticity, partitions=MONTHLY)
