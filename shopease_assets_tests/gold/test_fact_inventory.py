from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from shopease_assets.gold.fact_inventory import FactInventory, end_of_day_stock
from shopease_assets_tests.gold.shop import SCHEMAS, Row, at, level, movement, product

DAY, NEXT = date(2025, 3, 1), date(2025, 3, 2)
LONG_AGO = at(date(2025, 1, 1))


def stock_of(
    days: Iterable[date],
    movements: Iterable[Row] = (),
    *,
    levels: Iterable[Row] = (),
    products: Iterable[Row] | None = None,
) -> list[dict[str, Any]]:
    """The rows of the days; without other products, 1 and 2 cost 4.00 and are ordered at 10 pieces."""
    known = [product(1, LONG_AGO), product(2, LONG_AGO)] if products is None else products
    rows = end_of_day_stock(
        _frame("inventory_movements", movements),
        _frame("inventory", levels),
        _frame("products", known),
        [day.isoformat() for day in days],
    )
    published = rows.select("dt", *FactInventory.columns()).sort("dt", "product_id", "store_id").collect()
    assert published.schema == {"dt": pl.Date} | {name: kind.dtype for name, kind in FactInventory.columns().items()}
    return published.to_dicts()


def _frame(table: str, rows: Iterable[Row]) -> pl.LazyFrame:
    empty = pl.DataFrame(SCHEMAS["silver", table].empty_table())
    assert isinstance(empty, pl.DataFrame)
    named = [{name: row.get(name) for name in empty.columns} for row in rows]
    return pl.LazyFrame(named, schema=empty.schema)


def test_the_stock_of_a_day_is_all_that_came_less_all_that_went() -> None:
    rows = stock_of(
        [NEXT],
        [
            movement(1, DAY, 40, "receipt"),
            movement(1, DAY, -5),
            movement(1, NEXT, -2),
            movement(1, NEXT, -1),
            movement(1, NEXT, 1, "return"),
            movement(1, NEXT, -3, "adjustment"),
            movement(1, NEXT, 4, "receipt"),
            movement(1, NEXT + timedelta(days=1), -30),
        ],
    )
    assert rows == [
        {
            "dt": NEXT,
            "product_id": 1,
            "store_id": 1,
            "tenant_id": 1,
            "product_key": "1 of 01 Jan 12:00",
            "stock_quantity": 34,
            "units_sold": 3,
            "units_received": 4,
            "stock_value": Decimal("136.00"),
            "is_out_of_stock": False,
            "is_low_stock": False,
            "is_overstock": True,
            "avg_daily_sales": 8 / 28,
            "days_of_supply": 119.0,
        }
    ]


def test_a_shelf_has_a_row_every_day_from_its_first_movement_or_since_it_is_listed() -> None:
    days = [DAY + timedelta(days=n) for n in range(-1, 3)]
    rows = stock_of(
        days,
        [movement(1, DAY, 5, "receipt"), movement(1, NEXT, 7, "receipt", store_id=2)],
        levels=[level(2, 1, 0, at(days[-1]), listed=at(NEXT)), level(1, 1, 5, at(days[-1]), listed=at(NEXT))],
    )
    assert [(row["dt"], row["product_id"], row["store_id"], row["stock_quantity"]) for row in rows] == [
        (days[1], 1, 1, 5),
        (days[2], 1, 1, 5),
        (days[2], 1, 2, 7),
        (days[2], 2, 1, 0),
        (days[3], 1, 1, 5),
        (days[3], 1, 2, 7),
        (days[3], 2, 1, 0),
    ]


@pytest.mark.parametrize(
    ("stock", "flags"),
    [
        (-1, (True, True, False)),
        (0, (True, True, False)),
        (1, (False, True, False)),
        (10, (False, True, False)),
        (11, (False, False, False)),
        (90, (False, False, False)),
        (91, (False, False, True)),
    ],
)
def test_stock_is_out_low_or_too_much(stock: int, flags: tuple[bool, bool, bool]) -> None:
    """One piece a day is sold, the reorder level is 10."""
    (row,) = stock_of([DAY], [movement(1, DAY, stock + 28, "receipt"), movement(1, DAY, -28)])
    assert (row["is_out_of_stock"], row["is_low_stock"], row["is_overstock"]) == flags
    assert (row["avg_daily_sales"], row["days_of_supply"]) == (1.0, float(stock))


def test_what_does_not_sell_has_no_days_of_supply_and_is_too_much_above_the_reorder_level() -> None:
    rows = stock_of([DAY], [movement(1, DAY, 10, "receipt"), movement(2, DAY, 11, "receipt")])
    assert [(row["avg_daily_sales"], row["days_of_supply"], row["is_overstock"]) for row in rows] == [
        (0.0, None, False),
        (0.0, None, True),
    ]


def test_sales_count_for_twenty_eight_days_their_own_included() -> None:
    days = [DAY + timedelta(days=n) for n in (0, 27, 28)]
    rows = stock_of(days, [movement(1, DAY, 100, "receipt"), movement(1, DAY, -14)])
    assert [(row["avg_daily_sales"], row["days_of_supply"]) for row in rows] == [
        (0.5, 172.0),
        (0.5, 172.0),
        (0.0, None),
    ]


def test_stock_is_worth_what_it_cost_at_the_end_of_the_day_or_at_the_first_cost_known() -> None:
    versions = [
        product(1, at(NEXT, 8), "5.00"),
        product(1, at(NEXT, 9), "6.00"),
        product(1, at(NEXT + timedelta(days=2)), "7.25"),
    ]
    days = [DAY + timedelta(days=n) for n in range(4)]
    rows = stock_of(days, [movement(1, DAY, 3, "receipt")], products=versions)
    worth = [Decimal(text) for text in ("18.00", "18.00", "18.00", "21.75")]
    assert [row["stock_value"] for row in rows] == worth


def test_a_range_of_days_gives_what_the_days_give_one_by_one() -> None:
    days = [DAY + timedelta(days=n) for n in range(40)]
    movements = [
        movement(1 + n % 2, days[n % 37], 20 if n % 5 == 0 else -1 - n % 3, "receipt" if n % 5 == 0 else "sale", n % 3)
        for n in range(200)
    ]
    one_by_one = [
        row for day in days for row in stock_of([day], [moved for moved in movements if str(moved["dt"]) <= str(day)])
    ]
    assert stock_of(days, movements) == one_by_one
    assert len(one_by_one) > 200


def test_no_movement_is_no_row() -> None:
    assert stock_of([DAY]) == []
