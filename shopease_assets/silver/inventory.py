"""Stock per product and store: every version the source has shown us, by the day it changed."""

import polars as pl

from shopease_assets.core.cleaning import clean, latest_per_key
from shopease_assets.core.contract import Contract, integer, key, timestamp, version
from shopease_assets.kit.silver import silver


class Inventory(Contract):
    """Grain: one version of a stock level (product_id, store_id, updated_at)."""

    product_id = key(references="products")
    store_id = key(references="stores")
    stock_quantity = integer()
    created_at = timestamp()
    updated_at = version()


@silver(Inventory)
def inventory(bronze_inventory: pl.LazyFrame) -> pl.LazyFrame:
    """Clean every version; drop repeated ones."""
    return bronze_inventory.pipe(clean, Inventory).pipe(latest_per_key, Inventory)
