"""Bronze is the source as it is; silver is the source cleaned: both compared with PostgreSQL row by row."""

from datetime import UTC, date, datetime

import polars as pl
import psycopg
import pytest

from shopease_assets_tests.platform import START, Platform
from shopease_assets_tests.spine.compare import differences

_BUSINESS_DAY = {
    "orders": "ordered_at::date",
    "order_items": "(select o.ordered_at::date from shop.orders as o where o.order_id = t.order_id)",
    "web_events": "occurred_at::date",
    "inventory_movements": "occurred_at::date",
    "invoices": "issue_date",
}
_KEYS = {
    "tenants": ("tenant_id",),
    "stores": ("store_id",),
    "customers": ("customer_id",),
    "products": ("product_id",),
    "subscriptions": ("subscription_id",),
    "inventory": ("product_id", "store_id"),
    "inventory_movements": ("movement_id",),
    "orders": ("order_id",),
    "order_items": ("order_item_id",),
    "web_events": ("event_id",),
    "invoices": ("invoice_id",),
}
_LAKE_TYPES = {
    "int4": pl.Int64(),
    "int8": pl.Int64(),
    "text": pl.String(),
    "bpchar": pl.String(),
    "jsonb": pl.String(),
    "inet": pl.String(),
    "bool": pl.Boolean(),
    "date": pl.Date(),
    "timestamptz": pl.Datetime("us", "UTC"),
    "numeric": pl.Decimal(12, 2),
}
_OURS = {"_extracted_at", "_source", "_unreadable"}
_PLAIN = {
    "tenants": "tenant_id, trim(name) as name, trim(slug) as slug, domain, lower(trim(plan)) as plan, is_active",
    "stores": "store_id, tenant_id, trim(name) as name, trim(city) as city, state, country, manager_name, opened_on",
    "customers": """
        md5(customer_id || '|' || (extract(epoch from updated_at) * 1000000)::bigint) as customer_key,
        customer_id, tenant_id, lower(trim(email)) as email, trim(first_name) as first_name,
        trim(last_name) as last_name, nullif(trim(phone), '') as phone, date_of_birth,
        nullif(trim(gender), '') as gender,
        nullif(trim(address_line1), '') as address_line1, trim(city) as city, trim(state) as state,
        trim(postal_code) as postal_code, trim(country) as country,
        initcap(trim(customer_segment)) as customer_segment, is_active, registered_at""",
    "products": """
        md5(product_id || '|' || (extract(epoch from updated_at) * 1000000)::bigint) as product_key,
        product_id, tenant_id, sku, trim(name) as name, nullif(trim(description), '') as description,
        trim(category) as category, trim(subcategory) as subcategory, trim(brand) as brand, price, cost, supplier_id,
        reorder_level, is_active, launched_on""",
    "inventory": "product_id, store_id, stock_quantity",
    "orders": """
        order_id, tenant_id, customer_id, store_id, trim(order_number) as order_number, lower(trim(status)) as status,
        trim(payment_method) as payment_method, trim(payment_status) as payment_status,
        lower(trim(sales_channel)) as sales_channel, nullif(trim(shipping_method), '') as shipping_method,
        nullif(trim(shipping_city), '') as shipping_city, nullif(trim(shipping_state), '') as shipping_state,
        nullif(trim(shipping_postal_code), '') as shipping_postal_code,
        nullif(trim(shipping_country), '') as shipping_country, subtotal, tax_amount, shipping_cost, discount_amount,
        total_amount, currency::text as currency, nullif(trim(coupon_code), '') as coupon_code, ordered_at,
        shipped_at, delivered_at""",
    "order_items": "order_item_id, order_id, product_id, quantity, unit_price, discount_amount, line_total",
    "subscriptions": """
        subscription_id, tenant_id, customer_id, trim(plan_name) as plan_name, lower(trim(status)) as status,
        start_date, end_date, monthly_amount, lower(trim(billing_cycle)) as billing_cycle""",
    "inventory_movements": """
        movement_id, product_id, store_id, quantity_delta, lower(trim(reason)) as reason, occurred_at""",
    "invoices": """
        invoice_id, tenant_id, customer_id, subscription_id, trim(invoice_number) as invoice_number, amount,
        lower(trim(status)) as status, issue_date, due_date, paid_date""",
    "web_events": """
        event_id, tenant_id, customer_id, trim(session_id) as session_id, lower(trim(event_type)) as event_type,
        product_id, trim(page_url) as page_url, nullif(trim(referrer_url), '') as referrer_url,
        trim(device_type) as device_type, trim(browser) as browser, trim(os) as os, ip_address::text as ip_address,
        nullif(trim(user_agent), '') as user_agent, occurred_at""",
}
_JSON = {
    "customers": ("metadata", {"marketing_opt_in": "boolean", "loyalty_tier": "text", "source": "text"}),
    "orders": ("metadata", {"gift": "boolean", "campaign": "text", "device": "text"}),
    "products": ("attributes", {"color": "text", "size": "text", "material": "text", "weight_kg": "numeric(9, 3)"}),
    "tenants": ("settings", {"timezone": "text", "currency": "text"}),
    "web_events": ("event_data", {"search_term": "text", "quantity": "int", "value": "numeric(12, 2)"}),
}


def _rows(dsn: str, statement: str) -> list[dict[str, object]]:
    with psycopg.connect(dsn, options="-c timezone=UTC", row_factory=psycopg.rows.dict_row) as connection:
        return connection.execute(statement).fetchall()  # type: ignore[arg-type]


def _day(table: str) -> str:
    return _BUSINESS_DAY.get(table) or f"greatest(updated_at::date, date '{START}')"


@pytest.mark.parametrize("table", _KEYS)
def test_bronze_is_the_source_value_by_value(built: Platform, table: str) -> None:
    described = _rows(
        built.dsn,
        f"""select column_name as name, udt_name as kind from information_schema.columns
            where table_schema = 'shop' and table_name = '{table}' order by ordinal_position""",
    )
    text = {"jsonb", "inet", "bpchar"}
    selection = ", ".join(
        f"{c['name']}::text as {c['name']}" if c["kind"] in text else str(c["name"]) for c in described
    )
    theirs = _rows(built.dsn, f"select {selection}, {_day(table)} as dt from shop.{table} as t")
    ours = built.rows(f"bronze.{table}")
    assert differences(ours.drop(_OURS).to_dicts(), theirs, _KEYS[table]) == []
    expected = {str(column["name"]): _LAKE_TYPES[str(column["kind"])] for column in described} | {"dt": pl.Date()}
    assert dict(ours.drop(_OURS).schema) == expected
    assert ours["_unreadable"].null_count() == len(ours)
    assert ours["_source"].unique().to_list() == [f"postgresql:shop.{table}"]
    extracted = ours["_extracted_at"]
    assert extracted.dtype == pl.Datetime("us", "UTC")
    assert extracted.max() <= datetime.now(UTC)  # type: ignore[operator]


@pytest.mark.parametrize("table", _PLAIN)
def test_silver_is_the_source_cleaned(built: Platform, table: str) -> None:
    column, known = _JSON.get(table, ("", {}))
    fields = "".join(f", ({column}->>'{name}')::{kind} as {name}" for name, kind in known.items())
    keys = ", ".join(f"'{name}'" for name in known)
    rest = f", nullif({column} - array[{keys}], '{{}}') as extra" if known else ""
    theirs = _rows(
        built.dsn,
        f"select {_PLAIN[table]}{fields}{rest}, created_at, updated_at, {_day(table)} as dt from shop.{table} as t",
    )
    ours = built.rows(f"silver.{table}")
    read = [row | ({"extra": _parsed(row["extra"])} if known else {}) for row in ours.to_dicts()]
    assert differences(read, theirs, _KEYS[table]) == []


def test_nothing_of_a_clean_shop_is_quarantined(built: Platform) -> None:
    refused = {str(ref): built.rows(str(ref)) for ref in built.log.tables() if ref.layer == "quarantine"}
    assert set(refused) == {f"quarantine.{table}" for table in _PLAIN}
    assert all(rows.is_empty() for rows in refused.values())


def test_versions_older_than_the_lake_belong_to_its_first_day(built: Platform) -> None:
    products = built.rows("silver.products")
    older = products.filter(pl.col("updated_at") < datetime.combine(START, datetime.min.time(), UTC))
    assert not older.is_empty()
    assert older["dt"].unique().to_list() == [date(2026, 1, 1)]


def _parsed(text: object) -> object:
    import orjson

    return None if text is None else orjson.loads(str(text))
