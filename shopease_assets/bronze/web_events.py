"""What visitors did, one row per event, by the day it happened (arrival may be days later)."""

from shopease_assets.kit.bronze import bronze
from shopease_assets.sources.postgres_table import PostgresTable

web_events = bronze(
    PostgresTable(
        "web_events",
        key=("event_id",),
        day="occurred_at",
        columns="""
            event_id bigint,
            tenant_id int,
            customer_id bigint,
            session_id text,
            event_type text,
            product_id bigint,
            page_url text,
            referrer_url text,
            device_type text,
            browser text,
            os text,
            ip_address inet,
            user_agent text,
            event_data jsonb,
            occurred_at timestamptz,
            created_at timestamptz,
            updated_at timestamptz
        """,
        personal=("ip_address",),
    ),
    __doc__,
)
