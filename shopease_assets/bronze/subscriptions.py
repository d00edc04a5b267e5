"""Subscriptions as the shop holds them: one row per version seen, by the day it changed."""

from shopease_assets.kit.bronze import bronze
from shopease_assets.sources.postgres_table import PostgresTable

subscriptions = bronze(
    PostgresTable(
        "subscriptions",
        key=("subscription_id",),
        columns="""
            subscription_id bigint,
            tenant_id int,
            customer_id bigint,
            plan_name text,
            status text,
            start_date date,
            end_date date,
            monthly_amount numeric(12,2),
            billing_cycle text,
            created_at timestamptz,
            updated_at timestamptz
        """,
    ),
    __doc__,
)
