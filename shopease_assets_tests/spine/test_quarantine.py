"""`shopease quarantine` and `shopease replay` as a user types them."""

import json
from collections.abc import Iterator
from datetime import date

import pytest

from shopease_assets import synthetic
from shopease_assets.sources.embedded import create_database, drop_database
from shopease_assets_tests.faults.good_day import DAY, both_layers, fill
from shopease_assets_tests.platform import Platform
from shopease_assets_tests.spine.shell import Shell, shell_over

_NEXT = date(2026, 1, 6)
_PERSONAL = ["asha.at.home", "Quackenbush", "1850-07-09"]


@pytest.fixture(scope="module")
def refusing(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """Two days with a few bad rows each."""
    dsn = create_database(server, "refusing")
    synthetic.create(dsn, relaxed=True)
    fill(dsn, rows=200)
    fill(dsn, rows=200, day=_NEXT, first=201, tables=["orders", "order_items"])
    with Platform(dsn, tmp_path_factory.mktemp("refusing") / "lake") as platform:
        platform.sql(
            "update shop.customers set email = 'asha.at.home', last_name = 'Quackenbush', date_of_birth = '1850-07-09' "
            "where customer_id = 150"
        )
        platform.sql("update shop.orders set currency = 'x' where order_id in (5, 205)")
        platform.sql("update shop.orders set total_amount = 21 where order_id = 206")
        assert platform.run(DAY, _NEXT, tables=both_layers()).success
        yield platform
    drop_database(server, "refusing")


@pytest.fixture
def shopease(
    refusing: Platform, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Shell]:
    yield from shell_over(refusing, monkeypatch, capsys)


def test_the_summary_counts_rows_and_days_per_rule_and_names_some_keys(shopease: Shell) -> None:
    told = json.loads(shopease("quarantine", "summary", "--format", "json"))
    rows = {(row["table"], row["rule"]): row for row in told}
    assert set(rows) == {
        ("customers", "date_of_birth|plausible"),
        ("customers", "email|format"),
        ("order_items", "order_id|exists"),
        ("orders", "currency|format"),
        ("orders", "total_adds_up"),
    }
    currency = rows["orders", "currency|format"]
    assert (currency["dimension"], currency["rows"], currency["days"]) == ("validity", 2, 2)
    assert (currency["first_day"], currency["last_day"]) == (DAY.isoformat(), _NEXT.isoformat())
    assert currency["sample_keys"] == "5, 205"
    assert currency["latest_run"]
    assert rows["order_items", "order_id|exists"]["dimension"] == "consistency"


def test_the_summary_is_of_the_days_and_the_table_that_were_asked_for(shopease: Shell) -> None:
    told = json.loads(
        shopease("quarantine", "summary", "--table", "silver/orders", "--to", "2026-01-05", "--format", "json")
    )
    assert [(row["rule"], row["rows"]) for row in told] == [("currency|format", 1)]
    assert "nothing is in quarantine in orders from 2026-02-01" in shopease(
        "quarantine", "summary", "--table", "orders", "--from", "2026-02-01"
    )
    assert json.loads(shopease("quarantine", "summary", "--from", "2026-02-01", "--format", "json")) == []


def test_a_summary_is_a_table_a_person_can_read(shopease: Shell) -> None:
    line = next(line for line in shopease("quarantine", "summary").splitlines() if "currency|format" in line)
    assert all(word in line for word in ("orders", "validity", "2026-01-05", "2026-01-06", "5, 205"))


def test_a_refused_row_is_shown_as_it_was_read_with_personal_values_masked(shopease: Shell) -> None:
    told = shopease("quarantine", "show", "customers")
    assert all(
        word in told for word in ("email|format", "email: xxxx.xx.xxxx", "last_name: Xxxxxxxxxxx", "150", "Pune")
    )
    assert not [value for value in _PERSONAL if value in told]
    (row,) = json.loads(shopease("quarantine", "show", "customers", "--format", "json"))
    assert not [value for value in _PERSONAL if value in row["row"]]
    assert json.loads(row["row"])["date_of_birth"] == "9999-99-99"


def test_what_a_row_lacks_is_shown_where_a_rule_wants_it(shopease: Shell, refusing: Platform) -> None:
    refusing.sql("update shop.tenants set slug = null where tenant_id = 150")
    assert refusing.run(DAY, tables=both_layers("tenants")).success
    told = shopease("quarantine", "show", "tenants")
    assert "slug: null" in told
    assert "domain: t150.example.com" in told
    refusing.sql("update shop.tenants set slug = 'tenant-150' where tenant_id = 150")
    assert "slug|nullability" in shopease("replay", "tenants")


def test_personal_values_are_shown_to_who_asks_for_them(shopease: Shell) -> None:
    told = shopease("quarantine", "show", "customers", "--reveal")
    assert all(value in told for value in _PERSONAL)


def test_rows_are_shown_by_rule_newest_day_first_and_no_more_than_wanted(shopease: Shell) -> None:
    told = json.loads(shopease("quarantine", "show", "orders", "--rule", "currency|format", "--format", "json"))
    assert [(row["day"], row["key"]) for row in told] == [("2026-01-06", "205"), ("2026-01-05", "5")]
    assert "coupon_code" not in json.loads(told[0]["row"])  # it is null
    limited = json.loads(shopease("quarantine", "show", "orders", "--limit", "1", "--format", "json"))
    assert len(limited) == 1
    assert "1 of 3 rows" in shopease("quarantine", "show", "orders", "--limit", "1")


@pytest.mark.parametrize(
    ("arguments", "culprit"),
    [
        (["show", "nothing"], "quarantine/nothing"),
        (["show", "orders", "--rule", "nonsense"], "currency|format"),
        (["show", "orders", "--from", "2026-02-30"], "2026-02-30"),
        (["summary", "--from", "2026-01-06", "--to", "2026-01-05"], "2026-01-05"),
    ],
)
def test_a_mistake_is_named_with_its_cure(shopease: Shell, arguments: list[str], culprit: str) -> None:
    told = shopease("quarantine", *arguments, exits=1)
    assert told.startswith("error: ")
    assert culprit in told


def test_replay_says_what_is_still_blocked_and_what_left_the_quarantine(shopease: Shell, refusing: Platform) -> None:
    refusing.sql("update shop.orders set currency = 'x' where order_id > 200")
    told = shopease("replay", "orders", exits=1)
    assert "silver.orders" in told
    assert "currency|format" in told
    refusing.sql("update shop.orders set currency = 'INR'")
    lines = shopease("replay", "silver/orders", "--from", DAY.isoformat(), "--to", _NEXT.isoformat()).splitlines()
    (line,) = [line for line in lines if "currency|format" in line]
    assert [cell.strip() for cell in line.strip("│┃ ").split("│")] == ["orders", "currency|format", "201", "0"]
    assert len(refusing.rows("silver.orders")) == 399


def test_a_replay_of_a_clean_table_does_nothing(shopease: Shell) -> None:
    assert "silver.tenants has nothing in quarantine" in shopease("replay", "tenants")


def test_a_replay_of_an_unknown_table_names_those_there_are(shopease: Shell) -> None:
    assert "order_items, orders" in shopease("replay", "gold/fact_sales", exits=1)
