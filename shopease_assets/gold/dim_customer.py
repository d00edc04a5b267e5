"""Who a customer was, and when: every version with the time it was valid."""

from datetime import date

import polars as pl

from shopease_assets.core.cleaning import surrogate_key
from shopease_assets.core.contract import Contract, flag, instant, integer, text
from shopease_assets.core.scd2 import at_end_of, history
from shopease_assets.kit.gold import gold
from shopease_assets.kit.partitions import MONTHLY
from shopease_assets.settings import settings


class DimCustomer(Contract):
    """Who a customer was, and when: every version with the time it was valid, [valid_from, valid_to).

    Grain: one version of a customer (customer_key, silver's) that began by the month's end. The first version known is
    valid from created_at; `valid_to` is null, and `is_current` true, for the version valid at the month's end. E-mail,
    phone, birthday and street are left to silver.customers: no mart needs them.
    """

    customer_key = text(key=True)
    customer_id = integer()
    tenant_id = integer()
    customer_name = text(personal=True)
    gender = text(nullable=True)
    geography_key = text()
    city = text()
    state = text()
    country = text()
    customer_segment = text()
    is_active = flag()
    marketing_opt_in = flag(nullable=True)
    loyalty_tier = text(nullable=True)
    source = text(nullable=True)
    registered_at = instant()
    valid_from = instant()
    valid_to = instant(nullable=True)
    is_current = flag()


@gold(DimCustomer, partitions=MONTHLY, versions=["silver.customers"])
def dim_customer(silver_customers: pl.LazyFrame, as_of: date) -> pl.LazyFrame:
    """The customers' history as it stood at the month's end."""
    return (
        silver_customers.pipe(history, "customer_id")
        .pipe(at_end_of, as_of, settings().zone)
        .with_columns(
            customer_name=pl.concat_str("first_name", "last_name", separator=" "),
            geography_key=surrogate_key("country", "state", "city"),
        )
    )
