"""Stock movements, one row per movement, by the day it happened."""

from shopease_assets.kit.bronze import bronze
from shopease_assets.sources.postgres_table import PostgresTable

inventory_movements = bronze(
    PostgresTable(
        "inventory_movements",
        key=("movement_id",),
        day="occurred_at",
        tenant=("products", "product_id"),
        columns="""
            movement_id bigint,
            product_id bigint,
            store_id int,
            quantity_delta int,
            reason text,
            occurred_at timestamptz,
            created_at timestamptz,
            updated_at timestamptz
        """,
    ),
    __doc__,
)
