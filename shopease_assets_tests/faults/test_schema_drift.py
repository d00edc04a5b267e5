"""The source's tables change shape: more is welcome and told, less or other stops the table in one clear line."""

from datetime import UTC, date, datetime
from decimal import Decimal

import dagster as dg
import pytest

from shopease_assets_tests.faults.good_day import DAY, both_layers, fill
from shopease_assets_tests.faults.observed import published, retried_steps
from shopease_assets_tests.platform import Platform

_ORDERS, _PRODUCTS = ["bronze/orders"], both_layers("tenants", "products")


def _newest_metadata(platform: Platform, table: str) -> dict[str, object]:
    event = platform.instance.get_latest_materialization_event(dg.AssetKey(["bronze", table]))
    assert event is not None
    assert event.asset_materialization is not None
    return {name: told.value for name, told in event.asset_materialization.metadata.items()}


_NEW = {
    "text": "gold",
    "bigint": 5,
    "numeric(10,3)": Decimal("1.500"),
    "numeric": "1.5",
    "boolean": True,
    "date": date(2026, 1, 1),
    "timestamptz": datetime(2026, 1, 1, tzinfo=UTC),
    "jsonb": '{"a": 1}',
    "uuid": "12345678-1234-5678-1234-567812345678",
    "double precision": 1.5,
    "character varying(20)": "gold",
}


def test_new_columns_flow_through_bronze_and_are_told(bare: Platform) -> None:
    fill(bare.dsn, rows=10, tables=["orders"])
    bare.run(DAY, tables=_ORDERS)
    for kind, value in _NEW.items():
        bare.sql(f'alter table shop.orders add column "New {kind}" {kind}')
        bare.sql(f'update shop.orders set "New {kind}" = %s where order_id = 5', value)
    assert bare.run(DAY, tables=_ORDERS).failures == ()
    columns = [f"New {kind}" for kind in _NEW]
    assert _newest_metadata(bare, "orders")["new_columns"] == columns
    assert bare.rows("bronze.orders").filter(order_id=5).select(columns).row(0) == tuple(_NEW.values())
    assert bare.rows("bronze.orders").filter(order_id=6).select(columns).row(0) == (None,) * len(columns)


@pytest.mark.parametrize("kind", ["text[]", "interval", "timestamp", "point", "bytea"])
def test_a_new_column_of_a_kind_we_do_not_read_is_named(bare: Platform, kind: str) -> None:
    fill(bare.dsn, rows=10, tables=["orders"])
    bare.sql(f"alter table shop.orders add column extra {kind}")
    (failure,) = bare.run(DAY, tables=_ORDERS).failures
    assert failure.reason.startswith("shop.orders: new column extra ")
    assert retried_steps(bare) == []


@pytest.mark.parametrize("table", ["orders", "products"])
def test_a_new_column_that_goes_again_does_not_stop_the_table(bare: Platform, table: str) -> None:
    fill(bare.dsn, rows=10, tables=["tenants", table])
    bare.sql(f"alter table shop.{table} add column tier text")
    assert bare.run(DAY, tables=[f"bronze/{table}"]).success
    bare.sql(f"alter table shop.{table} drop column tier")
    assert bare.run(DAY, tables=[f"bronze/{table}"]).failures == ()
    assert retried_steps(bare) == []


@pytest.mark.parametrize("table", ["orders", "products"])
def test_a_new_column_that_changes_its_kind_stops_the_table_in_one_clear_line(bare: Platform, table: str) -> None:
    fill(bare.dsn, rows=10, tables=["tenants", table])
    bare.sql(f"alter table shop.{table} add column tier int default 1")
    assert bare.run(DAY, tables=[f"bronze/{table}"]).success
    before = published(bare, f"bronze.{table}")
    bare.sql(f"alter table shop.{table} alter tier type text")
    (failure,) = bare.run(DAY, tables=[f"bronze/{table}"]).failures
    assert failure.reason.startswith(f"bronze.{table}: column tier is published as int64")
    assert "\n" not in failure.reason
    assert retried_steps(bare) == []
    assert published(bare, f"bronze.{table}") == before


@pytest.mark.parametrize("name", ["dt", "_source", "_extracted_at", "_unreadable"])
def test_a_new_column_with_a_name_of_ours_stops_the_table_in_one_clear_line(bare: Platform, name: str) -> None:
    fill(bare.dsn, rows=10, tables=["orders"])
    bare.sql(f"alter table shop.orders add column {name} text default 'theirs'")
    (failure,) = bare.run(DAY, tables=_ORDERS).failures
    assert name in failure.reason
    assert "shop.orders" in failure.reason
    assert retried_steps(bare) == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("drop column sku", "shop.products: column sku is gone from the source; restore it, or change"),
        ("rename column sku to code", "shop.products: column sku is gone from the source (new there: code; renamed?)"),
        ("alter sku type int using 1", "shop.products: column sku is integer in the source, text in"),
        ("alter price type text", "shop.products: column price is text in the source, numeric(12,2) in"),
        ("alter price type numeric(12,4)", "shop.products: column price is numeric(12,4) in the source"),
        ("alter launched_on type timestamptz", "shop.products: column launched_on is timestamp with time zone"),
        ("alter product_id type text", "shop.products: column product_id is text in the source, bigint in"),
        ("alter is_active type int using 1", "shop.products: column is_active is integer in the source, boolean in"),
        ("alter created_at type timestamp", "shop.products: column created_at is timestamp without time zone"),
    ],
)
def test_a_column_gone_or_of_another_kind_stops_the_table_before_anything_is_published(
    bare: Platform, change: str, told: str
) -> None:
    fill(bare.dsn, rows=200, tables=["tenants", "products"])
    bare.run(DAY, tables=["bronze/products"])
    before = published(bare, "bronze.products")
    bare.sql(f"alter table shop.products {change}")
    (failure,) = bare.run(DAY, tables=["bronze/products"]).failures
    assert failure.reason.startswith(told)
    assert "\n" not in failure.reason
    assert retried_steps(bare) == []
    assert published(bare, "bronze.products") == before


@pytest.mark.parametrize("kind", ["numeric(14,2)", "numeric", "numeric(10,2)", "numeric(12,1)"])
def test_a_column_that_was_widened_or_narrowed_is_still_read(bare: Platform, kind: str) -> None:
    fill(bare.dsn, rows=200, tables=["tenants", "products"])
    bare.sql(f"alter table shop.products alter price type {kind}")
    assert bare.run(DAY, tables=_PRODUCTS).failures == ()
    assert bare.rows("silver.products")["price"].sum() == 2_000


def test_columns_in_another_order_are_the_same_columns(bare: Platform) -> None:
    fill(bare.dsn, rows=200, tables=["tenants", "products"])
    bare.run(DAY, tables=_PRODUCTS)
    bare.sql("alter table shop.products add column moved text")
    bare.sql("update shop.products set moved = sku")
    bare.sql("alter table shop.products drop column sku")
    bare.sql("alter table shop.products rename column moved to sku")
    assert bare.run(DAY, tables=_PRODUCTS).failures == ()
    assert bare.rows("silver.products")["sku"].null_count() == 0
