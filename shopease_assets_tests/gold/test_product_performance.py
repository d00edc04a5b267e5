from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from shopease_assets_tests.gold.shop import at, level, line, product, product_day, rows_of, stock

FEBRUARY, MARCH = date(2025, 2, 10), date(2025, 3, 10)


def test_a_product_s_days_add_up_and_its_latest_name_and_stock_count(tmp_path: Path) -> None:
    tables = stock(
        tmp_path,
        {
            "gold.daily_product_sales": [
                product_day(1, FEBRUARY, "30.00", orders=2, quantity=3, cost=Decimal("12.00")),
                product_day(1, MARCH, "10.01", orders=1, quantity=1, cost=Decimal("4.00")),
            ],
            "gold.fact_sales": [
                line(1, 1, FEBRUARY),
                line(2, 1, FEBRUARY, customer_id=2),
                line(3, 1, MARCH),
                line(4, 1, MARCH, customer_id=3, is_sale=False),
            ],
            "silver.products": [
                product(1, at(FEBRUARY), name="Old lamp"),
                product(1, at(MARCH, 14), name="New lamp", category="decor"),
                product(1, at(MARCH, 13), name="Lamp"),
                product(2, at(MARCH, 13), name="Never sold"),
            ],
            "silver.inventory": [
                level(1, 1, 100, at(FEBRUARY)),
                level(1, 1, 7, at(MARCH)),
                level(1, 2, 5, at(FEBRUARY)),
                level(2, 1, 50, at(MARCH)),
            ],
        },
    )
    assert rows_of("product_performance", tables, as_of=MARCH) == [
        {
            "tenant_id": 1,
            "product_id": 1,
            "product_name": "New lamp",
            "category": "decor",
            "total_orders": 3,
            "total_quantity_sold": 4,
            "total_revenue": Decimal("40.01"),
            "avg_order_value": Decimal("13.34"),
            "avg_quantity_per_order": pytest.approx(4 / 3),
            "total_cost": Decimal("16.00"),
            "gross_profit": Decimal("24.01"),
            "gross_margin_pct": pytest.approx(60.0099975),
            "unique_customers": 2,
            "revenue_rank_in_category": 1,
            "overall_revenue_rank": 1,
            "current_stock": 12,
        }
    ]


def test_equal_revenue_shares_a_rank_within_a_tenant_and_its_category(tmp_path: Path) -> None:
    tables = stock(
        tmp_path,
        {
            "gold.daily_product_sales": [
                product_day(1, MARCH, "50.00"),
                product_day(2, MARCH, "50.00"),
                product_day(3, MARCH, "20.00"),
                product_day(4, MARCH, "10.00"),
                product_day(5, MARCH, "1.00", tenant_id=2),
            ],
            "silver.products": [product(n, at(MARCH), category="a" if n in (1, 3) else "b") for n in (1, 2, 3, 4, 5)],
        },
    )
    ranks = [
        (row["product_id"], row["overall_revenue_rank"], row["revenue_rank_in_category"])
        for row in rows_of("product_performance", tables, as_of=MARCH)
    ]
    assert ranks == [(1, 1, 1), (2, 1, 1), (3, 3, 2), (4, 4, 2), (5, 1, 1)]


def test_a_product_given_away_has_no_margin_and_one_no_store_lists_has_no_known_stock(tmp_path: Path) -> None:
    tables = stock(tmp_path, {"gold.daily_product_sales": [product_day(1, MARCH, "0.00")]})
    (row,) = rows_of("product_performance", tables, as_of=MARCH)
    assert (row["gross_margin_pct"], row["gross_profit"], row["current_stock"], row["product_name"]) == (
        None,
        Decimal("-4.00"),
        None,
        None,
    )


def test_a_past_month_shows_the_name_of_its_time_and_no_stock_that_was_not_known_yet(tmp_path: Path) -> None:
    tables = stock(
        tmp_path,
        {
            "gold.daily_product_sales": [product_day(1, FEBRUARY, "30.00"), product_day(2, FEBRUARY, "5.00")],
            "silver.products": [
                product(1, at(FEBRUARY), name="Old lamp"),
                product(1, at(MARCH), name="New lamp"),
                product(2, at(MARCH), name="Only known since March"),
            ],
        },
    )
    seen = [
        (row["product_name"], row["current_stock"]) for row in rows_of("product_performance", tables, as_of=FEBRUARY)
    ]
    assert seen == [("Old lamp", None), ("Only known since March", None)]


def test_stock_is_unknown_while_a_store_that_lists_the_product_is(tmp_path: Path) -> None:
    tables = stock(
        tmp_path,
        {
            "gold.daily_product_sales": [product_day(1, FEBRUARY, "30.00")],
            "silver.products": [product(1, at(FEBRUARY))],
            "silver.inventory": [level(1, 1, 7, at(FEBRUARY)), level(1, 2, 5, at(MARCH), listed=at(FEBRUARY))],
        },
    )
    seen = [rows_of("product_performance", tables, as_of=day)[0]["current_stock"] for day in (FEBRUARY, MARCH)]
    assert seen == [None, 12]
