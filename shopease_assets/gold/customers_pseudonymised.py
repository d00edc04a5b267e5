"""Customers without what names them: for analysts who must not see e-mail addresses, names or birthdays."""

import polars as pl

from shopease_assets.core.contract import Contract, flag, instant, integer, key, text
from shopease_assets.core.pseudonyms import pseudonym
from shopease_assets.kit.gold import gold
from shopease_assets.secret_store import pseudonym_secret
from shopease_assets.settings import settings


class CustomersPseudonymised(Contract):
    """Customers without what names them: every version of `silver.customers`, by the day it changed.

    Grain: one version of a customer (customer_key). `email_hash` is the HMAC-SHA-256 (RFC 2104) of the e-mail address
    under SHOPEASE_PSEUDONYM_KEY, in hexadecimal: equal for equal addresses, and not to be guessed without the key.
    """

    customer_key = text(key=True)
    customer_id = key()
    tenant_id = integer()
    email_domain = text()
    email_hash = text()
    birth_year = integer(nullable=True)
    gender = text(nullable=True)
    city = text()
    state = text()
    country = text()
    customer_segment = text()
    is_active = flag()
    marketing_opt_in = flag(nullable=True)
    loyalty_tier = text(nullable=True)
    source = text(nullable=True)
    registered_at = instant()
    created_at = instant()
    updated_at = instant()


@gold(CustomersPseudonymised)
def customers_pseudonymised(silver_customers: pl.LazyFrame) -> pl.LazyFrame:
    """Each version with its address's domain and pseudonym, and the year of birth."""
    secret = pseudonym_secret(settings())
    return silver_customers.with_columns(
        email_domain=pl.col("email").str.split("@").list.last(),
        email_hash=pseudonym(pl.col("email"), secret),
        birth_year=pl.col("date_of_birth").dt.year().cast(pl.Int64),
    )
