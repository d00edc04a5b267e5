"""Tenants as the shop holds them: one row per version seen, by the day it changed."""

from shopease_assets.kit.bronze import bronze
from shopease_assets.sources.postgres_table import PostgresTable

tenants = bronze(
    PostgresTable(
        "tenants",
        key=("tenant_id",),
        columns="""
            tenant_id int,
            name text,
            slug text,
            domain text,
            plan text,
            is_active boolean,
            settings jsonb,
            created_at timestamptz,
            updated_at timestamptz
        """,
    ),
    __doc__,
)
