from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from shopease_assets_tests.gold.shop import at, customer, customer_day, rows_of, stock

LAST_DAY = date(2025, 3, 31)


def test_a_customer_s_purchases_add_up_under_the_latest_address(tmp_path: Path) -> None:
    first = date(2024, 12, 31)
    tables = stock(
        tmp_path,
        {
            "gold.daily_customer_sales": [
                customer_day(1, first, "10.00", orders=2, items=3),
                customer_day(1, date(2025, 3, 1), "0.01", orders=1, items=1),
            ],
            "silver.customers": [
                customer(1, at(date(2025, 3, 2), 10), city="Mumbai", last_name="Iyer", customer_segment="Basic"),
                customer(1, at(date(2025, 3, 2), 9)),
                customer(2, at(date(2025, 3, 2), 9), first_name="Never bought"),
            ],
        },
    )
    assert rows_of("customer_analytics", tables, as_of=LAST_DAY) == [
        {
            "tenant_id": 1,
            "customer_id": 1,
            "customer_name": "Ada Iyer",
            "city": "Mumbai",
            "state": "MH",
            "customer_segment": "Basic",
            "total_purchases": 3,
            "total_items_bought": 4,
            "total_spent": Decimal("10.01"),
            "avg_order_value": Decimal("3.34"),
            "first_purchase_date": first,
            "last_purchase_date": date(2025, 3, 1),
            "days_since_last_order": 30,
            "avg_days_between_orders": 30.0,
            "customer_status": "active",
        }
    ]


@pytest.mark.parametrize(
    ("days_ago", "status"),
    [(0, "active"), (30, "active"), (31, "at_risk"), (90, "at_risk"), (91, "churned"), (400, "churned")],
)
def test_silence_turns_a_customer_from_active_to_churned(tmp_path: Path, days_ago: int, status: str) -> None:
    day = LAST_DAY - timedelta(days_ago)
    tables = stock(tmp_path, {"gold.daily_customer_sales": [customer_day(1, day)]})
    (row,) = rows_of("customer_analytics", tables, as_of=LAST_DAY)
    assert (row["days_since_last_order"], row["customer_status"]) == (days_ago, status)


def test_one_order_has_no_interval_and_two_on_a_day_have_none_between_them(tmp_path: Path) -> None:
    tables = stock(
        tmp_path, {"gold.daily_customer_sales": [customer_day(1, LAST_DAY), customer_day(2, LAST_DAY, orders=2)]}
    )
    once, twice = rows_of("customer_analytics", tables, as_of=LAST_DAY)
    assert (once["avg_days_between_orders"], twice["avg_days_between_orders"]) == (None, 0.0)


def test_a_buyer_whose_profile_has_not_arrived_is_kept(tmp_path: Path) -> None:
    tables = stock(tmp_path, {"gold.daily_customer_sales": [customer_day(1, LAST_DAY)]})
    (row,) = rows_of("customer_analytics", tables, as_of=LAST_DAY)
    assert (row["customer_name"], row["total_spent"]) == (None, Decimal("10.00"))
