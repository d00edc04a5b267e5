"""Products as the shop holds them: one row per version seen, by the day it changed."""

from shopease_assets.kit.bronze import bronze
from shopease_assets.sources.postgres_table import PostgresTable

products = bronze(
    PostgresTable(
        "products",
        key=("product_id",),
        columns="""
            product_id bigint,
            tenant_id int,
            sku text,
            name text,
            description text,
            category text,
            subcategory text,
            brand text,
            price numeric(12,2),
            cost numeric(12,2),
            supplier_id int,
            reorder_level int,
            is_active boolean,
            launched_on date,
            attributes jsonb,
            created_at timestamptz,
            updated_at timestamptz
        """,
    ),
    __doc__,
)
