"""Invoices as the shop holds them, one row per invoice, by the day it was issued."""

from shopease_assets.kit.bronze import bronze
from shopease_assets.sources.postgres_table import PostgresTable

invoices = bronze(
    PostgresTable(
        "invoices",
        key=("invoice_id",),
        day="issue_date",
        columns="""
            invoice_id bigint,
            tenant_id int,
            customer_id bigint,
            subscription_id bigint,
            invoice_number text,
            amount numeric(12,2),
            status text,
            issue_date date,
            due_date date,
            paid_date date,
            created_at timestamptz,
            updated_at timestamptz
        """,
    ),
    __doc__,
)
