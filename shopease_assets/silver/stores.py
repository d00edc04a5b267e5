"""Stores: every version the source has shown us, by the day it changed."""

import polars as pl

from shopease_assets.core.cleaning import clean, latest_per_key
from shopease_assets.core.contract import Contract, date, foreign_key, key, text, timestamp, version
from shopease_assets.kit.silver import silver


class Stores(Contract):
    """Grain: one version of a store (store_id, updated_at)."""

    store_id = key()
    tenant_id = foreign_key("tenants")
    name = text()
    city = text()
    state = text()
    country = text()
    manager_name = text(nullable=True, personal=True)
    opened_on = date()
    created_at = timestamp()
    updated_at = version()


@silver(Stores)
def stores(bronze_stores: pl.LazyFrame) -> pl.LazyFrame:
    """Clean every version; drop repeated ones."""
    return bronze_stores.pipe(clean, Stores).pipe(latest_per_key, Stores)
