from datetime import date
from pathlib import Path

import pytest

from shopease_assets_tests.gold.shop import line, rows_of, stock

DAY = date(2025, 3, 1)


def test_products_bought_together_five_times_are_a_rule(tmp_path: Path) -> None:
    """Ten orders: product 1 is in 8, product 2 in 6, both in 5; product 3 meets product 1 four times only."""
    lines = [
        *[line(number, 1, DAY) for number in range(8)],
        *[line(number, 2, DAY) for number in range(3, 9)],
        *[line(number, 3, DAY) for number in range(4)],
        line(9, 3, DAY),
        line(5, 1, DAY, order_item_id=9001),  # a second line of a product is not a second order
        *[line(number, product, DAY, is_sale=False) for number in range(20, 30) for product in (1, 3)],
    ]
    (rule,) = rows_of("market_basket", stock(tmp_path, {"gold.fact_sales": lines}))
    assert list(rule) == [
        "tenant_id", "product_a", "product_b", "orders_together", "support", "confidence_ab", "confidence_ba", "lift",
    ]  # fmt: skip
    assert (rule["product_a"], rule["product_b"], rule["orders_together"]) == (1, 2, 5)
    assert rule["support"] == 0.5
    assert rule["confidence_ab"] == 5 / 8
    assert rule["confidence_ba"] == pytest.approx(5 / 6)
    assert rule["lift"] == pytest.approx(0.5 / (0.8 * 0.6))


def test_tenants_do_not_share_baskets(tmp_path: Path) -> None:
    lines = [line(number, product, DAY, tenant_id=1 + number % 2) for number in range(8) for product in (1, 2)]
    assert rows_of("market_basket", stock(tmp_path, {"gold.fact_sales": lines})) == []
