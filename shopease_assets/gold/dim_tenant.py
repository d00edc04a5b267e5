"""The tenants, each as it is."""

from datetime import date

import polars as pl

from shopease_assets.core.contract import Contract, flag, key, text
from shopease_assets.core.scd2 import at_end_of, history
from shopease_assets.kit.gold import gold
from shopease_assets.kit.partitions import MONTHLY
from shopease_assets.settings import settings


class DimTenant(Contract):
    """The tenants, each as it is.

    Grain: one tenant (tenant_id) created by the month's end, as its version valid then has it.
    """

    tenant_id = key()
    tenant_name = text()
    slug = text()
    domain = text(nullable=True)
    plan = text()
    is_active = flag()
    timezone = text(nullable=True)
    currency = text(nullable=True)


@gold(DimTenant, partitions=MONTHLY, versions=["silver.tenants"])
def dim_tenant(silver_tenants: pl.LazyFrame, as_of: date) -> pl.LazyFrame:
    """The tenants' current versions at the month's end."""
    return (
        silver_tenants.pipe(history, "tenant_id")
        .pipe(at_end_of, as_of, settings().zone)
        .filter("is_current")
        .rename({"name": "tenant_name"})
    )
