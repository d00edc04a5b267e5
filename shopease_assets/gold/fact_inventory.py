"""What every store had of every product at the end of each day, and how long it lasts.

In Polars, not SQL: its rows are the days asked for, which no input holds, laid over all movements before them.
"""

from collections.abc import Sequence
from typing import Final

import polars as pl

from shopease_assets.core.contract import Contract, flag, integer, key, ratio, text, total
from shopease_assets.core.layout import partition_date
from shopease_assets.kit.charts import shelves_by_stock
from shopease_assets.kit.gold import gold
from shopease_assets.settings import settings

_SALES_DAYS: Final = 28
_MOST_DAYS_OF_SUPPLY: Final = 90
_SHELF: Final = ["product_id", "store_id"]


class FactInventory(Contract):
    """What every store had of every product at the end of each day, and how long it lasts.

    Grain: one product, store and day; every pair with a movement or a stock level up to that day.
    `stock_quantity` is the sum of all movements up to the day, so a late movement changes every later day too.
    `units_sold` are the day's sales (returns not deducted), `units_received` its receipts. `stock_value` is
    stock_quantity times the cost on that day (of the product version known by its end, else of the earliest one).
    `avg_daily_sales` is units sold in the 28 days up to and including the day, divided by 28; `days_of_supply` is
    stock_quantity / avg_daily_sales, null without sales. `is_out_of_stock`: nothing left; `is_low_stock`: not above the
    product's reorder level; `is_overstock`: above it and for more than 90 days of supply, about the limit from which
    Amazon tells sellers that stock is excess; what does not sell lasts for ever.
    """

    product_id = key()
    store_id = key()
    tenant_id = integer()
    product_key = text()
    stock_quantity = integer()
    units_sold = integer()
    units_received = integer()
    stock_value = total()
    is_out_of_stock = flag()
    is_low_stock = flag()
    is_overstock = flag()
    avg_daily_sales = ratio()
    days_of_supply = ratio(nullable=True)


def end_of_day_stock(
    movements: pl.LazyFrame, levels: pl.LazyFrame, products: pl.LazyFrame, days: Sequence[str]
) -> pl.LazyFrame:
    """The rows of the days, from all movements up to the last of them and all versions of levels and products."""
    quantity, reason = pl.col("quantity_delta"), pl.col("reason")
    moved = (
        movements.group_by(*_SHELF, "dt")
        .agg(
            quantity.sum().alias("moved"),
            (-quantity.filter(reason == "sale").sum()).alias("units_sold"),
            quantity.filter(reason == "receipt").sum().alias("units_received"),
        )
        .sort(*_SHELF, "dt")
    )
    so_far = moved.select(
        *_SHELF,
        "dt",
        stock_quantity=pl.col("moved").cum_sum().over(_SHELF),
        sold_so_far=pl.col("units_sold").cum_sum().over(_SHELF),
    )
    rows = _shelves(moved, levels).join(_days(days), how="cross").filter(pl.col("since") <= pl.col("dt"))
    before = pl.col("dt").dt.offset_by(f"-{_SALES_DAYS}d")
    sold = pl.col("sold_so_far").fill_null(0) - pl.col("sold_so_far_before").fill_null(0)
    return (
        rows.join(moved, on=[*_SHELF, "dt"], how="left")
        .pipe(_as_of, so_far, "dt", _SHELF)
        .with_columns(before.alias("before"))
        .pipe(_as_of, so_far.rename({"dt": "before"}), "before", _SHELF)
        .pipe(_as_of, _product_versions(products), "dt", ["product_id"])
        .with_columns(pl.col("stock_quantity", "units_sold", "units_received").fill_null(0), sold=sold)
        .with_columns(
            stock_value=(pl.col("stock_quantity").cast(pl.Decimal(18, 0)) * pl.col("cost")).cast(pl.Decimal(18, 2)),
            is_out_of_stock=pl.col("stock_quantity") <= 0,
            is_low_stock=pl.col("stock_quantity") <= pl.col("reorder_level"),
            is_overstock=(pl.col("stock_quantity") > pl.col("reorder_level"))
            & (pl.col("stock_quantity") * _SALES_DAYS > pl.col("sold") * _MOST_DAYS_OF_SUPPLY),
            avg_daily_sales=pl.col("sold") / _SALES_DAYS,
            days_of_supply=pl.when(pl.col("sold") != 0).then(pl.col("stock_quantity") * _SALES_DAYS / pl.col("sold")),
        )
    )


@gold(
    FactInventory,
    history=["silver.inventory_movements"],
    versions=["silver.inventory", "silver.products"],
    stock="stock_quantity",
    chart=shelves_by_stock,
)
def fact_inventory(
    silver_inventory_movements: pl.LazyFrame,
    silver_inventory: pl.LazyFrame,
    silver_products: pl.LazyFrame,
    days: Sequence[str],
) -> pl.LazyFrame:
    """The stock of the days."""
    return end_of_day_stock(silver_inventory_movements, silver_inventory, silver_products, days)


def _days(days: Sequence[str]) -> pl.LazyFrame:
    return pl.LazyFrame({"dt": [partition_date(day) for day in days]}, schema={"dt": pl.Date})


def _shelves(moved: pl.LazyFrame, levels: pl.LazyFrame) -> pl.LazyFrame:
    """Each product and store, with its first day. A level's row may be overwritten, but not when it was created."""
    listed = pl.col("created_at").dt.convert_time_zone(settings().timezone).dt.date()
    both = pl.concat([moved.select(*_SHELF, since="dt"), levels.select(*_SHELF, since=listed)])
    return both.group_by(_SHELF).agg(pl.col("since").min())


def _product_versions(products: pl.LazyFrame) -> pl.LazyFrame:
    """Each product's last version of each day it changed; the earliest one holds for all time before."""
    last = products.sort("updated_at").group_by("product_id", "dt").last()
    is_first = pl.col("dt") == pl.col("dt").min().over("product_id")
    return last.select(
        "product_id",
        *("tenant_id", "product_key", "cost", "reorder_level"),
        dt=pl.when(~is_first).then("dt").otherwise(pl.date(1, 1, 1)),
    )


def _as_of(rows: pl.LazyFrame, facts: pl.LazyFrame, day: str, by: Sequence[str]) -> pl.LazyFrame:
    """To each row the newest facts of its day or before."""
    return rows.sort(day).join_asof(
        facts.sort(day), on=day, by=list(by), strategy="backward", suffix="_before", check_sortedness=False
    )
