from datetime import date
from decimal import Decimal
from pathlib import Path

from shopease_assets_tests.gold.shop import customer_day, rows_of, stock

JANUARY, MARCH = date(2025, 1, 1), date(2025, 3, 1)


def test_a_cohort_is_followed_month_by_month_with_its_silent_months(tmp_path: Path) -> None:
    tables = stock(
        tmp_path,
        {
            "gold.daily_customer_sales": [
                customer_day(1, date(2025, 1, 31), "10.00"),
                customer_day(2, date(2025, 1, 1), "20.00"),
                customer_day(2, date(2025, 1, 2), "5.00"),
                customer_day(1, date(2025, 3, 1), "7.00"),
                customer_day(1, date(2025, 3, 2), "1.00"),
                customer_day(3, date(2025, 3, 31), "2.00"),
            ]
        },
    )
    rows = rows_of("cohort_retention", tables, as_of=date(2025, 3, 31))
    columns = [
        "tenant_id", "cohort_month", "months_since", "cohort_size", "active_customers", "retention_rate", "revenue",
    ]  # fmt: skip
    assert list(rows[0]) == columns
    assert [list(row.values()) for row in rows] == [
        [1, JANUARY, 0, 2, 2, 1.0, Decimal("35.00")],
        [1, JANUARY, 1, 2, 0, 0.0, Decimal("0.00")],
        [1, JANUARY, 2, 2, 1, 0.5, Decimal("8.00")],
        [1, MARCH, 0, 1, 1, 1.0, Decimal("2.00")],
    ]


def test_a_customer_of_two_tenants_is_in_a_cohort_of_each(tmp_path: Path) -> None:
    days = [customer_day(1, date(2024, 12, 31)), customer_day(1, date(2025, 1, 1), tenant_id=2)]
    rows = rows_of("cohort_retention", stock(tmp_path, {"gold.daily_customer_sales": days}), as_of=date(2025, 1, 1))
    assert [(row["tenant_id"], row["months_since"], row["active_customers"]) for row in rows] == [
        (1, 0, 1),
        (1, 1, 0),
        (2, 0, 1),
    ]


def test_years_of_months_are_counted(tmp_path: Path) -> None:
    days = [customer_day(1, date(2014, 11, 30)), customer_day(1, date(2025, 2, 1))]
    rows = rows_of("cohort_retention", stock(tmp_path, {"gold.daily_customer_sales": days}), as_of=date(2025, 2, 1))
    assert sorted(row["months_since"] for row in rows) == list(range(124))
    assert {row["months_since"] for row in rows if row["active_customers"]} == {0, 123}
