"""Customers: every version the source has shown us, by the day it changed."""

import dataframely as dy
import polars as pl

from shopease_assets.core.cleaning import clean, latest_per_key, surrogate_key
from shopease_assets.core.contract import (
    Contract,
    date,
    email,
    enum,
    flag,
    foreign_key,
    json_field,
    json_rest,
    key,
    text,
    timestamp,
    version,
)
from shopease_assets.kit.silver import silver


class Customers(Contract):
    """Grain: one version of a customer (customer_id, updated_at), named by `customer_key`."""

    customer_key = text()
    customer_id = key()
    tenant_id = foreign_key("tenants")
    email = email()
    first_name = text(personal=True)
    last_name = text(personal=True)
    phone = text(nullable=True, personal=True)
    date_of_birth = date(nullable=True, personal=True)
    gender = text(nullable=True)
    address_line1 = text(nullable=True, personal=True)
    city = text()
    state = text()
    postal_code = text(personal=True)
    country = text()
    customer_segment = enum(["Premium", "Standard", "Basic"], case="title")
    is_active = flag()
    marketing_opt_in = json_field("metadata", dy.Bool())
    loyalty_tier = json_field("metadata", dy.String())
    source = json_field("metadata", dy.String())
    extra = json_rest("metadata", personal=True)
    registered_at = timestamp()
    created_at = timestamp()
    updated_at = version()


@silver(Customers)
def customers(bronze_customers: pl.LazyFrame) -> pl.LazyFrame:
    """Clean every version, drop repeated ones, and name each."""
    return (
        bronze_customers.with_columns(customer_key=surrogate_key("customer_id", "updated_at"))
        .pipe(clean, Customers)
        .pipe(latest_per_key, Customers)
    )
