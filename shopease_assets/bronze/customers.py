"""Customers as the shop holds them: one row per version seen, by the day it changed."""

from shopease_assets.kit.bronze import bronze
from shopease_assets.sources.postgres_table import PostgresTable

customers = bronze(
    PostgresTable(
        "customers",
        key=("customer_id",),
        columns="""
            customer_id bigint,
            tenant_id int,
            email text,
            first_name text,
            last_name text,
            phone text,
            date_of_birth date,
            gender text,
            address_line1 text,
            city text,
            state text,
            postal_code text,
            country text,
            customer_segment text,
            is_active boolean,
            metadata jsonb,
            registered_at timestamptz,
            created_at timestamptz,
            updated_at timestamptz
        """,
        personal=(
            "email",
            "first_name",
            "last_name",
            "phone",
            "date_of_birth",
            "address_line1",
            "postal_code",
            "metadata",
        ),
    ),
    __doc__,
)
