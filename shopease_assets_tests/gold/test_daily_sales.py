from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from shopease_assets_tests.gold.shop import Row, Tables, add_gold, at, customer, item, order, product, rows_of, stock

DAY, NEXT = date(2025, 3, 1), date(2025, 3, 2)
MARTS = [
    "daily_sales_summary",
    "daily_product_sales",
    "daily_customer_sales",
    "daily_channel_sales",
    "daily_geographic_sales",
]


def sales(tmp_path: Path, orders: list[Row], items: list[Row], products: list[Row]) -> Tables:
    frames = {"silver.orders": orders, "silver.order_items": items, "silver.products": products}
    return add_gold(tmp_path, stock(tmp_path, frames), "fact_sales")


@pytest.fixture
def busy_day(tmp_path: Path) -> Tables:
    """Tenant 1 sells twice to customer 1 and once to customer 2; tenant 2 has nothing but a cancelled order."""
    return sales(
        tmp_path,
        [
            order(1, DAY),
            order(2, DAY, status="processing"),
            order(3, DAY, customer_id=2, status="shipped"),
            order(4, DAY, customer_id=3, status="cancelled"),
            order(5, DAY, customer_id=3, status="returned"),
            order(6, DAY, customer_id=3, status="pending"),
            order(7, DAY, tenant_id=2, customer_id=9, status="cancelled"),
        ],
        [
            item(10, 1, DAY, "10.00"),
            item(11, 1, DAY, "0.01", product_id=2, quantity=2),
            item(20, 2, DAY, "5.00"),
            item(30, 3, DAY, "20.00", quantity=2),
            item(40, 4, DAY, "1000.00"),
            item(50, 5, DAY, "1000.00"),
            item(60, 6, DAY, "1000.00", product_id=3),
            item(70, 7, DAY, "1000.00"),
        ],
        [product(number, at(DAY, 0), "4.00") for number in (1, 2, 3)],
    )


def test_the_day_of_a_tenant_counts_only_its_sales(busy_day: Tables) -> None:
    first, second = rows_of("daily_sales_summary", busy_day)
    assert first == {
        "tenant_id": 1,
        "sales_date": DAY,
        "total_transactions": 3,
        "total_items_sold": 6,
        "total_revenue": Decimal("35.01"),
        "avg_transaction_value": Decimal("11.67"),
        "unique_customers": 2,
        "unique_products": 2,
        "cancelled_orders": 1,
        "returned_orders": 1,
        "gross_margin": Decimal("11.01"),  # 35.01 less 6 pieces at 4.00
        "dt": DAY,
    }
    assert second == {
        "tenant_id": 2,
        "sales_date": DAY,
        "total_transactions": 0,
        "total_items_sold": 0,
        "total_revenue": Decimal("0.00"),
        "avg_transaction_value": None,
        "unique_customers": 0,
        "unique_products": 0,
        "cancelled_orders": 1,
        "returned_orders": 0,
        "gross_margin": Decimal("0.00"),
        "dt": DAY,
    }


def test_the_day_of_a_product(busy_day: Tables) -> None:
    columns = ["tenant_id", "product_id", "orders", "quantity", "revenue", "cost", "unique_customers", "dt"]
    rows = rows_of("daily_product_sales", busy_day)
    assert [list(row) for row in rows] == [columns, columns]
    assert [list(row.values()) for row in rows] == [
        [1, 1, 3, 4, Decimal("35.00"), Decimal("16.00"), 2, DAY],
        [1, 2, 1, 2, Decimal("0.01"), Decimal("8.00"), 1, DAY],
    ]


def test_the_day_of_a_customer(busy_day: Tables) -> None:
    columns = ["tenant_id", "customer_id", "orders", "items", "revenue", "dt"]
    rows = rows_of("daily_customer_sales", busy_day)
    assert [list(row) for row in rows] == [columns, columns]
    assert [list(row.values()) for row in rows] == [
        [1, 1, 2, 4, Decimal("15.01"), DAY],
        [1, 2, 1, 2, Decimal("20.00"), DAY],
    ]


def test_the_day_of_a_channel_a_payment_method_and_a_store(tmp_path: Path) -> None:
    shop = {"sales_channel": "store", "store_id": 7}
    tables = sales(
        tmp_path,
        [
            order(1, DAY),
            order(2, DAY),
            order(3, DAY, payment_method="cash", **shop),
            order(4, DAY, status="returned", **shop),
            order(5, DAY, sales_channel="mobile", tenant_id=2),
        ],
        [item(1, 1, DAY, "10.00"), item(2, 1, DAY, "0.01"), item(3, 3, DAY, "5.00"), item(4, 4, DAY, "99.00")],
        [],
    )
    rows = rows_of("daily_channel_sales", tables)
    assert list(rows[0]) == [
        "tenant_id", "sales_channel", "payment_method", "store_id", "transactions", "revenue", "dt",
    ]  # fmt: skip
    assert [list(row.values()) for row in rows] == [
        [1, "store", "cash", 7, 1, Decimal("5.00"), DAY],
        [1, "web", "card", None, 2, Decimal("10.01"), DAY],
        [2, "mobile", "card", None, 1, Decimal("0.00"), DAY],
    ]


def test_the_day_of_a_place_is_that_of_the_customers_who_lived_there_when_they_ordered(tmp_path: Path) -> None:
    tables = sales(
        tmp_path,
        [
            order(1, DAY, ordered_at=at(DAY, 8)),
            order(2, DAY, ordered_at=at(DAY, 9)),
            order(3, DAY, ordered_at=at(DAY, 10), customer_id=2),
            order(4, DAY, ordered_at=at(DAY, 10), customer_id=2),
            order(5, DAY, status="pending"),
        ],
        [item(number, number, DAY, f"{number}.00") for number in range(1, 6)],
        [],
    ) | {
        ("silver", "customers"): stock(
            tmp_path / "customers",
            {
                "silver.customers": [
                    customer(1, at(date(2025, 2, 1))),
                    customer(1, at(DAY, 9), city="Mumbai"),
                    customer(2, at(NEXT), city="Mumbai"),
                    customer(2, at(NEXT, 13), city="Goa"),
                ]
            },
        )["silver", "customers"]
    }
    rows = rows_of("daily_geographic_sales", tables)
    assert list(rows[0]) == ["tenant_id", "country", "state", "city", "orders", "customers", "revenue", "dt"]
    assert [list(row.values()) for row in rows] == [
        [1, "IN", "MH", "Mumbai", 3, 2, Decimal("9.00"), DAY],
        [1, "IN", "MH", "Pune", 1, 1, Decimal("1.00"), DAY],
    ]


def test_the_marts_of_a_day_add_up_to_each_other(busy_day: Tables) -> None:
    day = rows_of("daily_sales_summary", busy_day)[0]
    products = rows_of("daily_product_sales", busy_day)
    customers = rows_of("daily_customer_sales", busy_day)
    for mart, orders in (("daily_channel_sales", "transactions"), ("daily_geographic_sales", "orders")):
        rows = [row for row in rows_of(mart, busy_day) if row["tenant_id"] == 1]
        assert sum(row["revenue"] for row in rows) == day["total_revenue"]
        assert sum(row[orders] for row in rows) == day["total_transactions"]
    assert sum(row["revenue"] for row in products) == day["total_revenue"]
    assert sum(row["revenue"] for row in customers) == day["total_revenue"]
    assert sum(row["orders"] for row in customers) == day["total_transactions"]


@pytest.mark.parametrize("status", ["pending", "processing", "shipped", "delivered", "cancelled", "returned"])
def test_the_marts_agree_on_what_a_sale_is(tmp_path: Path, status: str) -> None:
    tables = sales(tmp_path, [order(1, DAY, status=status)], [item(1, 1, DAY)], [])
    (fact,) = rows_of("fact_sales", tables)
    (day,) = rows_of("daily_sales_summary", tables)
    assert day["total_transactions"] == day["unique_customers"] == int(fact["is_sale"])
    assert len(rows_of("daily_customer_sales", tables)) == int(fact["is_sale"])


@pytest.mark.parametrize(
    ("totals", "average"),
    [
        (["0.01", "0.02"], "0.02"),  # 1.5 cents
        (["0.02", "0.03"], "0.03"),  # 2.5 cents: half up, not half even
        (["10.00", "10.00", "10.01"], "10.00"),
        (["10.00", "10.01", "10.01"], "10.01"),
        (["0.00"], "0.00"),
        (["9999999999.99", "9999999999.98"], "9999999999.99"),
    ],
)
def test_an_average_is_rounded_half_up_to_the_cent(tmp_path: Path, totals: list[str], average: str) -> None:
    orders = [order(number, DAY) for number, _ in enumerate(totals)]
    items = [item(number, number, DAY, total) for number, total in enumerate(totals)]
    (day,) = rows_of("daily_sales_summary", sales(tmp_path, orders, items, []))
    assert day["avg_transaction_value"] == Decimal(average)


def test_an_order_whose_lines_were_all_quarantined_is_still_a_transaction(tmp_path: Path) -> None:
    tables = sales(tmp_path, [order(1, DAY), order(2, DAY, customer_id=2)], [item(1, 1, DAY)], [])
    (day,) = rows_of("daily_sales_summary", tables)
    assert (day["total_transactions"], day["unique_customers"], day["total_revenue"]) == (2, 2, Decimal("10.00"))
    assert [(row["orders"], row["items"], row["revenue"]) for row in rows_of("daily_customer_sales", tables)] == [
        (1, 1, Decimal("10.00")),
        (1, 0, Decimal("0.00")),
    ]


def test_a_line_without_known_cost_counts_as_revenue(tmp_path: Path) -> None:
    tables = sales(
        tmp_path, [order(1, DAY)], [item(1, 1, DAY), item(2, 1, DAY, product_id=2)], [product(1, at(DAY, 0))]
    )
    (day,) = rows_of("daily_sales_summary", tables)
    assert day["gross_margin"] == Decimal("16.00")
    assert [row["cost"] for row in rows_of("daily_product_sales", tables)] == [Decimal("4.00"), Decimal("0.00")]


@pytest.mark.parametrize("mart", MARTS)
def test_a_range_of_days_gives_what_the_days_give_one_by_one(tmp_path: Path, mart: str) -> None:
    days = [DAY + timedelta(n) for n in range(3)]
    tables = sales(
        tmp_path,
        [
            order(
                n, days[n % 3], tenant_id=1 + n % 2, customer_id=n % 4, status="cancelled" if n % 5 == 0 else "shipped"
            )
            for n in range(30)
        ],
        [item(n, n % 30, days[n % 3], f"{n}.37", product_id=n % 7, quantity=1 + n % 3) for n in range(90)],
        [product(n, at(DAY, 0)) for n in range(7)],
    )
    day_by_day = [
        row for day in days for row in rows_of(mart, {name: table.days(day) for name, table in tables.items()})
    ]
    in_one_go = rows_of(mart, tables)
    assert sorted(in_one_go, key=str) == sorted(day_by_day, key=str)
    assert {row["dt"] for row in in_one_go} == set(days)


@pytest.mark.parametrize("mart", MARTS)
def test_a_day_without_orders_is_an_empty_table(tmp_path: Path, mart: str) -> None:
    assert rows_of(mart, stock(tmp_path, {})) == []
