from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from shopease_assets_tests.gold.shop import customer_day, rows_of, stock

LAST_DAY = date(2025, 3, 31)


def test_a_customer_s_days_add_up_to_recency_frequency_and_money(tmp_path: Path) -> None:
    days = [customer_day(1, date(2025, 3, 1), "10.00", orders=2), customer_day(1, date(2025, 3, 30), "0.01")]
    assert rows_of("customer_segments", stock(tmp_path, {"gold.daily_customer_sales": days}), as_of=LAST_DAY) == [
        {
            "tenant_id": 1, "customer_id": 1, "recency": 1, "frequency": 3, "monetary": Decimal("10.01"),
            "r_score": 1, "f_score": 1, "m_score": 1, "rfm_segment": "hibernating", "value_band": "Low",
        }
    ]  # fmt: skip


def test_scores_are_fifths_of_a_tenant_and_equal_customers_go_by_id(tmp_path: Path) -> None:
    days = [
        *[customer_day(n, LAST_DAY - timedelta(n), f"{n}.00", orders=n) for n in range(1, 6)],
        *[customer_day(n, LAST_DAY, tenant_id=2) for n in range(10, 20)],
    ]
    rows = rows_of("customer_segments", stock(tmp_path, {"gold.daily_customer_sales": days}), as_of=LAST_DAY)
    scores = {row["customer_id"]: (row["r_score"], row["f_score"], row["m_score"]) for row in rows}
    assert scores == {n: (6 - n, n, n) for n in range(1, 6)} | {n: ((n - 8) // 2,) * 3 for n in range(10, 20)}


def test_the_grid_of_recency_by_frequency_names_every_customer(tmp_path: Path) -> None:
    """25 customers, one in each cell: r_score 1 to 5 by weeks of silence, f_score by orders."""
    days = [
        customer_day(5 * r + f, LAST_DAY - timedelta(7 * (5 - r)), orders=f + 1) for r in range(5) for f in range(5)
    ]
    rows = rows_of("customer_segments", stock(tmp_path, {"gold.daily_customer_sales": days}), as_of=LAST_DAY)
    named = {(row["r_score"], row["f_score"]): row["rfm_segment"] for row in rows}
    assert [[named[r, f] for f in range(1, 6)] for r in range(5, 0, -1)] == [
        ["new_customers", "potential_loyalists", "potential_loyalists", "champions", "champions"],
        ["promising", "potential_loyalists", "potential_loyalists", "loyal_customers", "loyal_customers"],
        ["about_to_sleep", "about_to_sleep", "need_attention", "loyal_customers", "loyal_customers"],
        ["hibernating", "hibernating", "at_risk", "at_risk", "cannot_lose_them"],
        ["hibernating", "hibernating", "at_risk", "at_risk", "cannot_lose_them"],
    ]


@pytest.mark.parametrize(
    ("spent", "band"),
    [("2000.00", "VIP"), ("1999.99", "High"), ("1000.00", "High"), ("999.99", "Medium"), ("500.00", "Medium"),
     ("499.99", "Low"), ("0.00", "Low")],
)  # fmt: skip
def test_money_spent_is_a_value_band(tmp_path: Path, spent: str, band: str) -> None:
    tables = stock(tmp_path, {"gold.daily_customer_sales": [customer_day(1, LAST_DAY, spent)]})
    (row,) = rows_of("customer_segments", tables, as_of=LAST_DAY)
    assert row["value_band"] == band
