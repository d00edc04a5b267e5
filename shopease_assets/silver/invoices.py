"""Invoices, one row per invoice: the latest version the source has shown us, by the day it was issued."""

import polars as pl

from shopease_assets.core.cleaning import clean, latest_per_key
from shopease_assets.core.contract import Contract, accuracy, date, enum, foreign_key, key, money, text, timestamp
from shopease_assets.kit.silver import silver


class Invoices(Contract):
    """Grain: one invoice (invoice_id)."""

    invoice_id = key()
    tenant_id = foreign_key("tenants")
    customer_id = foreign_key("customers")
    subscription_id = foreign_key("subscriptions", nullable=True)
    invoice_number = text()
    amount = money(min=0)
    status = enum(["draft", "sent", "paid", "overdue", "cancelled"])
    issue_date = date()
    due_date = date(future=True)
    paid_date = date(nullable=True)
    created_at = timestamp()
    updated_at = timestamp()

    @accuracy
    def due_after_issue(cls) -> pl.Expr:
        """Nothing is due before it is issued."""
        return cls.due_date.col >= cls.issue_date.col


@silver(Invoices)
def invoices(bronze_invoices: pl.LazyFrame) -> pl.LazyFrame:
    """Clean invoices and keep the latest of each."""
    return bronze_invoices.pipe(clean, Invoices).pipe(latest_per_key, Invoices)
