from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from shopease_assets.engines.duckdb import run
from shopease_assets_tests.gold.shop import Row, at, item, load, order, product, rows_of, stock

DAY = date(2025, 3, 1)


def facts(tmp_path: Path, orders: list[Row], items: list[Row], products: list[Row]) -> list[dict[str, Any]]:
    frames = {"silver.orders": orders, "silver.order_items": items, "silver.products": products}
    return rows_of("fact_sales", stock(tmp_path, frames))


def test_a_line_carries_its_order_its_product_and_its_profit(tmp_path: Path) -> None:
    lines = facts(
        tmp_path,
        [order(7, DAY, customer_id=5, store_id=3, status="shipped", sales_channel="store", delivered_at=None)],
        [item(70, 7, DAY, "27.00", quantity=3, unit_price=Decimal("10.00"), discount_amount=Decimal("3.00"))],
        [product(1, at(date(2025, 1, 1)), "4.25")],
    )
    assert lines == [
        {
            "dt": DAY,
            "order_id": 7,
            "order_item_id": 70,
            "tenant_id": 1,
            "customer_id": 5,
            "product_id": 1,
            "store_id": 3,
            "sku": "SKU-1",
            "order_date_key": 20250301,
            "order_status": "shipped",
            "payment_method": "card",
            "sales_channel": "store",
            "is_sale": True,
            "quantity": 3,
            "unit_price": Decimal("10.00"),
            "discount_amount": Decimal("3.00"),
            "line_total": Decimal("27.00"),
            "unit_cost": Decimal("4.25"),
            "line_cost": Decimal("12.75"),
            "line_profit": Decimal("14.25"),
            "ordered_at": at(DAY),
            "days_to_ship": 1,
            "days_to_deliver": None,
        }
    ]


def test_every_status_has_its_lines_and_three_of_them_are_sales(tmp_path: Path) -> None:
    statuses = ["pending", "processing", "shipped", "delivered", "cancelled", "returned"]
    lines = facts(
        tmp_path,
        [order(number, DAY, status=status) for number, status in enumerate(statuses)],
        [item(number, number, DAY) for number in range(len(statuses))],
        [product(1, at(DAY, 0))],
    )
    assert {line["order_status"]: line["is_sale"] for line in lines} == {
        "pending": False,
        "processing": True,
        "shipped": True,
        "delivered": True,
        "cancelled": False,
        "returned": False,
    }


VERSIONS = [
    product(1, at(date(2025, 2, 1)), "1.00"),
    product(1, at(DAY, 12), "2.00"),
    product(1, at(DAY, 18), "3.00", sku="NEW"),
    product(1, at(date(2025, 3, 5)), "9.00"),
]


@pytest.mark.parametrize(
    ("ordered_at", "cost"),
    [
        (at(DAY, 11, 59), "1.00"),
        (at(DAY, 12), "2.00"),
        (at(DAY, 17, 59), "2.00"),
        (at(DAY, 18), "3.00"),
        (at(DAY, 23, 59), "3.00"),
    ],
)
def test_the_cost_is_the_one_known_when_the_order_was_placed(tmp_path: Path, ordered_at: datetime, cost: str) -> None:
    (line,) = facts(tmp_path, [order(1, DAY, ordered_at=ordered_at)], [item(1, 1, DAY)], VERSIONS)
    assert line["unit_cost"] == Decimal(cost)


def test_an_order_before_the_first_known_version_takes_the_earliest_one(tmp_path: Path) -> None:
    (line,) = facts(tmp_path, [order(1, DAY)], [item(1, 1, DAY)], [
        product(1, at(date(2025, 3, 9)), "6.00"), product(1, at(date(2025, 3, 4)), "5.00")
    ])  # fmt: skip
    assert line["unit_cost"] == Decimal("5.00")


def test_a_line_of_an_unknown_product_is_kept_without_cost(tmp_path: Path) -> None:
    (line,) = facts(tmp_path, [order(1, DAY)], [item(1, 1, DAY, product_id=99)], [product(1, at(DAY, 0))])
    assert (line["line_total"], line["sku"], line["line_cost"], line["line_profit"]) == (
        Decimal("10.00"),
        None,
        None,
        None,
    )


def test_two_versions_of_the_same_instant_do_not_double_a_line(tmp_path: Path) -> None:
    twins = [product(1, at(DAY, 1), "5.00"), product(1, at(DAY, 1), "6.00")]
    (line,) = facts(tmp_path, [order(1, DAY)], [item(1, 1, DAY)], twins)
    assert line["unit_cost"] == Decimal("6.00")


def test_shipping_the_same_evening_takes_no_day_and_over_midnight_takes_one(tmp_path: Path) -> None:
    lines = facts(
        tmp_path,
        [
            order(1, DAY, ordered_at=at(DAY, 1), shipped_at=at(DAY, 23)),
            order(2, DAY, ordered_at=at(DAY, 23), shipped_at=at(date(2025, 3, 2), 1)),
        ],
        [item(1, 1, DAY), item(2, 2, DAY)],
        [],
    )
    assert [line["days_to_ship"] for line in lines] == [0, 1]


def test_a_range_of_days_gives_what_the_days_give_one_by_one(tmp_path: Path) -> None:
    days = [DAY + timedelta(n) for n in range(4)]
    tables = stock(
        tmp_path,
        {
            "silver.orders": [order(n, days[n % 4], ordered_at=at(days[n % 4], n)) for n in range(24)],
            "silver.order_items": [item(n, n % 24, days[n % 4], product_id=1 + n % 2) for n in range(48)],
            "silver.products": [
                *[product(1, at(day, 6), f"{n}.50") for n, day in enumerate(days)],
                *[product(2, at(day, 20), f"{n}.25") for n, day in enumerate([date(2025, 2, 1), *days])],
            ],
        },
    )
    orders, items, products = (tables["silver", name] for name in ("orders", "order_items", "products"))
    day_by_day = [
        line
        for day in days
        for line in rows_of(
            "fact_sales",
            tables
            | {
                ("silver", "orders"): orders.days(day),
                ("silver", "order_items"): items.days(day),
                ("silver", "products"): products.until(day),
            },
        )
    ]
    assert rows_of("fact_sales", tables) == day_by_day
    assert len(day_by_day) == 48
    assert len({line["unit_cost"] for line in day_by_day}) > 4


def test_an_item_and_an_order_of_different_days_do_not_meet(tmp_path: Path) -> None:
    assert facts(tmp_path, [order(1, DAY)], [item(1, 1, date(2025, 3, 2))], []) == []


def test_a_day_without_orders_is_an_empty_table(tmp_path: Path) -> None:
    result = run(load("fact_sales"), stock(tmp_path, {}))
    assert result.num_rows == 0
