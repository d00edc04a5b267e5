from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

from shopease_assets_tests.gold.shop import (
    at,
    buyer,
    customer,
    rows_of,
    segmented,
    stock,
    subscription_of,
    visit,
    worth,
)

TODAY, MARCH = date(2025, 3, 15), date(2025, 3, 1)
JANUARY = at(date(2025, 1, 1))


def test_a_buyer_s_row_holds_purchases_value_subscription_and_visits(tmp_path: Path) -> None:
    tables = stock(
        tmp_path,
        {
            "silver.customers": [customer(1, JANUARY), customer(1, at(TODAY), city="Goa")],
            "gold.customer_analytics": [buyer(1, MARCH, "7.00"), buyer(1, date(2025, 2, 1), "3.00")],
            "gold.customer_lifetime_value": [worth(1, MARCH, "7.00"), worth(1, date(2025, 2, 1), "3.00")],
            "gold.customer_segments": [segmented(1, MARCH), segmented(1, date(2025, 2, 1), "promising")],
            "silver.subscriptions": [subscription_of(1, 1, JANUARY)],
            "silver.web_events": [visit(1, 1, TODAY), visit(2, 1, MARCH, "s2"), visit(3, 1, MARCH, "s2")],
        },
    )
    (row,) = rows_of("customer_360", tables, as_of=TODAY)
    assert row == {
        "tenant_id": 1,
        "customer_id": 1,
        "customer_name": "Ada Rao",
        "city": "Goa",
        "state": "MH",
        "country": "IN",
        "customer_segment": "Premium",
        "is_active": True,
        "registered_date": TODAY,
        "total_purchases": 1,
        "total_items_bought": 1,
        "total_spent": Decimal("7.00"),
        "avg_order_value": Decimal("7.00"),
        "first_purchase_date": MARCH,
        "last_purchase_date": MARCH,
        "days_since_last_order": 0,
        "avg_days_between_orders": None,
        "customer_status": "active",
        "historic_value": Decimal("7.00"),
        "predicted_12m_value": Decimal("5.00"),
        "predicted_alive_probability": 0.5,
        "recency": 1,
        "frequency": 1,
        "monetary": Decimal("7.00"),
        "r_score": 5,
        "f_score": 4,
        "m_score": 3,
        "rfm_segment": "champions",
        "value_band": "Low",
        "subscription_status": "active",
        "subscription_plan": "Plus",
        "subscription_monthly_amount": Decimal("9.00"),
        "web_events_30_days": 3,
        "web_sessions_30_days": 2,
        "last_seen_date": TODAY,
    }


def test_who_never_bought_has_zeros_where_something_is_counted_and_nothing_elsewhere(tmp_path: Path) -> None:
    (row,) = rows_of("customer_360", stock(tmp_path, {"silver.customers": [customer(1, JANUARY)]}), as_of=TODAY)
    zero = {name for name, value in row.items() if value == 0}
    assert zero == {
        "total_purchases", "total_items_bought", "total_spent", "historic_value", "web_events_30_days",
        "web_sessions_30_days",
    }  # fmt: skip
    assert {name for name, value in row.items() if value is None} == {
        "avg_order_value", "first_purchase_date", "last_purchase_date", "days_since_last_order",
        "avg_days_between_orders", "customer_status", "predicted_12m_value", "predicted_alive_probability",
        "subscription_status", "subscription_plan", "subscription_monthly_amount", "last_seen_date",
        "recency", "frequency", "monetary", "r_score", "f_score", "m_score", "rfm_segment", "value_band",
    }  # fmt: skip


def test_who_registers_later_is_not_there_yet_unless_they_bought(tmp_path: Path) -> None:
    later = at(TODAY + timedelta(1))
    tables = stock(
        tmp_path,
        {
            "silver.customers": [customer(1, later), customer(2, later), customer(3, later, registered_at=JANUARY)],
            "gold.customer_analytics": [buyer(2, MARCH)],
        },
    )
    rows = rows_of("customer_360", tables, as_of=TODAY)
    assert [(row["customer_id"], row["customer_name"]) for row in rows] == [(2, "Ada Rao"), (3, "Ada Rao")]


def test_a_buyer_of_two_tenants_has_a_row_with_each(tmp_path: Path) -> None:
    tables = stock(
        tmp_path,
        {
            "silver.customers": [customer(1, JANUARY)],
            "gold.customer_analytics": [buyer(1, MARCH, "1.00"), buyer(1, MARCH, "2.00", tenant_id=2)],
        },
    )
    rows = rows_of("customer_360", tables, as_of=TODAY)
    assert [(row["tenant_id"], row["total_spent"]) for row in rows] == [(1, Decimal("1.00")), (2, Decimal("2.00"))]


def test_the_subscription_is_the_one_started_last_as_known_that_day(tmp_path: Path) -> None:
    tables = stock(
        tmp_path,
        {
            "silver.customers": [customer(1, JANUARY), customer(2, JANUARY)],
            "silver.subscriptions": [
                subscription_of(1, 1, JANUARY, plan_name="Old"),
                subscription_of(1, 2, at(MARCH), status="trial"),
                subscription_of(1, 2, at(TODAY), status="active", start_date=MARCH),
                subscription_of(1, 2, at(TODAY + timedelta(1)), status="cancelled", start_date=MARCH),
                subscription_of(1, 3, at(TODAY), plan_name="Soon", start_date=TODAY + timedelta(1)),
                subscription_of(2, 4, at(TODAY + timedelta(1)), status="expired", start_date=MARCH),
            ],
        },
    )
    rows = rows_of("customer_360", tables, as_of=TODAY)
    assert [(row["subscription_plan"], row["subscription_status"]) for row in rows] == [
        ("Plus", "active"),
        ("Plus", "expired"),
    ]


def test_visits_count_for_thirty_days_and_strangers_ones_for_nobody(tmp_path: Path) -> None:
    tables = stock(
        tmp_path,
        {
            "silver.customers": [customer(1, JANUARY)],
            "silver.web_events": [
                visit(1, 1, TODAY - timedelta(30)),
                visit(2, 1, TODAY - timedelta(29), "s2"),
                visit(3, 1, TODAY + timedelta(1), "s3"),
                visit(4, None, TODAY, "s4"),
            ],
        },
    )
    (row,) = rows_of("customer_360", tables, as_of=TODAY)
    seen = (row["web_events_30_days"], row["web_sessions_30_days"], row["last_seen_date"])
    assert seen == (1, 1, TODAY - timedelta(29))
