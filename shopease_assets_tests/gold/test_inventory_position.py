from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from shopease_assets_tests.gold.shop import Row, at, level, movement, product, rows_of, stock

LAST_DAY = date(2025, 3, 31)
FIRST_DAY = LAST_DAY - timedelta(27)


def positions(tmp_path: Path, levels: list[Row], movements: list[Row]) -> list[dict[str, object]]:
    products = [product(1, at(FIRST_DAY), "3.00"), product(1, at(LAST_DAY), "4.00"), product(2, at(FIRST_DAY))]
    products = [row | {"reorder_level": 5} for row in products]
    frames = {"silver.inventory": levels, "silver.inventory_movements": movements, "silver.products": products}
    return rows_of("inventory_position", stock(tmp_path, frames), as_of=LAST_DAY)


def test_stock_is_measured_by_what_the_store_sold_in_four_weeks(tmp_path: Path) -> None:
    movements = [
        movement(1, FIRST_DAY, -10),
        movement(1, LAST_DAY, -4),
        movement(1, LAST_DAY, 6, "receipt"),
        movement(1, LAST_DAY, 2, "return"),
        movement(1, FIRST_DAY - timedelta(1), -1000),
        movement(1, LAST_DAY, -1, store_id=2),
    ]
    levels = [level(1, 1, 50, at(FIRST_DAY)), level(1, 1, 25, at(LAST_DAY))]
    assert positions(tmp_path, levels, movements) == [
        {
            "tenant_id": 1,
            "product_id": 1,
            "store_id": 1,
            "stock_quantity": 25,
            "stock_value": Decimal("100.00"),
            "units_sold_28_days": 14,
            "avg_daily_sales": 0.5,
            "days_of_supply": 50.0,
            "turnover": pytest.approx(14 * 365 / 28 / ((25 + 31) / 2)),
            "reorder_level": 5,
            "reorder_quantity": 0,
        }
    ]


def test_at_the_reorder_level_four_weeks_of_sales_are_ordered_on_top(tmp_path: Path) -> None:
    levels = [level(1, store, quantity, at(FIRST_DAY)) for store, quantity in [(1, 6), (2, 5), (3, 0), (4, -2)]]
    movements = [movement(1, LAST_DAY, -7, store_id=store) for store in (1, 2, 3, 4)]
    rows = positions(tmp_path, levels, movements)
    assert [(row["reorder_quantity"], row["days_of_supply"]) for row in rows] == [(0, 24), (7, 20), (12, 0), (14, 0)]


def test_what_does_not_sell_lasts_for_an_unknown_time(tmp_path: Path) -> None:
    kept, empty = positions(tmp_path, [level(1, 1, 9, at(FIRST_DAY)), level(2, 1, 0, at(FIRST_DAY))], [])
    assert (kept["days_of_supply"], kept["turnover"], kept["avg_daily_sales"]) == (None, 0.0, 0.0)
    assert (empty["days_of_supply"], empty["turnover"], empty["reorder_quantity"]) == (None, None, 5)
