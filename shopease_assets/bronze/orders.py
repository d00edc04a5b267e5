"""Orders as the shop holds them, one row per order, by the day it was placed."""

from shopease_assets.kit.bronze import bronze
from shopease_assets.sources.postgres_table import PostgresTable

orders = bronze(
    PostgresTable(
        "orders",
        key=("order_id",),
        day="ordered_at",
        columns="""
            order_id bigint,
            tenant_id int,
            customer_id bigint,
            store_id int,
            order_number text,
            status text,
            payment_method text,
            payment_status text,
            sales_channel text,
            shipping_method text,
            shipping_city text,
            shipping_state text,
            shipping_postal_code text,
            shipping_country text,
            subtotal numeric(12,2),
            tax_amount numeric(12,2),
            shipping_cost numeric(12,2),
            discount_amount numeric(12,2),
            total_amount numeric(12,2),
            currency char(3),
            coupon_code text,
            metadata jsonb,
            ordered_at timestamptz,
            shipped_at timestamptz,
            delivered_at timestamptz,
            created_at timestamptz,
            updated_at timestamptz
        """,
        personal=("shipping_postal_code",),
    ),
    __doc__,
)
