from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from shopease_assets_tests.engines.published import Row
from shopease_assets_tests.gold.shop import add_gold, at, customer, event, product, rows_of, stock

DAY, NEXT = date(2025, 3, 1), date(2025, 3, 2)
HALF_AN_HOUR = timedelta(minutes=30)
A_MOMENT = timedelta(microseconds=1)


def facts(root: Path, *events: Row, customers: list[Row] | None = None, **frames: list[Row]) -> list[dict[str, Any]]:
    given = {
        "silver.web_events": events,
        "silver.customers": customers or [],
        "silver.products": frames.get("products", []),
    }
    return sorted(rows_of("fact_web_events", stock(root, given)), key=lambda row: row["event_id"])


def funnel(root: Path, *events: Row) -> list[dict[str, Any]]:
    return rows_of("daily_web_funnel", add_gold(root, stock(root, {"silver.web_events": events}), "fact_web_events"))


def test_an_event_carries_the_versions_of_who_did_it_and_what_it_was_about(tmp_path: Path) -> None:
    (row,) = facts(
        tmp_path,
        event(5, at(DAY), "purchase", customer_id=1, product_id=2, value=Decimal("20.50")),
        customers=[customer(1, at(DAY, 9)), customer(1, at(DAY, 12)), customer(1, at(DAY, 13))],
        products=[product(2, at(NEXT)), product(2, at(NEXT, 13))],
    )
    assert row == {
        "dt": DAY,
        "event_id": 5,
        "event_date_key": 20250301,
        "tenant_id": 1,
        "customer_id": 1,
        "customer_key": "1 of 01 Mar 12:00",
        "product_id": 2,
        "product_key": "2 of 02 Mar 12:00",  # the earliest one known
        "session_id": "s",
        "session_number": 1,
        "event_type": "purchase",
        "is_conversion_event": True,
        "is_purchase_event": True,
        "conversion_value": Decimal("20.50"),
        "device_type": "mobile",
        "browser": "Firefox",
        "os": "Android",
        "occurred_at": at(DAY),
    }


def test_a_stranger_who_looks_at_nothing_has_no_keys(tmp_path: Path) -> None:
    (row,) = facts(tmp_path, event(1, at(DAY)), customers=[customer(1, at(DAY, 0))], products=[product(1, at(DAY, 0))])
    assert (row["customer_key"], row["product_key"], row["conversion_value"]) == (None, None, None)


@pytest.mark.parametrize(
    ("event_type", "converts", "value"),
    [
        ("product_view", False, None),
        ("remove_from_cart", False, None),
        ("add_to_cart", True, None),
        ("checkout", True, None),
        ("purchase", True, Decimal("1.00")),
    ],
)
def test_carts_checkouts_and_purchases_convert_and_only_purchases_have_value(
    tmp_path: Path, event_type: str, converts: bool, value: Decimal | None
) -> None:
    (row,) = facts(tmp_path, event(1, at(DAY), event_type, value=Decimal("1.00")))
    assert (row["is_conversion_event"], row["conversion_value"]) == (converts, value)
    assert row["is_purchase_event"] == (event_type == "purchase")


@pytest.mark.parametrize(
    ("second", "number"),
    [
        (at(DAY), 1),
        (at(DAY) + HALF_AN_HOUR, 1),
        (at(DAY) + HALF_AN_HOUR + A_MOMENT, 2),
        (at(DAY, 23), 2),
        (at(NEXT, 0), 1),  # a day is made of its own events
    ],
)
def test_a_visit_ends_after_more_than_half_an_hour_and_at_midnight(
    tmp_path: Path, second: datetime, number: int
) -> None:
    assert [row["session_number"] for row in facts(tmp_path, event(1, at(DAY)), event(2, second))] == [1, number]


def test_visits_of_a_session_are_counted_on_and_other_sessions_do_not_matter(tmp_path: Path) -> None:
    own = [event(n, at(DAY, hour)) for n, hour in enumerate([14, 8, 8, 11], start=1)]
    others = [event(5, at(DAY, 11), session_id="other"), event(6, at(DAY, 11), tenant_id=2)]
    rows = facts(tmp_path, *own, *others)
    assert [row["session_number"] for row in rows] == [3, 1, 1, 2, 1, 1]


def test_the_funnel_counts_the_visits_that_reached_a_stage(tmp_path: Path) -> None:
    kinds = ["product_view", "product_view", "add_to_cart", "checkout", "purchase"]
    later = at(DAY, 18)
    rows = funnel(
        tmp_path,
        *[event(n, at(DAY, 12, n), kind) for n, kind in enumerate(kinds)],
        event(10, later, "product_view"),
        event(11, later, "product_view", session_id="t"),
        event(12, later, "add_to_cart", session_id="u"),
        event(13, later, device_type="desktop", session_id="v"),
        event(14, later, tenant_id=2),
        event(15, at(NEXT)),
    )
    assert [list(row.values()) for row in rows] == [
        [1, "desktop", 1, 0, 0, 0, 0, None, None, None, 0.0, DAY],
        [1, "mobile", 1, 0, 0, 0, 0, None, None, None, 0.0, NEXT],
        [1, "mobile", 4, 3, 2, 1, 1, 2 / 3, 0.5, 1.0, 0.25, DAY],
        [2, "mobile", 1, 0, 0, 0, 0, None, None, None, 0.0, DAY],
    ]
    assert list(rows[0]) == [
        "tenant_id", "device_type", "sessions", "product_views", "carts", "checkouts", "purchases",
        "view_to_cart_rate", "cart_to_checkout_rate", "checkout_to_purchase_rate", "session_conversion_rate", "dt",
    ]  # fmt: skip


def test_a_range_of_days_gives_what_the_days_give_one_by_one(tmp_path: Path) -> None:
    days = [DAY + timedelta(days=n) for n in range(3)]
    events = [event(n, at(days[n % 3], n % 24, n % 60), session_id=f"s{n % 5}") for n in range(90)]
    tables = stock(tmp_path, {"silver.web_events": events})
    bound = [tables | {("silver", "web_events"): tables["silver", "web_events"].days(day)} for day in days]
    day_by_day = [row for one in bound for row in rows_of("fact_web_events", one)]
    in_one_go = rows_of("fact_web_events", tables)
    assert in_one_go == sorted(day_by_day, key=lambda row: [str(value) for value in row.values()])
    assert len(in_one_go) == 90
    assert max(row["session_number"] for row in in_one_go) > 2
