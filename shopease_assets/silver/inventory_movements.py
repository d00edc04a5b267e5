"""Stock movements, one row per movement, by the day it happened."""

import polars as pl

from shopease_assets.core.cleaning import clean, latest_per_key
from shopease_assets.core.contract import Contract, enum, foreign_key, integer, key, timestamp
from shopease_assets.kit.silver import silver


class InventoryMovements(Contract):
    """Grain: one movement (movement_id)."""

    movement_id = key()
    product_id = foreign_key("products")
    store_id = foreign_key("stores")
    quantity_delta = integer()
    reason = enum(["sale", "receipt", "return", "adjustment"])
    occurred_at = timestamp()
    created_at = timestamp()
    updated_at = timestamp()


@silver(InventoryMovements)
def inventory_movements(bronze_inventory_movements: pl.LazyFrame) -> pl.LazyFrame:
    """Clean movements and keep the latest of each."""
    return bronze_inventory_movements.pipe(clean, InventoryMovements).pipe(latest_per_key, InventoryMovements)
