"""Contracts: what a column helper accepts, what a contract says of itself, and that its types survive Parquet."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import dataframely as dy
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shopease_assets.core.contract import (
    LATEST_DATE,
    Contract,
    JsonField,
    Reference,
    currency,
    day,
    email,
    enum,
    instant,
    money,
    ratio,
    text,
    timestamp,
    total,
    version,
)
from shopease_assets.core.contract import date as calendar_date
from shopease_assets.core.contract import key as key_column
from shopease_assets.core.quality import Dimension
from shopease_assets.silver.customers import Customers
from shopease_assets.silver.order_items import OrderItems
from shopease_assets.silver.orders import Orders
from shopease_assets.silver.products import Products
from shopease_assets_tests.core.samples import Parcels


def kept(column: dy.Column, value: object) -> bool:
    """Whether the column's own rules accept the value, the row being read on 2026-01-10."""
    frame = pl.DataFrame({"value": [value]}, schema={"value": column.dtype}).with_columns(
        pl.lit(date(2026, 1, 11)).alias(LATEST_DATE)
    )
    rules = column.validation_rules(pl.col("value"))
    return all(frame.select(rule.fill_null(value=True)).item() for rule in rules.values())


@pytest.mark.parametrize(
    ("address", "accepted"),
    [
        ("ada@example.com", True),
        ("a.b+c@mail.example.co.in", True),
        ("ada@example", False),
        ("ada.example.com", False),
        ("@example.com", False),
        ("ada@.com", False),
        ("ada@example.", False),
        ("a@b@example.com", False),
        ("ada @example.com", False),
        ("ada@exam ple.com", False),
        ("ada@example.com\nbob@example.com", False),
    ],
)
def test_emails(address: str, accepted: bool) -> None:
    assert kept(email(), address) is accepted


@pytest.mark.parametrize(
    ("code", "accepted"),
    [("USD", True), ("usd", False), ("US", False), ("USDT", False), ("U$D", False), ("ÄÖÜ", False)],
)
def test_currencies_are_three_capitals(code: str, accepted: bool) -> None:
    assert kept(currency(), code) is accepted


@pytest.mark.parametrize(("word", "accepted"), [("web", True), ("Web", False), ("fax", False), (None, False)])
def test_enumerations_are_judged_as_cleaned(word: str | None, accepted: bool) -> None:
    assert kept(enum(["web", "store"]), word) is accepted


@pytest.mark.parametrize(
    ("moment", "accepted"),
    [
        (datetime(1899, 12, 31, 23, 59, 59, tzinfo=UTC), False),
        (datetime(1900, 1, 1, tzinfo=UTC), True),
        (datetime(2026, 1, 11, 23, 59, 59, 999999, tzinfo=UTC), True),
        (datetime(2026, 1, 12, tzinfo=UTC), False),
    ],
)
def test_instants_lie_between_1900_and_the_day_after_the_extraction(moment: datetime, accepted: bool) -> None:
    assert kept(timestamp(), moment) is accepted
    assert kept(version(), moment) is accepted
    assert kept(calendar_date(), moment.date()) is accepted
    assert kept(instant(), moment)
    assert kept(day(), moment.date())


def test_dates_agreed_ahead_may_lie_in_the_future_but_not_before_1900() -> None:
    assert kept(calendar_date(future=True), date(2027, 1, 1))
    assert not kept(calendar_date(future=True), date(1899, 12, 31))


@pytest.mark.parametrize(
    ("column", "value", "accepted"),
    [
        (money(min=0), Decimal("0.00"), True),
        (money(min=0), Decimal("-0.01"), False),
        (money(), Decimal("-0.01"), True),
        (money(), None, False),
        (money(nullable=True), None, True),
        (ratio(), float("nan"), False),
        (ratio(), float("inf"), False),
        (ratio(nullable=True), None, True),
        (text(), None, False),
        (text(nullable=True), None, True),
    ],
)
def test_amounts_ratios_and_texts(column: dy.Column, value: object, accepted: bool) -> None:
    assert kept(column, value) is accepted


def test_a_contract_knows_its_keys_references_persons_and_json() -> None:
    assert Customers.key() == ["customer_id", "updated_at"]
    assert Orders.key() == ["order_id"]
    assert OrderItems.references() == {
        "order_id": Reference("orders", same_day=True),
        "product_id": Reference("products"),
    }
    assert set(Customers.personal()) == {
        "email", "first_name", "last_name", "phone", "date_of_birth", "address_line1", "postal_code", "extra",
    }  # fmt: skip
    known, rest = Products.json_keys("attributes")
    assert {name: key for name, (key, _) in known.items()} == {
        name: name for name in ("color", "size", "material", "weight_kg")
    }
    assert rest == "extra"
    assert Parcels.json_keys("metadata")[0]["volume"][0] == "volume_m3"
    assert JsonField("metadata", "volume_m3") == JsonField("metadata", "volume_m3", rest=False)


def test_each_rule_has_one_dimension_and_a_name_of_its_own() -> None:
    rules = {rule.name: rule.dimension for rule in Parcels.rules()}
    assert len(rules) == len(Parcels.rules())
    assert rules["parcel_id|nullability"] is Dimension.COMPLETENESS
    assert rules["sender|format"] is Dimension.VALIDITY
    assert rules["price_covers_weight"] is Dimension.ACCURACY
    assert list(Parcels.warnings()) == ["is_light"]
    assert "is_light" not in rules


class Kept(Contract):
    """Every type a table is published with."""

    id = key_column()
    amount = money(nullable=True)
    sum = total(nullable=True)
    at = instant(nullable=True)
    on = day(nullable=True)
    name = text(nullable=True)
    share = ratio(nullable=True)


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "id": st.integers(-(2**63), 2**63 - 1),
            "amount": st.none() | st.decimals(-9_999_999_999, 9_999_999_999, places=2),
            "sum": st.none() | st.decimals(-(10**15), 10**15, places=2),
            "at": st.none() | st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
            "on": st.none() | st.dates(date(1900, 1, 1), date(2200, 1, 1)),
            "name": st.none() | st.text(st.characters(exclude_categories=["Cs"])),
            "share": st.none() | st.floats(allow_nan=False, allow_infinity=False),
        }
    ),
    max_size=6,
)


@given(rows=ROWS)
@settings(deadline=None)
def test_values_come_back_from_parquet_exactly(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, object]]
) -> None:
    file = _scratch(tmp_path_factory) / "rows.parquet"
    table = pa.Table.from_pylist(rows, schema=Kept.arrow_schema())
    pq.write_table(table, file)
    assert pq.read_table(file).to_pylist() == rows
    read = pl.read_parquet(file)
    assert read.to_dicts() == rows
    assert dict(read.schema) == {name: column.dtype for name, column in Kept.columns().items()}


def test_published_types_are_wide_and_exact() -> None:
    assert dict(zip(Kept.arrow_schema().names, Kept.arrow_schema().types, strict=True)) == {
        "id": pa.int64(),
        "amount": pa.decimal128(12, 2),
        "sum": pa.decimal128(18, 2),
        "at": pa.timestamp("us", "UTC"),
        "on": pa.date32(),
        "name": pa.string(),
        "share": pa.float64(),
    }


def _scratch(factory: pytest.TempPathFactory) -> Path:
    folder = factory.getbasetemp() / "contract"
    folder.mkdir(exist_ok=True)
    return folder
