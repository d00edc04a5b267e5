"""Clean data obeys every rule of the data model, exactly."""

import json
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from shopease_assets.synthetic import TABLES, Dataset
from shopease_assets.synthetic.dataset import KEYS

NULLABLE = {
    "tenants": {"domain"},
    "stores": {"manager_name"},
    "customers": {"phone", "date_of_birth", "gender", "address_line1"},
    "products": {"description", "supplier_id"},
    "subscriptions": {"end_date"},
    "orders": {
        *("store_id", "coupon_code", "shipped_at", "delivered_at", "shipping_method"),
        *("shipping_city", "shipping_state", "shipping_postal_code", "shipping_country"),
    },
    "web_events": {"customer_id", "product_id", "referrer_url", "ip_address", "user_agent"},
    "invoices": {"subscription_id", "paid_date"},
}
ENUMERATIONS = {
    ("tenants", "plan"): {"free", "standard", "enterprise"},
    ("customers", "customer_segment"): {"Premium", "Standard", "Basic"},
    ("subscriptions", "status"): {"trial", "active", "cancelled", "expired"},
    ("subscriptions", "billing_cycle"): {"monthly", "yearly"},
    ("inventory_movements", "reason"): {"sale", "receipt", "return", "adjustment"},
    ("orders", "status"): {"pending", "processing", "shipped", "delivered", "cancelled", "returned"},
    ("orders", "sales_channel"): {"web", "mobile", "store", "marketplace"},
    ("web_events", "event_type"): {
        *("page_view", "product_view", "search", "add_to_cart", "remove_from_cart", "checkout", "purchase", "click"),
    },
    ("invoices", "status"): {"draft", "sent", "paid", "overdue", "cancelled"},
}
REFERENCES = [
    ("stores", "tenant_id", "tenants"),
    ("customers", "tenant_id", "tenants"),
    ("products", "tenant_id", "tenants"),
    ("subscriptions", "customer_id", "customers"),
    ("inventory", "product_id", "products"),
    ("inventory", "store_id", "stores"),
    ("inventory_movements", "product_id", "products"),
    ("inventory_movements", "store_id", "stores"),
    ("orders", "customer_id", "customers"),
    ("orders", "store_id", "stores"),
    ("order_items", "order_id", "orders"),
    ("order_items", "product_id", "products"),
    ("web_events", "customer_id", "customers"),
    ("web_events", "product_id", "products"),
    ("invoices", "customer_id", "customers"),
    ("invoices", "subscription_id", "subscriptions"),
]


def breaches(frame: pl.DataFrame, rule: pl.Expr) -> int:
    """Rows for which the rule is false (null passes, as in SQL checks)."""
    return frame.filter(~rule).height


@pytest.mark.parametrize("table", TABLES)
def test_only_columns_that_may_be_null_are_null(clean: Dataset, table: str) -> None:
    frame = clean.frames[table]
    with_nulls = {column for column in frame.columns if frame[column].null_count()}
    assert with_nulls <= NULLABLE.get(table, set())


@pytest.mark.parametrize("table", TABLES)
def test_keys_are_unique(clean: Dataset, table: str) -> None:
    frame = clean.frames[table]
    assert frame.n_unique(KEYS[table]) == frame.height


@pytest.mark.parametrize(("child", "key", "parent"), REFERENCES)
def test_every_reference_exists(clean: Dataset, child: str, key: str, parent: str) -> None:
    used = clean.frames[child].filter(pl.col(key).is_not_null())
    assert used.join(clean.frames[parent], on=key, how="anti").is_empty()


@pytest.mark.parametrize(("table", "column"), ENUMERATIONS)
def test_enumerations_hold_the_listed_words_and_all_of_them(clean: Dataset, table: str, column: str) -> None:
    words = set(clean.frames[table][column])
    assert words <= ENUMERATIONS[table, column]
    if clean.frames[table].height > 1_000:
        assert words == ENUMERATIONS[table, column]


def test_every_clean_item_adds_up_to_the_cent(clean: Dataset) -> None:
    rule = pl.col("quantity") * pl.col("unit_price") - pl.col("discount_amount") == pl.col("line_total")
    assert breaches(clean.frames["order_items"], rule) == 0
    assert breaches(clean.frames["order_items"], pl.col("quantity") > 0) == 0


def test_every_clean_order_adds_up_to_the_cent(clean: Dataset) -> None:
    total = pl.col("subtotal") + pl.col("tax_amount") + pl.col("shipping_cost") - pl.col("discount_amount")
    assert breaches(clean.frames["orders"], pl.col("total_amount") == total) == 0


def test_the_subtotal_of_an_order_is_the_sum_of_its_lines(clean: Dataset) -> None:
    sums = clean.frames["order_items"].group_by("order_id").agg(pl.col("line_total").sum())
    joined = clean.frames["orders"].join(sums, on="order_id", how="left")
    assert joined["line_total"].null_count() == 0
    assert breaches(joined, pl.col("line_total") == pl.col("subtotal")) == 0


@pytest.mark.parametrize("table", TABLES)
def test_no_amount_is_negative(clean: Dataset, table: str) -> None:
    for column, dtype in clean.frames[table].schema.items():
        if dtype == pl.Decimal:
            assert dtype == pl.Decimal(12, 2), column
            assert (clean.frames[table][column] >= 0).all(), column


def test_things_happen_in_the_right_order(clean: Dataset) -> None:
    orders, invoices, subscriptions = (clean.frames[name] for name in ("orders", "invoices", "subscriptions"))
    assert breaches(orders, pl.col("shipped_at") >= pl.col("ordered_at")) == 0
    assert breaches(orders, pl.col("delivered_at") >= pl.col("shipped_at")) == 0
    assert breaches(invoices, pl.col("due_date") >= pl.col("issue_date")) == 0
    assert breaches(invoices, pl.col("paid_date") >= pl.col("issue_date")) == 0
    assert breaches(subscriptions, pl.col("end_date") >= pl.col("start_date")) == 0


def test_nobody_buys_before_registering_nor_what_is_not_on_sale(clean: Dataset) -> None:
    items = clean.frames["order_items"].join(clean.frames["orders"], on="order_id")
    items = items.join(clean.frames["customers"].select("customer_id", "registered_at"), on="customer_id")
    launched = clean.frames["products"].select("product_id", "launched_on", pl.col("created_at").alias("listed_at"))
    items = items.join(launched, on="product_id")
    assert items.height == clean.frames["order_items"].height
    assert breaches(items, pl.col("ordered_at") >= pl.col("registered_at")) == 0
    assert breaches(items, pl.col("ordered_at") >= pl.col("listed_at")) == 0
    assert breaches(items, pl.col("ordered_at").dt.date() >= pl.col("launched_on")) == 0


def test_orders_and_their_parts_stay_within_one_tenant(clean: Dataset) -> None:
    frames = clean.frames
    orders = frames["orders"].join(
        frames["customers"].select("customer_id", pl.col("tenant_id").alias("of_customer")), on="customer_id"
    )
    assert breaches(orders, pl.col("tenant_id") == pl.col("of_customer")) == 0
    items = frames["order_items"].join(orders.select("order_id", "tenant_id"), on="order_id")
    items = items.join(
        frames["products"].select("product_id", pl.col("tenant_id").alias("of_product")), on="product_id"
    )
    assert breaches(items, pl.col("tenant_id") == pl.col("of_product")) == 0


def test_movements_add_up_to_the_stock(clean: Dataset) -> None:
    moved = clean.frames["inventory_movements"].group_by("product_id", "store_id").agg(pl.col("quantity_delta").sum())
    stock = clean.frames["inventory"].join(moved, on=["product_id", "store_id"], how="full")
    assert stock.filter(pl.col("stock_quantity").ne_missing(pl.col("quantity_delta"))).is_empty()
    assert (clean.frames["inventory"]["stock_quantity"] >= 0).all()


def test_store_sales_are_carried_home_and_all_others_are_shipped(clean: Dataset) -> None:
    in_store = pl.col("sales_channel") == "store"
    for column in NULLABLE["orders"] - {"store_id", "coupon_code", "shipped_at", "delivered_at"}:
        assert breaches(clean.frames["orders"], pl.col(column).is_null() == in_store) == 0, column
    assert breaches(clean.frames["orders"], pl.col("store_id").is_not_null() == in_store) == 0


@pytest.mark.parametrize("table", TABLES)
def test_nothing_is_later_than_now_nor_changed_before_it_was_created(clean: Dataset, table: str) -> None:
    frame = clean.frames[table]
    assert breaches(frame, pl.col("updated_at") >= pl.col("created_at")) == 0
    for column, dtype in frame.schema.items():
        if dtype == pl.Datetime:
            latest = frame[column].max()
            assert isinstance(latest, datetime), column
            assert latest <= clean.window.now, column


def test_dates_are_plausible(clean: Dataset) -> None:
    limit = clean.window.last_day + timedelta(days=1)
    for frame in clean.frames.values():
        for column, dtype in frame.schema.items():
            if dtype == pl.Date and column != "due_date":  # the one date that lies ahead
                assert frame[column].drop_nulls().is_between(date(1900, 1, 1), limit).all(), column


def test_business_days_fill_the_window_and_nothing_else(clean: Dataset) -> None:
    for table, column in (
        ("orders", "ordered_at"),
        ("inventory_movements", "occurred_at"),
        ("web_events", "occurred_at"),
    ):
        days = clean.frames[table][column].dt.date()
        assert days.min() >= clean.window.start, table  # type: ignore[operator]
        assert days.n_unique() >= clean.window.days - 1, table
    assert clean.frames["invoices"]["issue_date"].min() >= clean.window.start  # type: ignore[operator]


def test_emails_currencies_and_json_are_valid(clean: Dataset) -> None:
    emails = clean.frames["customers"]["email"]
    assert emails.str.contains(r"^[^@\s]+@[^@\s]+\.[^@\s]+$").all()
    assert emails.is_unique().all()
    assert clean.frames["orders"]["currency"].str.contains(r"^[A-Z]{3}$").all()
    columns = (("tenants", "settings"), ("customers", "metadata"), ("products", "attributes"))
    for table, column in (*columns, ("orders", "metadata"), ("web_events", "event_data")):
        for text in clean.frames[table][column].unique():
            assert isinstance(json.loads(text), dict)


def test_a_late_event_arrives_after_it_occurred(clean: Dataset) -> None:
    delay = clean.frames["web_events"]["created_at"] - clean.frames["web_events"]["occurred_at"]
    assert delay.min() >= timedelta(0)  # type: ignore[operator]
    assert (delay > timedelta(days=1)).sum() > 0
    assert (clean.frames["web_events"]["created_at"] == clean.frames["web_events"]["updated_at"]).all()


def test_old_orders_are_settled_and_new_ones_are_not(clean: Dataset) -> None:
    orders = clean.frames["orders"]
    unsettled = pl.col("status").is_in(["pending", "processing", "shipped"])
    assert orders.filter(pl.col("ordered_at") < datetime(2026, 2, 1, tzinfo=UTC)).filter(unsettled).is_empty()
    assert not orders.filter(unsettled).is_empty()


def test_what_is_sold_since_the_last_change_has_the_latest_price(clean: Dataset) -> None:
    products = clean.frames["products"].select("product_id", "price", pl.col("updated_at").alias("priced_at"))
    recent = (
        clean.frames["order_items"].join(products, on="product_id").filter(pl.col("created_at") >= pl.col("priced_at"))
    )
    assert not recent.is_empty()
    assert breaches(recent, pl.col("unit_price") == pl.col("price")) == 0


def test_what_is_ordered_since_the_last_move_ships_to_the_latest_address(clean: Dataset) -> None:
    customers = clean.frames["customers"].select("customer_id", "city", pl.col("updated_at").alias("moved_at"))
    orders = clean.frames["orders"].join(customers, on="customer_id").filter(pl.col("shipping_city").is_not_null())
    recent = orders.filter(pl.col("ordered_at") >= pl.col("moved_at"))
    assert breaches(recent, pl.col("shipping_city") == pl.col("city")) == 0
    assert breaches(orders, pl.col("shipping_city") == pl.col("city")) > 0  # some have moved since


def test_prices_follow_the_day_of_the_order(clean: Dataset) -> None:
    points = clean.frames["order_items"].group_by("product_id").agg(pl.col("unit_price").n_unique())
    assert (points["unit_price"] > 1).any()


def test_companions_are_bought_together_more_often_than_by_chance(clean: Dataset) -> None:
    baskets = clean.frames["order_items"].select("order_id", "product_id").unique()
    orders = clean.frames["orders"].height
    pairs = baskets.join(baskets, on="order_id").filter(pl.col("product_id") < pl.col("product_id_right"))
    together = pairs.group_by("product_id", "product_id_right").len("together").filter(pl.col("together") >= 20)
    alone = baskets.group_by("product_id").len("orders")
    lift = (
        together.join(alone, on="product_id")
        .join(alone.rename({"product_id": "product_id_right", "orders": "orders_right"}), on="product_id_right")
        .select(pl.col("together") * orders / (pl.col("orders") * pl.col("orders_right")))
        .to_series()
    )
    assert lift.max() > 2  # type: ignore[operator]
