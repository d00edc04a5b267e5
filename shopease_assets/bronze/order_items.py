"""Order lines as the shop holds them, one row per line, by the day of their order."""

from shopease_assets.kit.bronze import bronze
from shopease_assets.sources.postgres_table import PostgresTable

order_items = bronze(
    PostgresTable(
        "order_items",
        key=("order_item_id",),
        day="ordered_at",
        parent=("orders", "order_id"),
        columns="""
            order_item_id bigint,
            order_id bigint,
            product_id bigint,
            quantity int,
            unit_price numeric(12,2),
            discount_amount numeric(12,2),
            line_total numeric(12,2),
            created_at timestamptz,
            updated_at timestamptz
        """,
    ),
    __doc__,
)
