"""Gold as PostgreSQL computes it from the source, written from the data model alone: the other side of comparisons.

The source overwrites customers, products and stock; `remember` keeps each version it has shown in schema `seen`, as
the lake does, so that costs and names can be looked up as of an instant. Nothing here knows the project's SQL.
The queries themselves are in `independent_daily` and `independent_monthly`; what they share, a sale's lines, is here.
"""

from datetime import date

import psycopg

from shopease_assets_tests.spine.independent_daily import DAILY
from shopease_assets_tests.spine.independent_monthly import MONTHLY

_VERSIONED = {
    "customers": "customer_id",
    "products": "product_id",
    "inventory": "product_id, store_id",
    "stores": "store_id",
    "tenants": "tenant_id",
    "subscriptions": "subscription_id",
}

_LINES = """
    customer_at as materialized (
        select *, case when lag(updated_at) over w is null then least(created_at, updated_at) else updated_at end
                   as valid_from, lead(updated_at) over w as valid_to,
               md5(customer_id || '|' || (extract(epoch from updated_at) * 1000000)::bigint) as customer_key,
               md5(concat_ws('|', trim(country), trim(state), trim(city))) as geography_key
        from seen.customers window w as (partition by customer_id order by updated_at)
    ),
    product_at as materialized (
        select *, case when lag(updated_at) over w is null then least(created_at, updated_at) else updated_at end
                   as valid_from, lead(updated_at) over w as valid_to,
               md5(product_id || '|' || (extract(epoch from updated_at) * 1000000)::bigint) as product_key
        from seen.products window w as (partition by product_id order by updated_at)
    ),
    orders as materialized (
        select *, ordered_at::date as day, lower(btrim(status)) as state,
               lower(btrim(status)) in ('processing', 'shipped', 'delivered') as is_sale
        from shop.orders
    ),
    lines as materialized (
        select o.tenant_id, o.order_id, o.customer_id, o.store_id, o.day, o.state, o.is_sale, o.ordered_at,
               i.order_item_id, i.product_id, i.quantity, i.unit_price, i.discount_amount, i.line_total,
               p.product_key, p.sku, p.cost
        from orders as o
        join shop.order_items as i using (order_id)
        cross join lateral (
            select v.product_key, trim(v.sku) as sku, v.cost from product_at as v
            where v.product_id = i.product_id
            order by v.valid_from <= o.ordered_at desc,
                     case when v.valid_from <= o.ordered_at then v.valid_from end desc, v.valid_from
            limit 1
        ) as p
    ),
    sold as (select * from lines where is_sale),
    sales as (select * from orders where is_sale)
"""


def remember(dsn: str) -> None:
    """Keep the versions the source shows now beside those it has shown before."""
    with psycopg.connect(dsn) as connection:
        connection.execute("create schema if not exists seen")
        for table, key in _VERSIONED.items():
            connection.execute(
                f"create table if not exists seen.{table} as select * from shop.{table} with no data"  # type: ignore[arg-type]
            )
            connection.execute(
                f"""insert into seen.{table} select * from shop.{table} as s where not exists (
                        select from seen.{table} as k
                        where ({_aliased(key, "k")}, k.updated_at) = ({_aliased(key, "s")}, s.updated_at))"""  # type: ignore[arg-type]
            )


def figures(dsn: str, table: str, as_of: date | None = None) -> list[dict[str, object]]:
    """The rows of a gold table by name: of every day, or the state as of a date."""
    statement = f"with {_LINES} {DAILY.get(table) or MONTHLY[table]}"
    with psycopg.connect(dsn, options="-c timezone=UTC", row_factory=psycopg.rows.dict_row) as connection:
        return connection.execute(statement, {"as_of": as_of}).fetchall()  # type: ignore[arg-type]


def _aliased(columns: str, alias: str) -> str:
    return ", ".join(f"{alias}.{name.strip()}" for name in columns.split(","))
