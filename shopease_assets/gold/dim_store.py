"""The stores, each as it is."""

from datetime import date

import polars as pl

from shopease_assets.core.cleaning import surrogate_key
from shopease_assets.core.contract import Contract, day, integer, key, text
from shopease_assets.core.scd2 import at_end_of, history
from shopease_assets.kit.gold import gold
from shopease_assets.kit.partitions import MONTHLY
from shopease_assets.settings import settings


class DimStore(Contract):
    """The stores, each as it is.

    Grain: one store (store_id) created by the month's end, as its version valid then has it.
    """

    store_id = key()
    tenant_id = integer()
    store_name = text()
    geography_key = text()
    city = text()
    state = text()
    country = text()
    manager_name = text(nullable=True, personal=True)
    opened_on = day()


@gold(DimStore, partitions=MONTHLY, versions=["silver.stores"])
def dim_store(silver_stores: pl.LazyFrame, as_of: date) -> pl.LazyFrame:
    """The stores' current versions at the month's end."""
    return (
        silver_stores.pipe(history, "store_id")
        .pipe(at_end_of, as_of, settings().zone)
        .filter("is_current")
        .with_columns(store_name="name", geography_key=surrogate_key("country", "state", "city"))
    )
