"""Stores as the shop holds them: one row per version seen, by the day it changed."""

from shopease_assets.kit.bronze import bronze
from shopease_assets.sources.postgres_table import PostgresTable

stores = bronze(
    PostgresTable(
        "stores",
        key=("store_id",),
        columns="""
            store_id int,
            tenant_id int,
            name text,
            city text,
            state text,
            country text,
            manager_name text,
            opened_on date,
            created_at timestamptz,
            updated_at timestamptz
        """,
        personal=("manager_name",),
    ),
    __doc__,
)
