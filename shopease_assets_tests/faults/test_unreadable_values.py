"""Values a lake's type cannot hold: the row is kept and quarantined as unreadable, its neighbours are published."""

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from operator import itemgetter

import pytest

from shopease_assets.kit.bronze import SOURCE_TABLES
from shopease_assets.sources.postgres import PostgresSnapshot
from shopease_assets.sources.postgres_table import DayRange
from shopease_assets_tests.faults.good_day import DAY, both_layers, fill
from shopease_assets_tests.platform import Platform

_ROWS, _SPOILED = 1_000, 250
_PRODUCTS = both_layers("tenants", "products")
_MOVED = "updated_at = updated_at + interval '1 second'"


def _rules(platform: Platform, table: str, key: str) -> dict[int, list[str]]:
    """Row → the rules it broke."""
    refused = platform.rows(f"quarantine.{table}").iter_rows(named=True)
    return {int(json.loads(row["original_row"])[key]): row["rules"].split(", ") for row in refused}


_NUMBERS = ["NaN", "Infinity", "-Infinity", "99999999999.99", "99999999999999999999999999999999.99", "1e40", "1.005"]
_INSTANTS = ["infinity", "-infinity", "4714-11-24 00:00:00+00 BC", "294276-12-31Z"]
_DATES = ["infinity", "-infinity", "4713-01-01 BC", "5874897-12-31"]


def _spoil(platform: Platform, table: str, column: str, values: Sequence[str | None]) -> set[int]:
    """One row per value; returns the rows."""
    for row, value in enumerate(values, start=_SPOILED):
        platform.sql(f"update shop.{table} set {column} = %s, {_MOVED} where {table[:-1]}_id = {row}", value)
    return set(range(_SPOILED, _SPOILED + len(values)))


def test_numbers_that_do_not_fit_are_quarantined_and_the_rest_published(bare: Platform) -> None:
    fill(bare.dsn, rows=_ROWS, tables=["tenants", "products"])
    bare.sql("alter table shop.products alter price type numeric")
    spoiled = _spoil(bare, "products", "price", _NUMBERS)
    assert bare.run(DAY, tables=_PRODUCTS).failures == ()
    rules = _rules(bare, "products", "product_id")
    assert set(rules) == spoiled
    assert all("readable" in broken for broken in rules.values())
    assert len(bare.rows("silver.products")) == _ROWS - len(spoiled)
    originals = sorted(map(json.loads, bare.rows("quarantine.products")["original_row"]), key=itemgetter("product_id"))
    told = [json.loads(original["_unreadable"])["price"] for original in originals]
    assert list(map(Decimal, told[1:])) == list(map(Decimal, _NUMBERS[1:]))
    assert told[0] == "NaN"


@pytest.mark.parametrize(("column", "values"), [("registered_at", _INSTANTS), ("date_of_birth", _DATES)])
def test_times_that_are_none_are_quarantined_and_the_rest_published(
    bare: Platform, column: str, values: list[str]
) -> None:
    fill(bare.dsn, rows=_ROWS, tables=["tenants", "customers"])
    spoiled = _spoil(bare, "customers", column, values)
    assert bare.run(DAY, tables=both_layers("tenants", "customers")).failures == ()
    rules = _rules(bare, "customers", "customer_id")
    assert set(rules) == spoiled
    assert all("readable" in broken for broken in rules.values())
    assert len(bare.rows("silver.customers")) == _ROWS - len(spoiled)


def test_orders_without_a_day_and_lines_without_an_order_are_quarantined_under_the_day_they_arrived(
    bare: Platform,
) -> None:
    fill(bare.dsn, rows=_ROWS)
    undated = _spoil(bare, "orders", "ordered_at", [None, "infinity", "-infinity"])
    orphans = {_SPOILED + 10, _SPOILED + 11}
    bare.sql(f"update shop.order_items set order_id = 999999 where order_item_id = {_SPOILED + 10}")
    bare.sql(f"update shop.order_items set order_id = null where order_item_id = {_SPOILED + 11}")
    bare.run(date(2026, 1, 4), date(2026, 1, 6), tables=both_layers())
    orders, lines = _rules(bare, "orders", "order_id"), _rules(bare, "order_items", "order_item_id")
    assert {order for order, rules in orders.items() if "ordered_at|nullability" in rules} == undated
    assert set(lines) == undated | orphans
    assert set(bare.rows("quarantine.orders")["dt"]) == set(bare.rows("quarantine.order_items")["dt"]) == {DAY}
    assert len(bare.rows("bronze.orders")) == len(bare.rows("bronze.order_items")) == _ROWS


@pytest.mark.parametrize("instant", ["infinity", "-infinity"])
def test_a_version_whose_time_is_infinite_is_not_lost(bare: Platform, instant: str) -> None:
    fill(bare.dsn, rows=_ROWS, tables=["tenants"])
    bare.sql(f"update shop.tenants set updated_at = '{instant}' where tenant_id = {_SPOILED}")
    bare.run(date(2026, 1, 1), DAY, tables=both_layers("tenants"))
    assert "readable" in _rules(bare, "tenants", "tenant_id")[_SPOILED]


@pytest.mark.parametrize("column", ["ordered_at", "updated_at"])
def test_the_days_to_refresh_are_found_among_infinite_ones(bare: Platform, column: str) -> None:
    fill(bare.dsn, rows=5, tables=["orders"])
    bare.sql(f"update shop.orders set {column} = 'infinity' where order_id = 5")
    with PostgresSnapshot(bare.dsn) as snapshot:
        changed = snapshot.changes(SOURCE_TABLES["orders"], datetime(2026, 1, 1, tzinfo=UTC), DayRange(DAY, DAY))
    assert changed["dt"].to_pylist() == [DAY] * 5


_ODD_JSON = [
    '{"weight_kg": 1e30}',
    '{"weight_kg": 1e400}',
    '{"weight_kg": "NaN"}',
    '{"weight_kg": -1e-40}',
    '{"weight_kg": [1]}',
    '{"weight_kg": {"value": 1}}',
    '{"weight_kg": true}',
    "[1, 2]",
    "7",
    '"text"',
    "null",
    '{"color": "' + "x" * 100_000 + '"}',
    '{"color": 5, "size": null}',
    '{"a": ' + "[" * 200 + "]" * 200 + "}",
]


def test_odd_json_does_not_fail_the_day(bare: Platform) -> None:
    fill(bare.dsn, rows=_ROWS, tables=["tenants", "products"])
    spoiled = _spoil(bare, "products", "attributes", _ODD_JSON)
    assert bare.run(DAY, tables=_PRODUCTS).failures == ()
    assert set(_rules(bare, "products", "product_id")) <= spoiled
