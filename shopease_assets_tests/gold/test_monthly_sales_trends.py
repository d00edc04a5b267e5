from datetime import date
from decimal import Decimal
from pathlib import Path

from shopease_assets_tests.gold.shop import customer_day, rows_of, stock, summary

TODAY = date(2025, 3, 15)


def test_a_month_is_compared_with_the_month_and_the_year_before(tmp_path: Path) -> None:
    tables = stock(
        tmp_path,
        {
            "gold.daily_sales_summary": [
                summary(date(2024, 3, 1), 1, "10.00"),
                summary(date(2024, 3, 31), 1, "40.00"),
                summary(date(2024, 4, 1), 9, "999.00"),
                summary(date(2025, 1, 31), 9, "999.00"),
                summary(date(2025, 2, 1), 1, "100.00"),
                summary(date(2025, 2, 28), 1, "100.00"),
                summary(date(2025, 3, 1), 2, "50.00", units=3),
                summary(date(2025, 3, 15), 1, "25.01", units=4),
            ],
            "gold.daily_customer_sales": [
                customer_day(1, date(2025, 2, 28)),
                customer_day(2, date(2025, 3, 1)),
                customer_day(3, date(2025, 3, 1)),
                customer_day(2, date(2025, 3, 15)),
            ],
        },
    )
    assert rows_of("monthly_sales_trends", tables, as_of=TODAY) == [
        {
            "tenant_id": 1,
            "orders": 3,
            "unique_customers": 2,
            "revenue": Decimal("75.01"),
            "units": 7,
            "avg_order_value": Decimal("25.00"),
            "previous_month_revenue": Decimal("200.00"),
            "revenue_growth_pct": -62.495,
            "same_month_last_year_revenue": Decimal("50.00"),
            "year_over_year_growth_pct": 50.02,
        }
    ]


def test_january_follows_december(tmp_path: Path) -> None:
    days = [summary(date(2024, 12, 31), 1, "10.00"), summary(date(2025, 1, 1), 1, "20.00")]
    (row,) = rows_of(
        "monthly_sales_trends", stock(tmp_path, {"gold.daily_sales_summary": days}), as_of=date(2025, 1, 31)
    )
    assert (row["previous_month_revenue"], row["revenue_growth_pct"]) == (Decimal("10.00"), 100.0)


def test_a_leap_day_belongs_to_february(tmp_path: Path) -> None:
    days = [summary(date(2024, 2, 29), 1, "10.00"), summary(date(2025, 2, 28), 1, "5.00")]
    (row,) = rows_of(
        "monthly_sales_trends", stock(tmp_path, {"gold.daily_sales_summary": days}), as_of=date(2025, 2, 28)
    )
    assert (row["same_month_last_year_revenue"], row["year_over_year_growth_pct"]) == (Decimal("10.00"), -50.0)


def test_a_silent_tenant_has_zeros_and_one_that_never_sold_has_no_row(tmp_path: Path) -> None:
    days = [
        summary(date(2025, 1, 1), 1, "10.00"),
        summary(date(2025, 3, 1), 0, "0.00", units=0, tenant_id=2),
        summary(date(2025, 3, 1), 1, "10.00", tenant_id=3),
    ]
    silent, new = rows_of("monthly_sales_trends", stock(tmp_path, {"gold.daily_sales_summary": days}), as_of=TODAY)
    assert list(silent.values()) == [1, 0, 0, Decimal("0.00"), 0, None, Decimal("0.00"), None, Decimal("0.00"), None]
    assert (new["tenant_id"], new["revenue_growth_pct"]) == (3, None)
