from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from shopease_assets_tests.gold.shop import Row, line, rows_of, stock

DAY = date(2025, 3, 1)


def sold(*price_and_quantity: tuple[str, int]) -> list[Row]:
    """One day after the other."""
    return [
        line(n, 1, DAY + timedelta(n), unit_price=Decimal(price), quantity=quantity)
        for n, (price, quantity) in enumerate(price_and_quantity)
    ]


def elasticity(tmp_path: Path, lines: list[Row]) -> dict[str, object]:
    (row,) = rows_of("price_elasticity", stock(tmp_path, {"gold.fact_sales": lines}))
    return row


def test_demand_that_falls_with_the_square_of_the_price_has_elasticity_minus_two(tmp_path: Path) -> None:
    row = elasticity(tmp_path, sold(("1.00", 144), ("2.00", 36), ("3.00", 16), ("6.00", 4), ("12.00", 1)))
    assert (row["price_points"], row["observations"]) == (5, 5)
    assert row["elasticity"] == pytest.approx(-2, rel=1e-12)
    assert row["r_squared"] == pytest.approx(1, rel=1e-12)


def test_a_day_s_sales_at_a_price_are_one_observation(tmp_path: Path) -> None:
    lines = [
        *sold(("1.00", 1), ("2.00", 4)),
        line(100, 1, DAY, unit_price=Decimal("1.00"), quantity=1),
        line(101, 1, DAY, unit_price=Decimal("2.00"), quantity=4),
        line(102, 1, DAY, unit_price=Decimal("9.00"), quantity=9, is_sale=False),
    ]
    row = elasticity(tmp_path, lines)
    assert (row["price_points"], row["observations"]) == (2, 3)
    assert row["elasticity"] == pytest.approx(1, rel=1e-12)


def test_one_price_tells_nothing_and_equal_quantities_have_no_spread_to_explain(tmp_path: Path) -> None:
    one_price = elasticity(tmp_path / "one", sold(("1.99", 3), ("1.99", 7), ("1.99", 5)))
    assert (one_price["price_points"], one_price["elasticity"], one_price["r_squared"]) == (1, None, None)
    one_quantity = elasticity(tmp_path / "two", sold(("1.99", 3), ("2.07", 3), ("2.11", 3)))
    assert (one_quantity["elasticity"], one_quantity["r_squared"]) == (0.0, None)


def test_what_was_given_away_has_no_price(tmp_path: Path) -> None:
    row = elasticity(tmp_path, sold(("0.00", 3), ("2.00", 1), ("4.00", 2)))
    assert (row["price_points"], row["elasticity"]) == (2, pytest.approx(1, rel=1e-12))
