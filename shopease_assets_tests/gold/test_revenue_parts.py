"""Tables that cut a tenant's revenue into parts: categories, places, stores, touches and seasons."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from shopease_assets_tests.gold.shop import (
    Tables,
    at,
    customer,
    customer_day,
    line,
    order,
    product,
    rows_of,
    stock,
    store,
    summary,
)

FEBRUARY, MARCH = date(2025, 2, 10), date(2025, 3, 10)
MEASURES = ["revenue", "orders", "units", "customers", "revenue_share_pct", "revenue_rank"]


def parts(name: str, tables: Tables, *key: str, as_of: date = MARCH) -> list[list[object]]:
    """The rows by rank: the key and the measures, money as text."""
    rows = sorted(rows_of(name, tables, as_of=as_of), key=lambda row: (row["tenant_id"], row["revenue_rank"]))
    assert all(list(row)[-len(MEASURES) :] == MEASURES for row in rows)
    return [[row[column] for column in key] + [str(row["revenue"])] + [row[m] for m in MEASURES[1:]] for row in rows]


def test_a_basket_of_two_categories_counts_in_both(tmp_path: Path) -> None:
    tables = stock(
        tmp_path,
        {
            "gold.fact_sales": [
                line(1, 1, FEBRUARY, quantity=3, line_total=Decimal("20.00")),
                line(1, 2, FEBRUARY, line_total=Decimal("10.00")),
                line(1, 3, FEBRUARY, line_total=Decimal("60.00")),
                line(2, 3, MARCH, line_total=Decimal("10.00"), customer_id=2),
                line(3, 3, MARCH, is_sale=False, customer_id=3),
                line(4, 4, MARCH, tenant_id=2, line_total=Decimal("0.00")),
            ],
            "silver.products": [
                product(1, at(FEBRUARY), category="decor"),
                product(2, at(FEBRUARY), category="old name"),
                product(2, at(MARCH), category="decor"),
                product(3, at(MARCH), category="lighting"),
                product(4, at(MARCH), category="decor"),
            ],
        },
    )
    assert parts("category_performance", tables, "tenant_id", "category") == [
        [1, "lighting", "70.00", 2, 2, 2, 70.0, 1],
        [1, "decor", "30.00", 1, 4, 1, 30.0, 2],
        [2, "decor", "0.00", 1, 1, 1, None, 1],
    ]


def test_equal_revenue_is_ranked_by_name(tmp_path: Path) -> None:
    lines = [line(n, n, MARCH) for n in (1, 2, 3)]
    products = [product(n, at(MARCH), category=name) for n, name in enumerate("cab", start=1)]
    tables = stock(tmp_path, {"gold.fact_sales": lines, "silver.products": products})
    assert [row[0] for row in parts("category_performance", tables, "category")] == ["a", "b", "c"]


def test_a_sale_stays_where_the_customer_lived_when_it_was_placed(tmp_path: Path) -> None:
    tables = stock(
        tmp_path,
        {
            "silver.customers": [
                customer(1, at(FEBRUARY, 11)),
                customer(1, at(MARCH, 11), city="Mumbai"),
                customer(2, at(MARCH, 23), city="Nagpur"),
            ],
            "silver.orders": [
                order(1, FEBRUARY, status="shipped"),
                order(2, MARCH, ordered_at=at(MARCH, 11)),
                order(3, MARCH, ordered_at=at(MARCH, 10)),
                order(4, MARCH, status="cancelled"),
                order(5, MARCH, customer_id=2),
            ],
            "gold.fact_sales": [
                line(1, 1, FEBRUARY, line_total=Decimal("30.00")),
                line(1, 2, FEBRUARY, line_total=Decimal("20.00")),
                line(2, 1, MARCH, line_total=Decimal("25.00"), quantity=5),
                line(3, 1, MARCH, line_total=Decimal("0.00")),
                line(5, 1, MARCH, line_total=Decimal("25.00"), customer_id=2),
            ],
        },
    )
    assert parts("geographic_sales", tables, "country", "state", "city") == [
        ["IN", "MH", "Pune", "50.00", 2, 3, 1, 50.0, 1],
        ["IN", "MH", "Mumbai", "25.00", 1, 5, 1, 25.0, 2],
        ["IN", "MH", "Nagpur", "25.00", 1, 1, 1, 25.0, 3],
    ]


def test_a_store_s_share_is_of_all_the_tenant_sold(tmp_path: Path) -> None:
    tables = stock(
        tmp_path,
        {
            "silver.stores": [
                store(1, at(FEBRUARY)),
                store(1, at(date(2025, 4, 1)), name="Named later"),
                store(2, at(FEBRUARY)),
                store(3, at(FEBRUARY), name="Never sold"),
            ],
            "silver.orders": [
                order(1, MARCH, store_id=1),
                order(2, MARCH, store_id=2, customer_id=2),
                order(3, MARCH, store_id=2, status="returned"),
                order(4, MARCH),
                order(5, MARCH, store_id=1),
            ],
            "gold.fact_sales": [
                line(1, 1, MARCH),
                line(2, 1, MARCH, line_total=Decimal("30.00")),
                line(4, 1, MARCH, line_total=Decimal("60.00"), quantity=2),
            ],
        },
    )
    assert parts("store_performance", tables, "store_id", "store_name", "city") == [
        [2, "Shop 2", "Pune", "30.00", 1, 1, 1, 30.0, 1],
        [1, "Shop 1", "Pune", "10.00", 2, 1, 1, 10.0, 2],
    ]


def test_an_order_is_attributed_to_the_touch_recorded_on_it(tmp_path: Path) -> None:
    tables = stock(
        tmp_path,
        {
            "silver.orders": [
                order(1, FEBRUARY, campaign="spring", device="mobile"),
                order(2, MARCH, campaign="spring", device="mobile", customer_id=2),
                order(3, MARCH, sales_channel="store", device="terminal"),
                order(4, MARCH),
                order(5, MARCH, status="pending"),
            ],
            "gold.fact_sales": [line(n, 1, FEBRUARY if n == 1 else MARCH, customer_id=1 + n % 2) for n in range(1, 5)],
        },
    )
    assert parts("revenue_attribution", tables, "sales_channel", "campaign", "device") == [
        ["web", "spring", "mobile", "20.00", 2, 2, 2, 50.0, 1],
        ["store", "none", "terminal", "10.00", 1, 1, 1, 25.0, 2],
        ["web", "none", "unknown", "10.00", 1, 1, 1, 25.0, 3],
    ]


def test_a_season_is_a_month_of_any_year_and_a_weekday(tmp_path: Path) -> None:
    monday, next_monday, sunday, last_year = MARCH, date(2025, 3, 17), date(2025, 3, 16), date(2024, 3, 11)
    tables = stock(
        tmp_path,
        {
            "gold.daily_sales_summary": [
                summary(monday, 2, "10.00", units=3),
                summary(next_monday, 1, "20.00"),
                summary(last_year, 1, "30.00"),
                summary(sunday, 1, "40.00"),
                summary(date(2025, 3, 18), 0, "0.00"),
            ],
            "gold.daily_customer_sales": [
                *[customer_day(1, day) for day in (monday, next_monday, last_year, sunday)],
                customer_day(2, monday),
            ],
        },
    )
    assert parts("seasonal_sales", tables, "month_of_year", "iso_weekday", "days_with_sales") == [
        [3, 1, 3, "60.00", 4, 5, 2, 60.0, 1],
        [3, 7, 1, "40.00", 1, 1, 1, 40.0, 2],
    ]


@pytest.mark.parametrize("day", [date(2024, 2, 29), date(2024, 12, 31), date(2026, 1, 1)])
def test_weekdays_are_the_calendar_s(tmp_path: Path, day: date) -> None:
    (row,) = rows_of("seasonal_sales", stock(tmp_path, {"gold.daily_sales_summary": [summary(day, 1, "1.00")]}))
    assert (row["month_of_year"], row["iso_weekday"]) == (day.month, day.isoweekday())
