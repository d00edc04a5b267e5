"""A day whose rows are all bad is blocked; its last good version, and the other days, are what readers see."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import pytest

from shopease_assets import synthetic
from shopease_assets.automation.runner import Outcome
from shopease_assets.sources.embedded import create_database, drop_database
from shopease_assets_tests.faults.good_day import DAY, both_layers, fill
from shopease_assets_tests.faults.observed import published
from shopease_assets_tests.platform import Platform

_NEXT, _LAST = date(2026, 1, 6), date(2026, 1, 7)
_FACTS = ["orders", "order_items"]
_DAILY_GOLD = ["gold/fact_sales", "gold/daily_sales_summary", "gold/daily_product_sales"]


@dataclass(frozen=True)
class Blocked:
    """A lake one of whose days was blocked."""

    platform: Platform
    before: dict[str, tuple[str, int]]
    outcome: Outcome


def _publish(platform: Platform) -> None:
    fill(platform.dsn, rows=200)
    fill(platform.dsn, rows=200, day=_NEXT, first=201, tables=_FACTS)
    fill(platform.dsn, rows=200, day=_LAST, first=401, tables=_FACTS)
    assert platform.run(DAY, _LAST, tables=[*both_layers(), *_DAILY_GOLD]).failures == ()


@pytest.fixture
def three_days(bare: Platform) -> Platform:
    """Three good days, published once."""
    _publish(bare)
    return bare


def _spoil(platform: Platform) -> None:
    platform.sql("update shop.orders set status = 'lost' where order_id between 201 and 400")


@pytest.fixture(scope="module")
def blocked(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Blocked]:
    """The three days, of which the second went bad after it had been published, and what was published before."""
    dsn = create_database(server, "blocked_days")
    synthetic.create(dsn, relaxed=True)
    with Platform(dsn, tmp_path_factory.mktemp("blocked") / "lake") as platform:
        _publish(platform)
        before = published(platform, "silver.orders")
        _spoil(platform)
        yield Blocked(platform, before, platform.run(DAY, _LAST, tables=both_layers()))
    drop_database(server, "blocked_days")


def test_a_day_of_bad_rows_keeps_its_last_good_version(blocked: Blocked) -> None:
    failure = blocked.outcome.failures[0]
    assert failure.table == "silver.orders"
    assert failure.reason.startswith("silver.orders blocked, the last good version stays visible: 2026-01-06: validity")
    after = published(blocked.platform, "silver.orders")
    assert after["2026-01-06"] == blocked.before["2026-01-06"]
    assert after["2026-01-05"] != blocked.before["2026-01-05"]
    assert after["2026-01-07"] != blocked.before["2026-01-07"]


def test_a_day_of_bad_rows_fails_its_check_and_no_other_day_s(blocked: Blocked) -> None:
    assert blocked.platform.checks("silver.orders", _NEXT)["validity"] is False
    assert all(blocked.platform.checks("silver.orders", DAY).values())


def test_the_quarantine_holds_bad_rows_with_their_rules_and_as_they_were_read(blocked: Blocked) -> None:
    refused = blocked.platform.rows("quarantine.orders")
    assert refused["dt"].unique().to_list() == [_NEXT]
    assert refused["rules"].unique().to_list() == ["status|listed"]
    assert refused["dimensions"].unique().to_list() == ["validity"]
    originals = [json.loads(row) for row in refused["original_row"]]
    assert {row["status"] for row in originals} == {"lost"}
    assert {int(row["order_id"]) for row in originals} == set(range(201, 401))


def test_the_good_days_beside_a_bad_one_reach_gold(three_days: Platform) -> None:
    _spoil(three_days)
    three_days.sql("update shop.orders set status = 'cancelled' where order_id = 401")
    three_days.run(DAY, _LAST, tables=[*both_layers(), *_DAILY_GOLD])
    before = three_days.rows("gold.daily_sales_summary", _NEXT)["total_transactions"].sum()
    after = three_days.rows("gold.daily_sales_summary", _LAST)["total_transactions"].sum()
    assert (before, after) == (200, 199)


def test_a_mended_day_is_published_and_leaves_the_quarantine(three_days: Platform) -> None:
    _spoil(three_days)
    three_days.run(DAY, _LAST, tables=both_layers())
    three_days.sql("update shop.orders set status = 'delivered' where status = 'lost'")
    assert three_days.run(_NEXT, tables=both_layers()).success
    assert three_days.rows("quarantine.orders").is_empty()
    assert all(three_days.checks("silver.orders", _NEXT).values())


def test_a_bad_day_that_was_never_good_is_no_empty_day_downstream(bare: Platform) -> None:
    fill(bare.dsn, rows=200)
    assert bare.run(DAY, tables=[*both_layers(), *_DAILY_GOLD]).success
    fill(bare.dsn, rows=200, day=_NEXT, first=201, tables=_FACTS)
    _spoil(bare)
    assert not bare.run(_NEXT, tables=both_layers()).success
    failures = bare.run(_NEXT, tables=_DAILY_GOLD).failures
    assert "2026-01-06 is not published; run: shopease run --table silver/order" in failures[0].reason
    assert set(published(bare, "gold.daily_sales_summary")) == {"2026-01-05"}


def test_a_day_that_bronze_never_read_is_no_empty_day_in_silver(bare: Platform) -> None:
    fill(bare.dsn, rows=200)
    bare.run(DAY, tables=both_layers("tenants"))
    (failure,) = bare.run(_NEXT, tables=["silver/tenants"]).failures
    assert "bronze.tenants 2026-01-06 is not published; run: shopease run --table bronze/tenants" in failure.reason
    assert set(published(bare, "silver.tenants")) == {"2026-01-05"}
