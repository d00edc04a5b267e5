"""Products: every version the source has shown us, by the day it changed."""

import dataframely as dy
import polars as pl

from shopease_assets.core.cleaning import clean, latest_per_key, surrogate_key
from shopease_assets.core.contract import (
    Contract,
    date,
    flag,
    foreign_key,
    integer,
    json_field,
    json_rest,
    key,
    money,
    text,
    timestamp,
    version,
    warning,
)
from shopease_assets.kit.silver import silver


class Products(Contract):
    """Grain: one version of a product (product_id, updated_at), named by `product_key`."""

    product_key = text()
    product_id = key()
    tenant_id = foreign_key("tenants")
    sku = text()
    name = text()
    description = text(nullable=True)
    category = text()
    subcategory = text()
    brand = text()
    price = money(min=0)
    cost = money(min=0)
    supplier_id = integer(nullable=True)
    reorder_level = integer()
    is_active = flag()
    launched_on = date()
    color = json_field("attributes", dy.String())
    size = json_field("attributes", dy.String())
    material = json_field("attributes", dy.String())
    weight_kg = json_field("attributes", dy.Decimal(9, 3))
    extra = json_rest("attributes")
    created_at = timestamp()
    updated_at = version()

    @warning
    def price_covers_cost(cls) -> pl.Expr:
        """Selling below cost is a decision, not an error."""
        return cls.price.col >= cls.cost.col


@silver(Products)
def products(bronze_products: pl.LazyFrame) -> pl.LazyFrame:
    """Clean every version, drop repeated ones, and name each."""
    return (
        bronze_products.with_columns(product_key=surrogate_key("product_id", "updated_at"))
        .pipe(clean, Products)
        .pipe(latest_per_key, Products)
    )
