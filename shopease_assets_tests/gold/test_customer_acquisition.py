from datetime import date
from pathlib import Path

from shopease_assets_tests.gold.shop import at, customer, customer_day, rows_of, stock

JANUARY, FEBRUARY, MARCH, TODAY = date(2025, 1, 31), date(2025, 2, 28), date(2025, 3, 1), date(2025, 3, 15)


def test_a_month_wins_those_who_registered_and_those_who_first_bought_in_it(tmp_path: Path) -> None:
    tables = stock(
        tmp_path,
        {
            "silver.customers": [
                customer(1, at(JANUARY)),
                customer(2, at(FEBRUARY)),
                customer(2, at(MARCH), city="Moved", registered_at=at(FEBRUARY)),
                customer(3, at(MARCH)),
                customer(4, at(TODAY)),
                customer(5, at(date(2025, 3, 16)), city="Not here yet"),
                customer(6, at(JANUARY), tenant_id=2),
            ],
            "gold.daily_customer_sales": [
                customer_day(1, FEBRUARY),
                customer_day(1, MARCH),
                customer_day(2, MARCH),
                customer_day(2, TODAY),
            ],
        },
    )
    rows = rows_of("customer_acquisition", tables, as_of=TODAY)
    assert [list(row.items()) for row in rows] == [
        [("tenant_id", 1), ("new_customers", 2), ("first_purchases", 1)],
        [("tenant_id", 2), ("new_customers", 0), ("first_purchases", 0)],
    ]


def test_a_customer_only_known_later_registered_when_the_source_says(tmp_path: Path) -> None:
    tables = stock(tmp_path, {"silver.customers": [customer(1, at(TODAY), registered_at=at(JANUARY))]})
    (row,) = rows_of("customer_acquisition", tables, as_of=JANUARY)
    assert row["new_customers"] == 1
