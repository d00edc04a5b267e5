"""Every place that customers live in, stores are in, or orders were sent to."""

from datetime import date

import polars as pl

from shopease_assets.core.cleaning import surrogate_key
from shopease_assets.core.contract import Contract, text
from shopease_assets.core.scd2 import at_end_of, history
from shopease_assets.kit.gold import gold
from shopease_assets.kit.partitions import MONTHLY
from shopease_assets.settings import settings

_PARTS = ("country", "state", "city")


class DimGeography(Contract):
    """Every place that customers live or lived in, stores are or were in, or orders were sent to, by the month's end.

    Grain: one city of a state of a country. `geography_key` is the MD5 of `country|state|city`, in hexadecimal; an
    address that lacks one of the three is no place.
    """

    geography_key = text(key=True)
    country = text()
    state = text()
    city = text()


@gold(DimGeography, partitions=MONTHLY, versions=["silver.customers", "silver.stores"])
def dim_geography(
    silver_customers: pl.LazyFrame, silver_orders: pl.LazyFrame, silver_stores: pl.LazyFrame, as_of: date
) -> pl.LazyFrame:
    """The places of all versions that began by the month's end, and of all orders placed by then."""
    versions = [history(silver_customers, "customer_id"), history(silver_stores, "store_id")]
    shipped_to = silver_orders.select(pl.col(f"shipping_{part}").alias(part) for part in _PARTS)
    lived_in = [known.pipe(at_end_of, as_of, settings().zone).select(_PARTS) for known in versions]
    places = pl.concat([*lived_in, shipped_to]).drop_nulls().unique()
    return places.with_columns(geography_key=surrogate_key(*_PARTS)).sort(_PARTS)
