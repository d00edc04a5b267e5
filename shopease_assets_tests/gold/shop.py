"""A small shop for the gold tests: rows with plain defaults, published and queried as the lake would."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa

import shopease_assets.gold
from shopease_assets.engines.duckdb import run
from shopease_assets.engines.sql_model import SqlModel
from shopease_assets_tests.engines.published import Published, Row, publish

Tables = dict[tuple[str, str], Published]

_ID, _TEXT, _DAY, _MONEY, _TOTAL = pa.int64(), pa.string(), pa.date32(), pa.decimal128(12, 2), pa.decimal128(18, 2)
_TIME = pa.timestamp("us", "UTC")

SCHEMAS: dict[tuple[str, str], pa.Schema] = {
    ("silver", "orders"): pa.schema(
        [
            ("order_id", _ID), ("tenant_id", _ID), ("customer_id", _ID), ("store_id", _ID), ("status", _TEXT),
            ("payment_method", _TEXT), ("sales_channel", _TEXT), ("tax_amount", _MONEY), ("shipping_cost", _MONEY),
            ("discount_amount", _MONEY), ("ordered_at", _TIME), ("shipped_at", _TIME), ("delivered_at", _TIME),
            ("campaign", _TEXT), ("device", _TEXT), ("updated_at", _TIME), ("dt", _DAY),
        ]
    ),
    ("silver", "order_items"): pa.schema(
        [
            ("order_item_id", _ID), ("order_id", _ID), ("product_id", _ID), ("quantity", _ID), ("unit_price", _MONEY),
            ("discount_amount", _MONEY), ("line_total", _MONEY), ("updated_at", _TIME), ("dt", _DAY),
        ]
    ),
    ("silver", "products"): pa.schema(
        [
            ("product_key", _TEXT), ("product_id", _ID), ("tenant_id", _ID), ("sku", _TEXT), ("name", _TEXT),
            ("category", _TEXT), ("price", _MONEY), ("cost", _MONEY), ("reorder_level", _ID), ("created_at", _TIME),
            ("updated_at", _TIME),
            ("dt", _DAY),
        ]
    ),
    ("silver", "customers"): pa.schema(
        [
            ("customer_key", _TEXT), ("customer_id", _ID), ("tenant_id", _ID), ("first_name", _TEXT),
            ("last_name", _TEXT), ("city", _TEXT), ("state", _TEXT), ("country", _TEXT), ("customer_segment", _TEXT),
            ("is_active", pa.bool_()), ("registered_at", _TIME), ("updated_at", _TIME), ("dt", _DAY),
        ]
    ),
    ("gold", "customer_segments"): pa.schema(
        [
            ("tenant_id", _ID), ("customer_id", _ID), ("recency", _ID), ("frequency", _ID), ("monetary", _TOTAL),
            ("r_score", _ID), ("f_score", _ID), ("m_score", _ID), ("rfm_segment", _TEXT), ("value_band", _TEXT),
            ("month", _DAY),
        ]
    ),
    ("silver", "inventory"): pa.schema(
        [
            ("product_id", _ID), ("store_id", _ID), ("stock_quantity", _ID), ("created_at", _TIME),
            ("updated_at", _TIME), ("dt", _DAY),
        ]
    ),
    ("silver", "inventory_movements"): pa.schema(
        [
            ("movement_id", _ID), ("product_id", _ID), ("store_id", _ID), ("quantity_delta", _ID), ("reason", _TEXT),
            ("occurred_at", _TIME), ("dt", _DAY),
        ]
    ),
    ("silver", "web_events"): pa.schema(
        [
            ("event_id", _ID), ("tenant_id", _ID), ("customer_id", _ID), ("session_id", _TEXT), ("event_type", _TEXT),
            ("product_id", _ID), ("device_type", _TEXT), ("browser", _TEXT), ("os", _TEXT), ("value", _MONEY),
            ("occurred_at", _TIME), ("dt", _DAY),
        ]
    ),
    ("gold", "fact_web_events"): pa.schema(
        [
            ("dt", _DAY), ("event_id", _ID), ("tenant_id", _ID), ("session_id", _TEXT), ("session_number", _ID),
            ("event_type", _TEXT), ("device_type", _TEXT),
        ]
    ),
    ("silver", "stores"): pa.schema(
        [
            ("store_id", _ID), ("tenant_id", _ID), ("name", _TEXT), ("city", _TEXT), ("state", _TEXT),
            ("country", _TEXT), ("updated_at", _TIME), ("dt", _DAY),
        ]
    ),
    ("silver", "tenants"): pa.schema(
        [
            ("tenant_id", _ID), ("name", _TEXT), ("plan", _TEXT), ("created_at", _TIME), ("updated_at", _TIME),
            ("dt", _DAY),
        ]
    ),
    ("silver", "subscriptions"): pa.schema(
        [
            ("subscription_id", _ID), ("tenant_id", _ID), ("customer_id", _ID), ("plan_name", _TEXT),
            ("status", _TEXT), ("start_date", _DAY), ("end_date", _DAY), ("monthly_amount", _MONEY),
            ("updated_at", _TIME), ("dt", _DAY),
        ]
    ),
    ("silver", "invoices"): pa.schema(
        [
            ("invoice_id", _ID), ("tenant_id", _ID), ("amount", _MONEY), ("status", _TEXT), ("issue_date", _DAY),
            ("due_date", _DAY), ("paid_date", _DAY), ("dt", _DAY),
        ]
    ),
    ("gold", "fact_sales"): pa.schema(
        [
            ("dt", _DAY), ("order_id", _ID), ("order_item_id", _ID), ("tenant_id", _ID), ("customer_id", _ID),
            ("product_id", _ID), ("is_sale", pa.bool_()), ("quantity", _ID), ("unit_price", _MONEY),
            ("line_total", _MONEY), ("line_cost", _TOTAL),
        ]
    ),
    ("gold", "daily_sales_summary"): pa.schema(
        [
            ("tenant_id", _ID), ("total_transactions", _ID), ("total_items_sold", _ID), ("total_revenue", _TOTAL),
            ("dt", _DAY),
        ]
    ),
    ("gold", "daily_product_sales"): pa.schema(
        [
            ("tenant_id", _ID), ("product_id", _ID), ("orders", _ID), ("quantity", _ID), ("revenue", _TOTAL),
            ("cost", _TOTAL), ("dt", _DAY),
        ]
    ),
    ("gold", "daily_customer_sales"): pa.schema(
        [
            ("tenant_id", _ID), ("customer_id", _ID), ("orders", _ID), ("items", _ID), ("revenue", _TOTAL),
            ("dt", _DAY),
        ]
    ),
    ("gold", "customer_analytics"): pa.schema(
        [
            ("tenant_id", _ID), ("customer_id", _ID), ("customer_segment", _TEXT), ("total_purchases", _ID),
            ("total_items_bought", _ID), ("total_spent", _TOTAL), ("avg_order_value", _TOTAL),
            ("first_purchase_date", _DAY), ("last_purchase_date", _DAY), ("days_since_last_order", _ID),
            ("avg_days_between_orders", pa.float64()), ("customer_status", _TEXT), ("month", _DAY),
        ]
    ),
    ("gold", "customer_lifetime_value"): pa.schema(
        [
            ("tenant_id", _ID), ("customer_id", _ID), ("historic_value", _TOTAL), ("predicted_12m_value", _TOTAL),
            ("predicted_alive_probability", pa.float64()), ("month", _DAY),
        ]
    ),
}  # fmt: skip
"""What the models read, as the data model has it (only the columns that matter to them)."""


def load(name: str) -> SqlModel:
    """The gold model of that name."""
    return SqlModel.load(Path(next(iter(shopease_assets.gold.__path__))) / f"{name}.sql")


def rows_of(name: str, tables: Tables, *, as_of: date | None = None) -> list[dict[str, Any]]:
    """What the model computes, in a fixed order."""
    rows: list[dict[str, Any]] = run(load(name), tables, as_of=as_of).to_pylist()
    return sorted(rows, key=lambda row: [str(value) for value in row.values()])


def stock(root: Path, frames: Mapping[str, Iterable[Row]]) -> Tables:
    """Publishes frames by their table's name (`silver.orders`); every other known table is empty."""
    return {table: publish(root, table, schema, frames.get(".".join(table), [])) for table, schema in SCHEMAS.items()}


def add_gold(root: Path, tables: Tables, *names: str) -> Tables:
    """The tables with these daily models computed from them, one after the other."""
    for name in names:
        result = run(load(name), tables)
        tables = {
            **tables,
            ("gold", name): publish(root / "computed", ("gold", name), result.schema, result.to_pylist()),
        }
    return tables


def at(day: date, hour: int = 12, minute: int = 0) -> datetime:
    """A time of that day, UTC."""
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)


def order(order_id: int, day: date, **changes: object) -> Row:
    """A delivered web order of customer 1 of tenant 1 at noon: shipped the next day, there two days later."""
    return {
        "order_id": order_id, "tenant_id": 1, "customer_id": 1, "store_id": None, "status": "delivered",
        "payment_method": "card", "sales_channel": "web", "tax_amount": Decimal("0.00"),
        "shipping_cost": Decimal("0.00"), "discount_amount": Decimal("0.00"), "ordered_at": at(day),
        "shipped_at": at(day + timedelta(1), 9), "delivered_at": at(day + timedelta(3), 9), "campaign": None,
        "device": None, "updated_at": at(day, 13), "dt": day,
    } | changes  # fmt: skip


def item(order_item_id: int, order_id: int, day: date, total: str = "10.00", **changes: object) -> Row:
    """One piece of product 1."""
    return {
        "order_item_id": order_item_id, "order_id": order_id, "product_id": 1, "quantity": 1,
        "unit_price": Decimal(total), "discount_amount": Decimal("0.00"), "line_total": Decimal(total),
        "updated_at": at(day, 13), "dt": day,
    } | changes  # fmt: skip


def product(product_id: int, known_from: datetime, cost: str = "4.00", **changes: object) -> Row:
    """A version of a lamp."""
    return {
        "product_key": f"{product_id} of {known_from:%d %b %H:%M}", "product_id": product_id, "tenant_id": 1,
        "sku": f"SKU-{product_id}", "name": f"Lamp {product_id}", "category": "lighting", "price": Decimal("10.00"),
        "cost": Decimal(cost), "reorder_level": 10, "created_at": known_from, "updated_at": known_from,
        "dt": known_from.date(),
    } | changes  # fmt: skip


def customer(customer_id: int, known_from: datetime, **changes: object) -> Row:
    """A version of Ada, of Pune."""
    return {
        "customer_key": f"{customer_id} of {known_from:%d %b %H:%M}", "customer_id": customer_id, "tenant_id": 1,
        "first_name": "Ada", "last_name": "Rao", "city": "Pune", "state": "MH", "country": "IN", "is_active": True,
        "customer_segment": "Premium", "registered_at": known_from, "updated_at": known_from,
        "dt": known_from.date(),
    } | changes  # fmt: skip


def level(product_id: int, store_id: int, quantity: int, known_from: datetime, listed: datetime | None = None) -> Row:
    """What a store had of a product from then on; `listed` is since when it has the product at all."""
    return {
        "product_id": product_id, "store_id": store_id, "stock_quantity": quantity, "created_at": listed or known_from,
        "updated_at": known_from, "dt": known_from.date(),
    }  # fmt: skip


def movement(product_id: int, day: date, quantity: int, reason: str = "sale", store_id: int = 1) -> Row:
    """Pieces that came into a store (positive) or left it."""
    return {
        "product_id": product_id, "store_id": store_id, "quantity_delta": quantity, "reason": reason,
        "occurred_at": at(day), "dt": day,
    }  # fmt: skip


def event(event_id: int, occurred_at: datetime, event_type: str = "page_view", **changes: object) -> Row:
    """What an anonymous visitor of tenant 1 did on a phone, in session s."""
    return {
        "event_id": event_id, "tenant_id": 1, "customer_id": None, "session_id": "s", "event_type": event_type,
        "product_id": None, "device_type": "mobile", "browser": "Firefox", "os": "Android", "value": None,
        "occurred_at": occurred_at, "dt": occurred_at.date(),
    } | changes  # fmt: skip


def store(store_id: int, known_from: datetime, **changes: object) -> Row:
    """A version of a shop in Pune."""
    return {
        "store_id": store_id, "tenant_id": 1, "name": f"Shop {store_id}", "city": "Pune", "state": "MH",
        "country": "IN", "updated_at": known_from, "dt": known_from.date(),
    } | changes  # fmt: skip


def tenant(tenant_id: int, known_from: datetime, **changes: object) -> Row:
    """A version of a tenant that exists since then."""
    return {
        "tenant_id": tenant_id, "name": f"Tenant {tenant_id}", "plan": "free", "created_at": known_from,
        "updated_at": known_from, "dt": known_from.date(),
    } | changes  # fmt: skip


def subscription(subscription_id: int, start: date, known_from: datetime, **changes: object) -> Row:
    """A version of an active subscription for 10 a month."""
    return {
        "subscription_id": subscription_id, "tenant_id": 1, "customer_id": 1, "plan_name": "Plus", "status": "active",
        "start_date": start, "end_date": None, "monthly_amount": Decimal("10.00"), "updated_at": known_from,
        "dt": known_from.date(),
    } | changes  # fmt: skip


def invoice(invoice_id: int, issued: date, due: date, amount: str = "10.00", **changes: object) -> Row:
    """An invoice that was sent and not paid."""
    return {
        "invoice_id": invoice_id, "tenant_id": 1, "amount": Decimal(amount), "status": "sent", "issue_date": issued,
        "due_date": due, "paid_date": None, "dt": issued,
    } | changes  # fmt: skip


def line(order_id: int, product_id: int, day: date, **changes: object) -> Row:
    """A sold line of customer 1 of tenant 1 in the fact table."""
    return {
        "dt": day, "order_id": order_id, "order_item_id": order_id * 100 + product_id, "tenant_id": 1,
        "customer_id": 1, "product_id": product_id, "is_sale": True, "quantity": 1, "unit_price": Decimal("10.00"),
        "line_total": Decimal("10.00"), "line_cost": Decimal("4.00"),
    } | changes  # fmt: skip


def summary(day: date, orders: int, revenue: str, units: int = 1, tenant_id: int = 1) -> Row:
    """A tenant's day."""
    return {
        "tenant_id": tenant_id, "total_transactions": orders, "total_items_sold": units,
        "total_revenue": Decimal(revenue), "dt": day,
    }  # fmt: skip


def product_day(product_id: int, day: date, revenue: str, **changes: object) -> Row:
    """A product's day: one order of one piece at a cost of 4."""
    return {
        "tenant_id": 1, "product_id": product_id, "orders": 1, "quantity": 1, "revenue": Decimal(revenue),
        "cost": Decimal("4.00"), "dt": day,
    } | changes  # fmt: skip


def customer_day(customer_id: int, day: date, revenue: str = "10.00", **changes: object) -> Row:
    """A customer's day: one order of one piece."""
    return {
        "tenant_id": 1, "customer_id": customer_id, "orders": 1, "items": 1, "revenue": Decimal(revenue), "dt": day,
    } | changes  # fmt: skip


def buyer(customer_id: int, month: date, spent: str = "10.00", **changes: object) -> Row:
    """The state of a Premium customer who bought once, on the first of the month."""
    return {
        "tenant_id": 1, "customer_id": customer_id, "customer_segment": "Premium", "total_purchases": 1,
        "total_items_bought": 1, "total_spent": Decimal(spent), "avg_order_value": Decimal(spent),
        "first_purchase_date": month, "last_purchase_date": month, "days_since_last_order": 0,
        "customer_status": "active", "month": month,
    } | changes  # fmt: skip


def worth(customer_id: int, month: date, spent: str = "10.00", predicted: str = "5.00", **changes: object) -> Row:
    """What a customer has been worth, and is expected to be."""
    return {
        "tenant_id": 1, "customer_id": customer_id, "historic_value": Decimal(spent),
        "predicted_12m_value": Decimal(predicted), "predicted_alive_probability": 0.5, "month": month,
    } | changes  # fmt: skip


def subscription_of(customer_id: int, subscription_id: int, known_from: datetime, **changes: object) -> Row:
    """A version of a customer's active Plus subscription, which starts when it becomes known."""
    told = {"customer_id": customer_id, "plan_name": "Plus", "monthly_amount": Decimal("9.00")}
    return subscription(subscription_id, known_from.date(), known_from) | told | changes


def visit(event_id: int, customer_id: int | None, day: date, session: str = "s1") -> Row:
    """A web event of a session of tenant 1."""
    return event(event_id, at(day), customer_id=customer_id, session_id=session)


def segmented(customer_id: int, month: date, rfm_segment: str = "champions") -> Row:
    """A row of customer_segments: one order yesterday for 7."""
    return {
        "tenant_id": 1, "customer_id": customer_id, "recency": 1, "frequency": 1, "monetary": Decimal("7.00"),
        "r_score": 5, "f_score": 4, "m_score": 3, "rfm_segment": rfm_segment, "value_band": "Low", "month": month,
    }  # fmt: skip
