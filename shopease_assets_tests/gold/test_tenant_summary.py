from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

from shopease_assets_tests.gold.shop import (
    at,
    customer,
    customer_day,
    product,
    rows_of,
    stock,
    subscription,
    summary,
    tenant,
)

DAY, LAST_DAY, LATER = date(2025, 2, 1), date(2025, 3, 31), date(2025, 4, 1)


def test_a_tenant_is_one_row_of_everything(tmp_path: Path) -> None:
    tables = stock(
        tmp_path,
        {
            "silver.tenants": [
                tenant(1, at(DAY), name="Old"),
                tenant(1, at(LAST_DAY), name="New", created_at=at(DAY)),
                tenant(1, at(LATER), name="Newer", created_at=at(DAY)),
                tenant(2, at(DAY)),
                tenant(3, at(LATER)),
            ],
            "silver.customers": [
                customer(1, at(DAY)),
                customer(1, at(LAST_DAY), registered_at=at(DAY)),
                customer(2, at(LATER), registered_at=at(LAST_DAY)),
                customer(3, at(LAST_DAY)),
                customer(4, at(LATER)),
            ],
            "silver.products": [product(1, at(DAY)), product(2, at(DAY)), product(3, at(LATER))],
            "gold.daily_sales_summary": [summary(DAY, 2, "10.00"), summary(LAST_DAY, 1, "10.00")],
            "gold.daily_customer_sales": [
                customer_day(1, LAST_DAY - timedelta(30)),
                customer_day(1, LAST_DAY),
                customer_day(2, LAST_DAY - timedelta(31)),
            ],
            "silver.subscriptions": [
                subscription(1, DAY, at(DAY)),
                subscription(2, DAY, at(DAY), monthly_amount=Decimal("0.50")),
                subscription(3, DAY, at(DAY), status="trial"),
                subscription(4, DAY, at(DAY), status="cancelled", end_date=DAY),
            ],
        },
    )
    first, silent = rows_of("tenant_summary", tables, as_of=LAST_DAY)
    assert first == {
        "tenant_id": 1,
        "tenant_name": "New",
        "plan": "free",
        "customers": 3,
        "active_customers": 1,
        "products": 2,
        "orders": 3,
        "revenue": Decimal("20.00"),
        "revenue_per_customer": Decimal("6.67"),
        "active_subscriptions": 2,
        "mrr": Decimal("10.50"),
    }
    nothing = Decimal("0.00")
    assert list(silent.values()) == [2, "Tenant 2", "free", 0, 0, 0, 0, nothing, None, 0, nothing]
