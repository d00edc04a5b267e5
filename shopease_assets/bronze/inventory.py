"""Stock per product and store as the shop holds it: one row per version seen, by the day it changed."""

from shopease_assets.kit.bronze import bronze
from shopease_assets.sources.postgres_table import PostgresTable

inventory = bronze(
    PostgresTable(
        "inventory",
        key=("product_id", "store_id"),
        tenant=("products", "product_id"),
        columns="""
            product_id bigint,
            store_id int,
            stock_quantity int,
            created_at timestamptz,
            updated_at timestamptz
        """,
    ),
    __doc__,
)
