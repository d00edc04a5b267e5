"""Whatever people type into a text column arrives in silver as they typed it, but for the spaces around it."""

import json

import polars as pl

from shopease_assets_tests.faults.good_day import DAY, both_layers, fill
from shopease_assets_tests.platform import Platform

_TEXTS = [
    "Zoë Müller-Łódź",
    "日本語の名前",
    "عربى",
    "👩‍👩‍👧‍👦 family",
    "e\u0301 combining",
    "\u202eright to left",
    "it's; drop table shop.orders; --",
    'say "hi"',
    "comma, semicolon; tab\tpipe|",
    "two\nlines\r\nthree",
    "back\\slash \\n \\u0000 \\x00",
    "{json} [array] null NULL NaN",
    "%s {day} $1 :name ?",
    "=cmd|' /C calc'!A0",
    "x" * 200_000,
    "\u0001\u001f\u007f\u0085middle\u200b",
    "0012",
    "\ufeffbyte order",
]
_COLUMNS = {
    "tenants": "name slug domain",
    "stores": "name city state country manager_name",
    "customers": "first_name last_name phone gender address_line1 city state postal_code country",
    "products": "sku name description category subcategory brand",
    "orders": "order_number payment_method payment_status shipping_method shipping_city shipping_state "
    "shipping_postal_code shipping_country coupon_code",
}
_KEYS = {
    "tenants": "tenant_id",
    "stores": "store_id",
    "customers": "customer_id",
    "products": "product_id",
    "orders": "order_id",
}
_MOVED = "updated_at = updated_at + interval '1 second'"


def test_every_text_column_holds_any_text_unchanged(bare: Platform) -> None:
    fill(bare.dsn, rows=300)
    for table, columns in _COLUMNS.items():
        for number, text in enumerate(_TEXTS, start=101):
            changes = ", ".join(f"{column} = %s" for column in columns.split())
            padded = [f"  {text}\n"] * len(columns.split())
            bare.sql(f"update shop.{table} set {changes}, {_MOVED} where {_KEYS[table]} = {number}", *padded)
    assert bare.run(DAY, tables=both_layers()).failures == ()
    for table, columns in _COLUMNS.items():
        rows = bare.rows(f"silver.{table}").filter(_spoiled(table)).sort(_KEYS[table])
        for column in columns.split():
            assert rows[column].to_list() == _TEXTS, f"{table}.{column}"


def _spoiled(table: str) -> pl.Expr:
    return pl.col(_KEYS[table]).is_between(101, 100 + len(_TEXTS))


def test_texts_inside_json_arrive_unchanged(bare: Platform) -> None:
    fill(bare.dsn, rows=300, tables=["tenants"])
    for number, text in enumerate(_TEXTS, start=101):
        document = json.dumps({"timezone": text, "other": text}, ensure_ascii=number % 2 == 0)
        bare.sql(f"update shop.tenants set settings = %s, {_MOVED} where tenant_id = {number}", document)
    assert bare.run(DAY, tables=both_layers("tenants")).failures == ()
    rows = bare.rows("silver.tenants").filter(_spoiled("tenants")).sort("tenant_id")
    assert rows["timezone"].to_list() == _TEXTS
    assert [json.loads(extra) for extra in rows["extra"]] == [{"other": text} for text in _TEXTS]
