"""Tenants: every version the source has shown us, by the day it changed."""

import dataframely as dy
import polars as pl

from shopease_assets.core.cleaning import clean, latest_per_key
from shopease_assets.core.contract import Contract, enum, flag, json_field, json_rest, key, text, timestamp, version
from shopease_assets.kit.silver import silver


class Tenants(Contract):
    """Grain: one version of a tenant (tenant_id, updated_at)."""

    tenant_id = key()
    name = text()
    slug = text()
    domain = text(nullable=True)
    plan = enum(["free", "standard", "enterprise"])
    is_active = flag()
    timezone = json_field("settings", dy.String())
    currency = json_field("settings", dy.String())
    extra = json_rest("settings")
    created_at = timestamp()
    updated_at = version()


@silver(Tenants)
def tenants(bronze_tenants: pl.LazyFrame) -> pl.LazyFrame:
    """Clean every version; drop repeated ones."""
    return bronze_tenants.pipe(clean, Tenants).pipe(latest_per_key, Tenants)
