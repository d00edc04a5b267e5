"""Each rule of the data model, broken once by one row of an otherwise good day: that row, and no other, is set aside.

All rows are spoiled in one database and one run; each test looks at one of them.
"""

import json
from collections.abc import Iterator

import psycopg
import pytest

from shopease_assets import synthetic
from shopease_assets.core.quality import Dimension
from shopease_assets.sources.embedded import create_database, drop_database
from shopease_assets_tests.faults.good_day import DAY, PARENTS, ROWS, SILVER, both_layers, fill
from shopease_assets_tests.platform import Platform

_KEYS = {
    "tenants": "tenant_id",
    "stores": "store_id",
    "customers": "customer_id",
    "products": "product_id",
    "inventory": "product_id",
    "orders": "order_id",
    "order_items": "order_item_id",
    "subscriptions": "subscription_id",
    "inventory_movements": "movement_id",
    "web_events": "event_id",
    "invoices": "invoice_id",
}
_REQUIRED = {
    "tenants": "name slug plan is_active settings",
    "stores": "tenant_id name city state country opened_on",
    "customers": "tenant_id email first_name last_name city state postal_code country customer_segment is_active "
    "metadata registered_at",
    "products": "tenant_id sku name category subcategory brand price cost reorder_level is_active launched_on "
    "attributes",
    "inventory": "store_id stock_quantity",
    "orders": "tenant_id customer_id order_number status payment_method payment_status sales_channel subtotal "
    "tax_amount shipping_cost discount_amount total_amount currency metadata ordered_at",
    "order_items": "order_id product_id quantity unit_price discount_amount line_total",
    "subscriptions": "tenant_id customer_id plan_name status start_date monthly_amount billing_cycle",
    "inventory_movements": "product_id store_id quantity_delta reason occurred_at",
    "web_events": "tenant_id session_id event_type page_url device_type browser os event_data occurred_at",
    "invoices": "tenant_id customer_id invoice_number amount status issue_date due_date",
}
_COMPLETENESS = [
    (table, f"{column} = null", f"{column}|nullability") for table in SILVER for column in _REQUIRED[table].split()
]
_COMPLETENESS += [(table, f"{key} = null", f"{key}|nullability") for table, key in _KEYS.items()]
_EMPTY = [
    ("customers", "email = '  '", "email|nullability"),
    ("products", "sku = ''", "sku|nullability"),
    ("orders", "status = ' '", "status|nullability"),
]
_CONSISTENCY = [
    (table, f"{column} = {ROWS + 1_000_000}", f"{column}|exists")
    for table, columns in {
        "stores": ["tenant_id"],
        "customers": ["tenant_id"],
        "products": ["tenant_id"],
        "inventory": ["product_id", "store_id"],
        "orders": ["tenant_id", "customer_id", "store_id"],
        "order_items": ["order_id", "product_id"],
        "subscriptions": ["tenant_id", "customer_id"],
        "inventory_movements": ["product_id", "store_id"],
        "web_events": ["tenant_id", "customer_id", "product_id"],
        "invoices": ["tenant_id", "customer_id", "subscription_id"],
    }.items()
    for column in columns
]
_VALIDITY = [
    ("tenants", "plan = 'gold'", "plan|listed"),
    ("tenants", "settings = '{oops'", "settings|json"),
    ("tenants", "created_at = '1899-12-31Z'", "created_at|plausible"),
    ("stores", "opened_on = '1899-12-31'", "opened_on|plausible"),
    ("stores", "opened_on = '2999-01-01'", "opened_on|plausible"),
    ("customers", "email = 'asha.example.com'", "email|format"),
    ("customers", "email = 'a b@example.com'", "email|format"),
    ("customers", "customer_segment = 'Gold'", "customer_segment|listed"),
    ("customers", "metadata = 'not json'", "metadata|json"),
    ("customers", "date_of_birth = '1899-12-31'", "date_of_birth|plausible"),
    ("customers", "date_of_birth = '2999-01-01'", "date_of_birth|plausible"),
    ("customers", "registered_at = '2999-01-01Z'", "registered_at|plausible"),
    ("products", "price = -0.01", "price|min"),
    ("products", "cost = -1", "cost|min"),
    ("products", "attributes = '[1,'", "attributes|json"),
    ("products", "launched_on = '2999-01-01'", "launched_on|plausible"),
    ("orders", "status = 'lost'", "status|listed"),
    ("orders", "sales_channel = 'fax'", "sales_channel|listed"),
    ("orders", "currency = 'inr'", "currency|format"),
    ("orders", "currency = 'RUPEE'", "currency|format"),
    ("orders", "metadata = '{\"a\": NaN}'", "metadata|json"),
    ("orders", "subtotal = -20", "subtotal|min"),
    ("orders", "tax_amount = -2, total_amount = 16", "tax_amount|min"),
    ("orders", "shipping_cost = -1, total_amount = 18", "shipping_cost|min"),
    ("orders", "discount_amount = -3, total_amount = 26", "discount_amount|min"),
    ("orders", "total_amount = -20", "total_amount|min"),
    ("orders", "shipped_at = '2999-01-01Z', delivered_at = null", "shipped_at|plausible"),
    ("order_items", "quantity = 0, unit_price = 0, line_total = 0", "quantity|min"),
    ("order_items", "unit_price = -10, line_total = -20", "unit_price|min"),
    ("order_items", "discount_amount = -1, line_total = 21", "discount_amount|min"),
    ("order_items", "line_total = -20, discount_amount = 40", "line_total|min"),
    ("subscriptions", "status = 'paused'", "status|listed"),
    ("subscriptions", "billing_cycle = 'weekly'", "billing_cycle|listed"),
    ("subscriptions", "monthly_amount = -0.01", "monthly_amount|min"),
    ("subscriptions", "start_date = '1899-12-31', end_date = null", "start_date|plausible"),
    ("inventory_movements", "reason = 'theft'", "reason|listed"),
    ("inventory_movements", "created_at = '2999-01-01Z'", "created_at|plausible"),
    ("web_events", "event_type = 'hover'", "event_type|listed"),
    ("web_events", "event_data = '{\"value\":'", "event_data|json"),
    ("invoices", "status = 'lost'", "status|listed"),
    ("invoices", "amount = -1", "amount|min"),
    ("invoices", "paid_date = '2999-01-01'", "paid_date|plausible"),
]
_ACCURACY = [
    ("orders", "total_amount = 20.01", "total_adds_up"),
    ("orders", "subtotal = 20.01, total_amount = 20.01", "subtotal_is_the_sum_of_lines"),
    ("orders", "shipped_at = ordered_at - interval '1 second'", "shipped_after_ordered"),
    ("orders", "delivered_at = shipped_at - interval '1 microsecond'", "delivered_after_shipped"),
    ("order_items", "line_total = 19.99", "line_total_adds_up"),
    ("subscriptions", "end_date = start_date - 1", "ends_after_start"),
    ("invoices", "due_date = issue_date - 1", "due_after_issue"),
]
_FAULTS = [
    *((Dimension.COMPLETENESS, *fault) for fault in _COMPLETENESS + _EMPTY),
    *((Dimension.CONSISTENCY, *fault) for fault in _CONSISTENCY),
    *((Dimension.VALIDITY, *fault) for fault in _VALIDITY),
    *((Dimension.ACCURACY, *fault) for fault in _ACCURACY),
]
_IDS = [f"{table}: {spoiled}" for _, table, spoiled, _ in _FAULTS]
_SPOILED_ROW = {fault: PARENTS + 10 + 3 * number for number, fault in enumerate(_FAULTS)}


@pytest.fixture(scope="module")
def spoiled_day(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    dsn = create_database(server, "spoiled_day")
    synthetic.create(dsn, relaxed=True)
    fill(dsn)
    with psycopg.connect(dsn) as connection:
        for (_, table, change, _), row in _SPOILED_ROW.items():
            moved = "updated_at = updated_at + interval '1 second'"
            connection.execute(f"update shop.{table} set {change}, {moved} where {_KEYS[table]} = {row}")
    with Platform(dsn, tmp_path_factory.mktemp("spoiled") / "lake") as platform:
        outcome = platform.run(DAY, tables=both_layers())
        assert outcome.failures == ()
        yield platform
    drop_database(server, "spoiled_day")


@pytest.mark.parametrize(("dimension", "table", "change", "rule"), _FAULTS, ids=_IDS)
def test_a_row_that_breaks_a_rule_is_set_aside_under_the_rule_s_name(
    spoiled_day: Platform, dimension: Dimension, table: str, change: str, rule: str
) -> None:
    key, row = _KEYS[table], _SPOILED_ROW[dimension, table, change, rule]
    told = change.removeprefix(f"{key} = ") if change.startswith(f"{key} = ") else str(row)
    refused = [
        entry
        for entry in spoiled_day.rows(f"quarantine.{table}").iter_rows(named=True)
        if json.loads(entry["original_row"])[key] == (None if told == "null" else told)
    ]
    assert len(refused) == 1
    assert rule in refused[0]["rules"].split(", ")
    assert dimension in refused[0]["dimensions"].split(", ")
    assert row not in spoiled_day.rows(f"silver.{table}")[key]


@pytest.mark.parametrize("table", SILVER)
def test_every_row_of_a_spoiled_day_is_published_or_quarantined(spoiled_day: Platform, table: str) -> None:
    published, refused = spoiled_day.rows(f"silver.{table}"), spoiled_day.rows(f"quarantine.{table}")
    assert len(published) + len(refused) == len(spoiled_day.rows(f"bronze.{table}")) == ROWS
    assert all(spoiled_day.checks(f"silver.{table}", DAY).values())


@pytest.mark.parametrize("table", ["tenants", "stores", "customers", "products"])
def test_only_the_spoiled_rows_of_a_table_are_quarantined(spoiled_day: Platform, table: str) -> None:
    spoiled = [fault for fault in _FAULTS if fault[1] == table]
    assert len(spoiled_day.rows(f"quarantine.{table}")) == len(spoiled)
