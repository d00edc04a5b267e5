from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from shopease_assets_tests.gold.shop import Row, invoice, rows_of, stock

LAST_DAY = date(2025, 3, 31)


def aging(tmp_path: Path, invoices: list[Row]) -> dict[str, tuple[int, str, float | None]]:
    rows = rows_of("invoice_aging", stock(tmp_path, {"silver.invoices": invoices}), as_of=LAST_DAY)
    assert [list(row) for row in rows] == [
        ["tenant_id", "bucket", "invoices", "amount", "days_sales_outstanding"]
    ] * len(rows)
    return {row["bucket"]: (row["invoices"], str(row["amount"]), row["days_sales_outstanding"]) for row in rows}


def due(days_ago: int, **changes: object) -> Row:
    day = LAST_DAY - timedelta(days_ago)
    return invoice(days_ago, day - timedelta(14), day, **changes)


def test_what_is_owed_is_in_five_buckets_empty_ones_too(tmp_path: Path) -> None:
    invoices = [
        due(10, amount=Decimal("30.00")),
        due(12, amount=Decimal("0.50"), status="overdue"),
        due(-5, amount=Decimal("9.50"), status="paid", paid_date=LAST_DAY + timedelta(1)),
        due(20, amount=Decimal("60.00"), status="paid", paid_date=LAST_DAY),
        due(20, amount=Decimal("999.00"), status="draft"),
        due(20, amount=Decimal("999.00"), status="cancelled"),
    ]
    assert aging(tmp_path, invoices) == {
        "current": (1, "9.50", 36.0),
        "1-30": (2, "30.50", 36.0),
        "31-60": (0, "0.00", 36.0),
        "61-90": (0, "0.00", 36.0),
        "90+": (0, "0.00", 36.0),
    }


@pytest.mark.parametrize(
    ("days_ago", "bucket"),
    [(-30, "current"), (0, "current"), (1, "1-30"), (30, "1-30"), (31, "31-60"), (60, "31-60"), (61, "61-90"),
     (90, "61-90"), (91, "90+"), (4000, "90+")],
)  # fmt: skip
def test_the_days_past_due_choose_the_bucket(tmp_path: Path, days_ago: int, bucket: str) -> None:
    assert [name for name, (count, _, _) in aging(tmp_path, [due(days_ago)]).items() if count] == [bucket]


def test_a_tenant_that_billed_nothing_lately_has_no_days_of_sales(tmp_path: Path) -> None:
    assert aging(tmp_path, [due(76)])["61-90"] == (1, "10.00", None)
    assert aging(tmp_path / "in time", [due(75)])["61-90"] == (1, "10.00", 90.0)
