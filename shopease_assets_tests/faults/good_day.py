"""A day on which every row of every table is good, so that a test can spoil exactly what it is about.

Ids run from 1 to ROWS in each table. Children point at the first PARENTS rows only: spoiling a row behind them
harms no child.
"""

from collections.abc import Iterable
from datetime import date

import psycopg

DAY = date(2026, 1, 5)
ROWS, PARENTS = 6_000, 100
SILVER = [
    *("tenants", "stores", "customers", "products", "subscriptions", "inventory", "inventory_movements"),
    *("orders", "order_items", "web_events", "invoices"),
]

_TIMES = "timestamptz '{day} 09:00Z', timestamptz '{day} 10:00Z'"
_PARENT = f"n % {PARENTS} + 1"
_ROWS = {
    "tenants": f"""n, 'Tenant ' || n, 'tenant-' || n, 't' || n || '.example.com', 'free', true,
        '{{"timezone": "UTC", "currency": "INR"}}', {_TIMES}""",
    "stores": f"n, {_PARENT}, 'Store ' || n, 'Pune', 'MH', 'India', 'Asha', date '2020-01-01', {_TIMES}",
    "customers": f"""n, {_PARENT}, 'c' || n || '@example.com', 'Asha', 'Rao', '555', date '1990-01-01', 'f', '1 Road',
        'Pune', 'MH', '411001', 'India', 'Premium', true, '{{"source": "web"}}', timestamptz '2025-06-01Z', {_TIMES}""",
    "products": f"""n, {_PARENT}, 'SKU-' || n, 'Shirt', 'Blue', 'Clothes', 'Shirts', 'Acme', 10.00, 6.00, 1, 5, true,
        date '2024-01-01', '{{"color": "blue"}}', {_TIMES}""",
    "inventory": f"n, {_PARENT}, 10, {_TIMES}",
    "orders": f"""n, {_PARENT}, {_PARENT}, {_PARENT}, 'O-' || n, 'delivered', 'card', 'paid', 'web',
        'air', 'Pune', 'MH', '411001', 'India', 20.00, 2.00, 1.00, 3.00, 20.00, 'INR', null, '{{"device": "phone"}}',
        timestamptz '{{day}} 09:00Z', timestamptz '{{day}} 11:00Z', timestamptz '{{day}} 13:00Z', {_TIMES}""",
    "subscriptions": f"""n, {_PARENT}, {_PARENT}, 'Plus', 'active', date '2026-01-01', date '2027-01-01', 9.99,
        'monthly', {_TIMES}""",
    "inventory_movements": f"n, {_PARENT}, {_PARENT}, -2, 'sale', timestamptz '{{day}} 09:00Z', {_TIMES}",
    "web_events": f"""n, {_PARENT}, {_PARENT}, 's-' || n, 'search', {_PARENT}, '/search', null, 'desktop', 'Firefox',
        'Linux', '10.0.0.1', null, '{{"search_term": "shirt", "quantity": 2, "value": 20.5}}',
        timestamptz '{{day}} 09:00Z', {_TIMES}""",
    "invoices": f"""n, {_PARENT}, {_PARENT}, {_PARENT}, 'I-' || n, 9.99, 'sent', date '{{day}}', date '2999-01-01',
        null, {_TIMES}""",
    "order_items": f"n, n, {_PARENT}, 2, 10.00, 0.00, 20.00, {_TIMES}",
}


def fill(dsn: str, *, day: date = DAY, rows: int = ROWS, first: int = 1, tables: Iterable[str] = SILVER) -> None:
    """Insert good rows, numbered from `first`, into an `empty_shop`."""
    with psycopg.connect(dsn) as connection:
        for table in tables:
            values = _ROWS[table].replace("{{", "{").replace("}}", "}").replace("{day}", day.isoformat())
            last = first + rows - 1
            connection.execute(f"insert into shop.{table} select {values} from generate_series({first}, {last}) as n")


def both_layers(*tables: str) -> list[str]:
    """The bronze and silver assets of some tables (default: all there are)."""
    return [f"{layer}/{table}" for table in tables or SILVER for layer in ("bronze", "silver")]
