"""What a database we generated holds, as far as playing further days needs it. Reads only.

Rows with planted faults are left out: nobody sells to a customer without a tenant.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np
import polars as pl
import psycopg

from shopease_assets.core.errors import SourceError
from shopease_assets.synthetic import vocabulary as v
from shopease_assets.synthetic.catalog import Catalog, companions, product_pool
from shopease_assets.synthetic.dataset import KEYS, TABLES
from shopease_assets.synthetic.draws import Ints, cents
from shopease_assets.synthetic.fates import OPEN_INVOICE_STATUSES
from shopease_assets.synthetic.people import NEVER, People, customer_pool

_RATE_DAYS: Final = 28
_TIME: Final = pl.Datetime("us", "UTC")
_MONEY: Final = pl.Decimal(12, 2)
# An order is settled for good 31 days after it was placed (see fates.order_fate).
_SETTLED_AFTER: Final = timedelta(days=31)


@dataclass(frozen=True)
class Rates:
    """What happened per day lately."""

    customers: float
    orders: float
    items_per_order: float
    events: float


@dataclass(frozen=True)
class Known:
    """A source as it stands; `last_ids` per table whose key is a number."""

    tenant_count: int
    people: People
    catalog: Catalog
    orders: pl.DataFrame  # those that may still change
    order_items: pl.DataFrame  # of these orders
    subscriptions: pl.DataFrame
    open_invoices: pl.DataFrame
    stock: pl.DataFrame
    rates: Rates
    last_ids: dict[str, int]


def newest_order_day(connection: psycopg.Connection) -> date:
    """The last UTC day with an order. Raises SourceError if there is no order (or no schema) to go on from."""
    try:
        row = connection.execute("select max(ordered_at) from shop.orders").fetchone()
    except psycopg.errors.UndefinedTable as error:
        raise SourceError("schema shop is missing; create and load it first") from error
    if row is None or row[0] is None:
        raise SourceError("shop.orders is empty; load a generated dataset first")
    newest: date = row[0].date()
    return newest


def read_known(connection: psycopg.Connection, before: date) -> Known:
    """All that playing on from that day needs."""
    orders = _recent_orders(connection, before - _SETTLED_AFTER)
    return Known(
        _highest(connection, "tenants", "tenant_id"),
        _people(connection),
        _catalog(connection),
        orders,
        _items_of(connection, orders["order_id"].to_list()),
        _subscriptions(connection),
        _open_invoices(connection),
        _stock(connection),
        _rates(connection, before),
        {table: _highest(connection, table, KEYS[table][0]) for table in TABLES if len(KEYS[table]) == 1},
    )


def _query(
    connection: psycopg.Connection, statement: str, schema: Mapping[str, pl.DataType | type], *arguments: object
) -> pl.DataFrame:
    """The rows of a query as a frame."""
    rows = connection.execute(statement, arguments or None).fetchall()
    return pl.DataFrame(rows, schema=dict(schema), orient="row")


def _rates(connection: psycopg.Connection, before: date) -> Rates:
    """Averages of the four weeks (or as long as there are orders) before a day."""
    row = connection.execute(
        """
        with recent as (
          select greatest(min(ordered_at), %(before)s::timestamptz - make_interval(days => %(days)s)) as since
          from shop.orders
        )
        select
          extract(epoch from %(before)s::timestamptz - since) / 86400,
          (select count(*) from shop.customers where registered_at >= since),
          (select count(*) from shop.orders where ordered_at >= since),
          (select count(*) from shop.order_items where created_at >= since),
          (select count(*) from shop.web_events where occurred_at >= since)
        from recent
        """,
        {"before": before, "days": _RATE_DAYS},
    ).fetchone()
    assert row is not None  # noqa: S101 (an aggregate always has a row)
    days, customers, orders, items, events = (float(number) for number in row)
    days = max(days, 1.0)
    return Rates(customers / days, orders / days, items / max(orders, 1), events / days)


def _highest(connection: psycopg.Connection, table: str, key: str) -> int:
    """The highest id given so far."""
    row = connection.execute(f"select coalesce(max({key}), 0) from shop.{table}").fetchone()  # noqa: S608
    return int(row[0]) if row else 0


def _people(connection: psycopg.Connection) -> People:
    """All sound customers where they live now; nobody has moved yet."""
    rows = _query(
        connection,
        r"""
        select distinct on (customer_id) customer_id, tenant_id, registered_at, btrim(city), btrim(state)
        from shop.customers join shop.tenants using (tenant_id)
        where registered_at is not null and btrim(email) ~ '^[^@\s]+@[^@\s]+\.[^@\s]+$'
        order by customer_id
        """,
        {"customer_id": pl.Int64, "tenant_id": pl.Int64, "registered_at": _TIME, "city": pl.String, "state": pl.String},
    )
    known = pl.DataFrame([(place.city, place.state) for place in v.PLACES], schema=["city", "state"], orient="row")
    places = rows.join(known.with_row_index("place"), on=["city", "state"], how="left", maintain_order="left")
    place = places["place"].fill_null(0).cast(pl.Int64).to_numpy()
    pool = customer_pool(ids(rows, "customer_id"), ids(rows, "tenant_id"), micros(rows, "registered_at"))
    return People(pool, place.copy(), place.copy(), np.full(len(place), NEVER, dtype=np.int64))


def _catalog(connection: psycopg.Connection) -> Catalog:
    """All sound products at their present price, none repriced yet."""
    rows = _query(
        connection,
        """
        select distinct on (product_id)
          product_id, tenant_id, products.created_at, price, coalesce(cost, 0), coalesce(reorder_level, 0)
        from shop.products join shop.tenants using (tenant_id)
        where price >= 0
        order by product_id
        """,
        {
            "product_id": pl.Int64,
            "tenant_id": pl.Int64,
            "created_at": _TIME,
            "price": _MONEY,
            "cost": _MONEY,
            "reorder_level": pl.Int64,
        },
    )
    product_ids, tenants = ids(rows, "product_id"), ids(rows, "tenant_id")
    price = cents(rows["price"])
    return Catalog(
        product_pool(product_ids, tenants, micros(rows, "created_at")),
        companions(product_ids, tenants),
        np.column_stack([price, price]),
        np.full((len(price), 1), NEVER, dtype=np.int64),
        cents(rows["cost"]),
        ids(rows, "reorder_level"),
    )


def _recent_orders(connection: psycopg.Connection, since: date) -> pl.DataFrame:
    """Sound orders placed since that day, once each, with where their goods left from."""
    return _query(
        connection,
        """
        select distinct on (order_id)
          order_id, ordered_at, lower(btrim(status)), lower(btrim(sales_channel)) = 'store',
          coalesce(store_id, (tenant_id - 1) * 3 + 1)
        from shop.orders
        where ordered_at >= %s and status is not null and sales_channel is not null
        order by order_id
        """,
        {"order_id": pl.Int64, "ordered_at": _TIME, "status": pl.String, "in_store": pl.Boolean, "store_id": pl.Int64},
        since,
    )


def _items_of(connection: psycopg.Connection, order_ids: list[int]) -> pl.DataFrame:
    """The items of these orders."""
    return _query(
        connection,
        "select order_item_id, order_id, product_id, quantity, created_at from shop.order_items"
        " where order_id = any(%s) order by order_item_id",
        {
            "order_item_id": pl.Int64,
            "order_id": pl.Int64,
            "product_id": pl.Int64,
            "quantity": pl.Int64,
            "created_at": _TIME,
        },
        order_ids,
    )


def _subscriptions(connection: psycopg.Connection) -> pl.DataFrame:
    """All sound subscriptions, once each."""
    return _query(
        connection,
        """
        select distinct on (subscription_id)
          subscription_id, tenant_id, customer_id, lower(btrim(status)), start_date, end_date, monthly_amount,
          lower(btrim(billing_cycle)), created_at
        from shop.subscriptions
        where status is not null and monthly_amount >= 0 and billing_cycle is not null
          and customer_id in (select customer_id from shop.customers)
          and (end_date is null or end_date >= start_date)
        order by subscription_id
        """,
        {
            "subscription_id": pl.Int64,
            "tenant_id": pl.Int64,
            "customer_id": pl.Int64,
            "status": pl.String,
            "start_date": pl.Date,
            "end_date": pl.Date,
            "monthly_amount": _MONEY,
            "billing_cycle": pl.String,
            "created_at": _TIME,
        },
    )


def _open_invoices(connection: psycopg.Connection) -> pl.DataFrame:
    """Invoices that may still change, once each."""
    return _query(
        connection,
        """
        select distinct on (invoice_id) invoice_id, issue_date, lower(btrim(status)), created_at
        from shop.invoices
        where lower(btrim(status)) = any(%s)
        order by invoice_id
        """,
        {"invoice_id": pl.Int64, "issue_date": pl.Date, "status": pl.String, "created_at": _TIME},
        list(OPEN_INVOICE_STATUSES),
    )


def _stock(connection: psycopg.Connection) -> pl.DataFrame:
    """Pieces per product and store."""
    return _query(
        connection,
        "select product_id, store_id, max(stock_quantity) from shop.inventory group by 1, 2 order by 1, 2",
        {"product_id": pl.Int64, "store_id": pl.Int64, "stock_quantity": pl.Int64},
    )


def ids(frame: pl.DataFrame, column: str) -> Ints:
    """A whole-number column as an array."""
    return frame[column].to_numpy().astype(np.int64)


def micros(frame: pl.DataFrame, column: str) -> Ints:
    """A timestamp column in microseconds since 1970."""
    return frame[column].to_physical().to_numpy().astype(np.int64)
