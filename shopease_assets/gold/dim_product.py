"""What a product was, and when: every version with the time it was valid."""

from datetime import date

import dataframely as dy
import polars as pl

from shopease_assets.core.contract import Contract, day, flag, instant, integer, money, text
from shopease_assets.core.scd2 import at_end_of, history
from shopease_assets.kit.gold import gold
from shopease_assets.kit.partitions import MONTHLY
from shopease_assets.settings import settings


class DimProduct(Contract):
    """What a product was, and when: every version with the time it was valid, [valid_from, valid_to).

    Grain: one version of a product (product_key, silver's) that began by the month's end. The first version known is
    valid from created_at; `valid_to` is null, and `is_current` true, for the version valid at the month's end.
    """

    product_key = text(key=True)
    product_id = integer()
    tenant_id = integer()
    sku = text()
    product_name = text()
    category = text()
    subcategory = text()
    brand = text()
    price = money(min=0)
    cost = money(min=0)
    supplier_id = integer(nullable=True)
    reorder_level = integer()
    is_active = flag()
    launched_on = day()
    color = text(nullable=True)
    size = text(nullable=True)
    material = text(nullable=True)
    weight_kg = dy.Decimal(9, 3, nullable=True)
    valid_from = instant()
    valid_to = instant(nullable=True)
    is_current = flag()


@gold(DimProduct, partitions=MONTHLY, versions=["silver.products"])
def dim_product(silver_products: pl.LazyFrame, as_of: date) -> pl.LazyFrame:
    """The products' history as it stood at the month's end."""
    return (
        silver_products.pipe(history, "product_id")
        .pipe(at_end_of, as_of, settings().zone)
        .rename({"name": "product_name"})
    )
