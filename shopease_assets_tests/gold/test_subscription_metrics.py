from datetime import date
from decimal import Decimal
from pathlib import Path

from shopease_assets_tests.gold.shop import Row, at, rows_of, stock, subscription

JANUARY, FEBRUARY, MARCH, TODAY = date(2025, 1, 10), date(2025, 2, 28), date(2025, 3, 1), date(2025, 3, 15)


def metrics(tmp_path: Path, subscriptions: list[Row], as_of: date = TODAY) -> list[dict[str, object]]:
    return rows_of("subscription_metrics", stock(tmp_path, {"silver.subscriptions": subscriptions}), as_of=as_of)


def test_a_month_s_subscriptions_run_come_and_go(tmp_path: Path) -> None:
    ended = {"monthly_amount": Decimal("99.00")}
    rows = metrics(
        tmp_path,
        [
            subscription(1, JANUARY, at(JANUARY), monthly_amount=Decimal("10.00")),
            subscription(2, JANUARY, at(JANUARY), monthly_amount=Decimal("10.01")),
            subscription(3, MARCH, at(MARCH), monthly_amount=Decimal("20.00")),
            subscription(4, TODAY, at(TODAY), status="trial"),
            subscription(5, JANUARY, at(MARCH), status="cancelled", end_date=MARCH, **ended),
            subscription(6, JANUARY, at(TODAY), status="expired", end_date=TODAY, **ended),
            subscription(7, JANUARY, at(FEBRUARY), status="cancelled", end_date=FEBRUARY, **ended),
            subscription(8, date(2025, 3, 16), at(TODAY)),
            subscription(9, JANUARY, at(JANUARY), tenant_id=2, status="trial"),
        ],
    )
    assert rows == [
        {
            "tenant_id": 1,
            "active_subscriptions": 3,
            "active_at_month_start": 4,
            "new_subscriptions": 2,
            "cancelled_subscriptions": 1,
            "expired_subscriptions": 1,
            "mrr": Decimal("40.01"),
            "churn_rate": 0.25,
            "arpu": Decimal("13.34"),
        },
        {
            "tenant_id": 2,
            "active_subscriptions": 0,
            "active_at_month_start": 0,
            "new_subscriptions": 0,
            "cancelled_subscriptions": 0,
            "expired_subscriptions": 0,
            "mrr": Decimal("0.00"),
            "churn_rate": None,
            "arpu": None,
        },
    ]


def test_a_subscription_counts_as_it_was_known_and_what_came_later_does_not(tmp_path: Path) -> None:
    versions = [
        subscription(1, JANUARY, at(JANUARY)),
        subscription(1, JANUARY, at(TODAY), status="cancelled", end_date=TODAY, monthly_amount=Decimal("5.00")),
    ]
    (before,) = metrics(tmp_path / "before", versions, FEBRUARY)
    (after,) = metrics(tmp_path / "after", versions)
    assert (before["active_subscriptions"], before["mrr"]) == (1, Decimal("10.00"))
    assert (after["active_subscriptions"], after["cancelled_subscriptions"], after["churn_rate"]) == (0, 1, 1.0)


def test_one_only_known_as_cancelled_was_active_until_then(tmp_path: Path) -> None:
    versions = [
        subscription(1, JANUARY, at(TODAY), status="cancelled", end_date=TODAY),
        subscription(2, JANUARY, at(TODAY), status="cancelled", end_date=None),
    ]
    (before,) = metrics(tmp_path / "before", versions, FEBRUARY)
    (after,) = metrics(tmp_path / "after", versions)
    assert (before["active_subscriptions"], before["cancelled_subscriptions"]) == (2, 0)
    assert (after["active_subscriptions"], after["cancelled_subscriptions"]) == (0, 2)
