"""Stock and what moves it: opening balances, sales, goods that come back, receipts. Movements add up to the stock."""

from typing import Final

import numpy as np
import polars as pl

from shopease_assets.synthetic.catalog import Catalog, is_unstocked
from shopease_assets.synthetic.draws import HOUR, Ints, stream, timestamps
from shopease_assets.synthetic.people import STORES_PER_TENANT, store_of
from shopease_assets.synthetic.sales import Sales
from shopease_assets.synthetic.window import Window

_SMALLEST_LOT: Final = 24
_SHRINKAGE_SHARE: Final = 0.05
_SOLD_OUT_SHARE: Final = 0.03


def movements_of(product_ids: Ints, store_ids: Ints, delta: Ints, reason: str, at: Ints) -> pl.DataFrame:
    """Movements without ids yet; `at` in microseconds since 1970."""
    return pl.DataFrame(
        {
            "product_id": product_ids,
            "store_id": store_ids,
            "quantity_delta": delta,
            "reason": pl.repeat(reason, len(product_ids), dtype=pl.String, eager=True),
            "occurred_at": timestamps(at),
        }
    )


def sales_movements(sales: Sales, catalog: Catalog) -> pl.DataFrame:
    """One `sale` per item when it is ordered, and one `return` per item of an order that came back."""
    sold = movements_of(
        catalog.pool.ids[sales.product_of_item],
        sales.from_store[sales.order_of_item],
        -sales.quantity,
        "sale",
        sales.ordered_at[sales.order_of_item],
    )
    back = sales.fate.came_back[sales.order_of_item]
    returned = movements_of(
        catalog.pool.ids[sales.product_of_item[back]],
        sales.from_store[sales.order_of_item[back]],
        sales.quantity[back],
        "return",
        sales.fate.changed_at[sales.order_of_item[back]],
    )
    return pl.concat([sold, returned])


def draw_movements(sales: Sales, catalog: Catalog, window: Window, seed: int) -> pl.DataFrame:
    """Table inventory_movements: everything since the opening balance on the first day (or at launch)."""
    opening = _opening(catalog, window)
    sold = sales_movements(sales, catalog)
    receipts = _receipts(sold, catalog, window)
    moved = pl.concat([opening, sold, receipts])
    return number_movements(pl.concat([moved, _adjustments(moved, window, seed)]), first_id=1)


def number_movements(movements: pl.DataFrame, first_id: int) -> pl.DataFrame:
    """Give movements their ids, in the order they happened."""
    ordered = movements.sort("occurred_at", "product_id", "store_id", "reason", "quantity_delta")
    return ordered.select(
        pl.int_range(first_id, first_id + pl.len(), dtype=pl.Int64).alias("movement_id"),
        *("product_id", "store_id", "quantity_delta", "reason", "occurred_at"),
        pl.col("occurred_at").alias("created_at"),
        pl.col("occurred_at").alias("updated_at"),
    )


def inventory(movements: pl.DataFrame) -> pl.DataFrame:
    """Table inventory, one row per product and store: the sum of its movements."""
    return (
        movements.group_by("product_id", "store_id")
        .agg(
            pl.col("quantity_delta").sum().alias("stock_quantity"),
            pl.col("occurred_at").min().alias("created_at"),
            pl.col("occurred_at").max().alias("updated_at"),
        )
        .sort("product_id", "store_id")
    )


def lot_sizes(reorder_levels: Ints) -> Ints:
    """How many pieces arrive at once."""
    return np.maximum(2 * reorder_levels, _SMALLEST_LOT)


def _opening(catalog: Catalog, window: Window) -> pl.DataFrame:
    """Two lots of every stocked product in every store of its tenant, at midnight of the first day or at launch."""
    pool = catalog.pool
    stocked = np.flatnonzero(~is_unstocked(pool.ids, pool.tenants))
    product = np.repeat(stocked, STORES_PER_TENANT)
    store = store_of(pool.tenants[product], np.tile(np.arange(STORES_PER_TENANT), len(stocked)))
    quantity = 2 * lot_sizes(catalog.reorder_levels[product])
    return movements_of(
        pool.ids[product], store, quantity, "receipt", np.maximum(pool.since[product], window.start_micros)
    )


def _receipts(sold: pl.DataFrame, catalog: Catalog, window: Window) -> pl.DataFrame:
    """A lot arrives an hour after each time a lot has been sold, so that stock hovers above zero."""
    lots = pl.DataFrame({"product_id": catalog.pool.ids, "lot": lot_sizes(catalog.reorder_levels)})
    reached = pl.col("sold_so_far") // pl.col("lot")
    before = (pl.col("sold_so_far") - pl.col("sold")) // pl.col("lot")
    return (
        sold.filter(pl.col("reason") == "sale")
        .join(lots, on="product_id", how="left", maintain_order="left")
        .with_columns((-pl.col("quantity_delta")).alias("sold"))
        .with_columns(pl.col("sold").cum_sum().over("product_id", "store_id").alias("sold_so_far"))
        .filter(reached > before)
        .select(
            "product_id",
            "store_id",
            ((reached - before) * pl.col("lot")).alias("quantity_delta"),
            pl.lit("receipt").alias("reason"),
            pl.min_horizontal(
                pl.col("occurred_at") + pl.duration(microseconds=HOUR), pl.lit(window.now, pl.Datetime("us", "UTC"))
            ).alias("occurred_at"),
        )
    )


def _adjustments(moved: pl.DataFrame, window: Window, seed: int) -> pl.DataFrame:
    """At the end, a few pieces are missing in one store in twenty, and some shelves turn out to be empty."""
    rng = stream(seed, "adjustments")
    stock = inventory(moved)
    chance = rng.random(stock.height)
    counted = stock["stock_quantity"].to_numpy()
    missing = np.where(chance < _SOLD_OUT_SHARE, counted, np.minimum(rng.integers(1, 4, stock.height), counted))
    found = (chance < _SOLD_OUT_SHARE + _SHRINKAGE_SHARE) & (missing > 0)
    last = stock["updated_at"].to_physical().to_numpy()
    at = last + ((window.now_micros - last) * rng.random(stock.height)).astype(np.int64)
    return movements_of(
        stock["product_id"].to_numpy()[found],
        stock["store_id"].to_numpy()[found],
        -missing[found].astype(np.int64),
        "adjustment",
        at[found],
    )
