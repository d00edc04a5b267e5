from datetime import date
from decimal import Decimal
from pathlib import Path

from shopease_assets_tests.gold.shop import buyer, rows_of, stock, worth

FEBRUARY, MARCH = date(2025, 2, 1), date(2025, 3, 1)


def test_a_segment_s_averages_are_per_customer_and_rounded_half_up(tmp_path: Path) -> None:
    spent = {1: "10.00", 2: "0.01", 3: "100.00"}
    tables = stock(
        tmp_path,
        {
            "gold.customer_analytics": [
                buyer(1, MARCH, total_purchases=2),
                buyer(2, MARCH),
                buyer(3, MARCH, customer_segment="Basic"),
                buyer(1, FEBRUARY),
            ],
            "gold.customer_lifetime_value": [
                *(worth(customer, MARCH, amount) for customer, amount in spent.items()),
                worth(1, FEBRUARY, "999.00"),
            ],
        },
    )
    assert rows_of("clv_by_segment", tables, as_of=date(2025, 3, 15)) == [
        {
            "tenant_id": 1,
            "customer_segment": "Basic",
            "customers": 1,
            "avg_lifetime_value": Decimal("100.00"),
            "avg_orders_per_customer": 1.0,
            "total_value": Decimal("100.00"),
            "predicted_12m_value": Decimal("5.00"),
        },
        {
            "tenant_id": 1,
            "customer_segment": "Premium",
            "customers": 2,
            "avg_lifetime_value": Decimal("5.01"),
            "avg_orders_per_customer": 1.5,
            "total_value": Decimal("10.01"),
            "predicted_12m_value": Decimal("10.00"),
        },
    ]


def test_tenants_have_segments_of_their_own(tmp_path: Path) -> None:
    tables = stock(
        tmp_path,
        {
            "gold.customer_analytics": [buyer(1, MARCH), buyer(1, MARCH, tenant_id=2)],
            "gold.customer_lifetime_value": [worth(1, MARCH, "1.00"), worth(1, MARCH, "2.00", tenant_id=2)],
        },
    )
    rows = rows_of("clv_by_segment", tables, as_of=MARCH)
    assert [(row["tenant_id"], row["total_value"]) for row in rows] == [(1, Decimal("1.00")), (2, Decimal("2.00"))]
