"""Rows leave the quarantine when they pass, and everything made of their days follows."""

from collections.abc import Collection, Iterator
from datetime import date
from pathlib import Path

import pytest

from shopease_assets.automation.planning import Chunk, Work, waves
from shopease_assets.automation.released import run_with_released
from shopease_assets.automation.replay import days_to_replay, replay_work
from shopease_assets.automation.runner import Outcome
from shopease_assets.automation.stale_work import work_after
from shopease_assets.core.contract import Contract, Rule
from shopease_assets.definitions import assets, source_tables
from shopease_assets.silver.orders import Orders
from shopease_assets.sources.postgres import PostgresSnapshot
from shopease_assets.storage.quarantine import rows_per_rule
from shopease_assets_tests.faults.good_day import DAY, both_layers, fill
from shopease_assets_tests.faults.observed import published
from shopease_assets_tests.platform import LAST_DAY, START, Platform

_NEXT, _LAST = date(2026, 1, 6), date(2026, 1, 9)
_FACTS = ["orders", "order_items"]
_ROWS = 200


@pytest.fixture
def shop_days(tmp_path: Path, empty_shop: str) -> Iterator[Platform]:
    """Orders of three days, the third apart from the others; nothing is published yet."""
    fill(empty_shop, rows=_ROWS)
    for number, day in enumerate((_NEXT, _LAST), start=1):
        fill(empty_shop, rows=_ROWS, day=day, first=1 + number * _ROWS, tables=_FACTS)
    with Platform(empty_shop, tmp_path / "lake") as platform:
        yield platform


def test_a_row_mended_at_the_source_leaves_the_quarantine_and_gold_gains_it(shop_days: Platform) -> None:
    shop_days.sql("update shop.orders set currency = 'x' where order_id in (5, 450)")
    assert shop_days.run(DAY, _LAST).success
    assert len(shop_days.rows("gold.fact_sales")) == 3 * _ROWS - 2
    shop_days.sql("update shop.orders set currency = 'INR'")
    assert _replay(shop_days, "orders").success
    assert rows_per_rule(shop_days.lake) == {}
    assert set(shop_days.rows("gold.fact_sales")["order_id"]) == set(range(1, 3 * _ROWS + 1))
    assert shop_days.rows("gold.daily_sales_summary")["total_transactions"].sum() == 3 * _ROWS
    newest = shop_days.rows("gold.customer_analytics", date(2026, 1, 1))
    assert newest["total_purchases"].sum() == 3 * _ROWS
    for day in (DAY, _LAST):
        assert all(shop_days.checks(f"silver.{table}", day)["row_conservation"] for table in _FACTS)


@pytest.mark.slow
def test_a_day_that_was_blocked_is_published_with_all_that_is_made_of_it(shop_days: Platform) -> None:
    shop_days.sql("update shop.orders set status = 'lost' where order_id between 201 and 400")
    assert not shop_days.run(DAY, _LAST).success
    assert _NEXT.isoformat() not in published(shop_days, "gold.fact_sales")
    shop_days.sql("update shop.orders set status = 'delivered'")
    assert _replay(shop_days, "orders").success
    assert len(shop_days.rows("gold.fact_sales", _NEXT)) == _ROWS
    assert days_to_replay(shop_days.lake, "orders", START, LAST_DAY) == set()


def test_a_day_that_is_still_bad_is_still_blocked_and_told(shop_days: Platform) -> None:
    shop_days.sql("update shop.orders set status = 'lost' where order_id between 201 and 400")
    shop_days.run(DAY, _LAST, tables=both_layers())
    outcome = _replay(shop_days, "orders")
    assert "status|listed" in outcome.failures[0].reason
    assert rows_per_rule(shop_days.lake)["orders", "status|listed"] == _ROWS


def test_a_row_passes_when_its_rule_was_mended(shop_days: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    shop_days.sql("update shop.orders set currency = 'rupee' where order_id = 5")
    shop_days.run(DAY, _LAST, tables=both_layers())
    assert rows_per_rule(shop_days.lake)["orders", "currency|format"] == 1

    def mended(cls: type[Contract]) -> list[Rule]:
        return [rule for rule in Contract.rules.__func__(cls) if rule.name != "currency|format"]  # type: ignore[attr-defined]

    monkeypatch.setattr(Orders, "rules", classmethod(mended))
    assert _replay(shop_days, "orders").success
    assert rows_per_rule(shop_days.lake) == {}
    assert 5 in shop_days.rows("silver.orders")["order_id"]


def test_an_order_and_its_lines_are_read_together_whichever_of_them_was_bad(shop_days: Platform) -> None:
    shop_days.sql("update shop.order_items set quantity = 3 where order_item_id = 5")
    assert shop_days.run(DAY, _LAST, tables=both_layers()).success
    shop_days.sql("update shop.order_items set line_total = 30 where order_item_id = 5")
    shop_days.sql("update shop.orders set subtotal = 30, total_amount = 30 where order_id = 5")
    assert _replay(shop_days, "order_items").success
    assert rows_per_rule(shop_days.lake) == {}
    assert shop_days.rows("silver.orders").filter(order_id=5)["subtotal"].to_list() == [30]


@pytest.mark.slow
def test_a_customer_who_is_back_releases_his_orders_of_other_days(shop_days: Platform) -> None:
    shop_days.sql("update shop.customers set email = 'asha at home' where customer_id = 2")
    shop_days.run(DAY, _LAST)
    orphans = rows_per_rule(shop_days.lake)["orders", "customer_id|exists"]
    assert orphans == 6  # a customer in a hundred, of six hundred orders
    shop_days.sql("update shop.customers set email = 'asha@home.in' where customer_id = 2")
    assert _replay(shop_days, "customers").success
    assert rows_per_rule(shop_days.lake) == {}
    assert set(shop_days.rows("gold.fact_sales")["order_id"]) == set(range(1, 3 * _ROWS + 1))


@pytest.mark.slow
def test_a_version_mended_on_a_later_day_counts_from_then_and_the_bad_one_stays_history(shop_days: Platform) -> None:
    shop_days.sql("update shop.customers set email = 'asha at home' where customer_id = 2")
    shop_days.run(DAY, _LAST)
    shop_days.sql(
        "update shop.customers set email = 'asha@home.in', updated_at = timestamptz '2026-01-20 10:00Z' "
        "where customer_id = 2"
    )
    assert _replay(shop_days, "customers").success
    assert rows_per_rule(shop_days.lake) == {("customers", "email|format"): 1}
    assert len(shop_days.rows("silver.orders")) == 3 * _ROWS


def test_what_was_never_built_is_not_begun(shop_days: Platform) -> None:
    shop_days.sql("update shop.customers set email = 'asha at home' where customer_id = 150")
    assert shop_days.run(DAY, tables=both_layers("tenants", "customers")).success
    shop_days.sql("update shop.customers set email = 'asha@home.in' where customer_id = 150")
    assert _replay(shop_days, "customers").success
    assert not {"silver.orders", "gold.fact_sales"} & {str(ref) for ref in shop_days.log.tables()}


def test_days_apart_are_apart_and_what_is_read_together_goes_together(shop_days: Platform) -> None:
    assert shop_days.run(DAY, _LAST).success
    days = {DAY.isoformat(), _LAST.isoformat()}
    work = _work(shop_days, "orders", days)
    together = ("bronze/order_items", "bronze/orders", "silver/order_items", "silver/orders", "gold/fact_sales")
    assert all(work[table] == days for table in together)
    assert work["gold/customer_analytics"] == {"2026-01-01"}
    assert "bronze/customers" not in work


def test_nothing_is_released_by_a_parent_of_another_day(shop_days: Platform) -> None:
    shop_days.sql("update shop.order_items set order_id = 999999 where order_item_id = 5")
    shop_days.run(DAY, _LAST, tables=both_layers())
    assert rows_per_rule(shop_days.lake)["order_items", "order_id|exists"] == 1
    assert work_after(shop_days.lake, assets) == {}


def _replay(platform: Platform, table: str) -> Outcome:
    days = days_to_replay(platform.lake, table, START, LAST_DAY)
    return run_with_released(
        platform.lake, assets, _work(platform, table, days), lambda work: platform.execute(_chunks(work))
    )


def _work(platform: Platform, table: str, days: Collection[str]) -> Work:
    with PostgresSnapshot(platform.dsn) as snapshot:
        return replay_work(platform.lake, snapshot, assets, source_tables, table, days)


def _chunks(work: Work) -> list[Chunk]:
    return [chunk for wave in waves(work, assets, 31) for chunk in wave]
