"""Rows leave the quarantine when they pass, and everything made of their days follows."""

from collections.abc import Collection, Iterator, Mapping
from datetime import date
from pathlib import Path

import pytest

from shopease_assets.automation.catching_up import version_days
from shopease_assets.automation.replay import days_to_replay, released_days, replay, replay_plan
from shopease_assets.automation.runner import Chunk, Outcome
from shopease_assets.core.contract import Contract, Rule
from shopease_assets.definitions import assets
from shopease_assets.kit.bronze import SOURCE_TABLES
from shopease_assets.kit.columns import silver_contracts
from shopease_assets.silver.orders import Orders
from shopease_assets.sources.postgres import PostgresSnapshot
from shopease_assets.sources.postgres_table import DayRange
from shopease_assets.storage.quarantine import rows_per_rule
from shopease_assets_tests.faults.good_day import DAY, both_layers, fill
from shopease_assets_tests.faults.observed import published
from shopease_assets_tests.platform import LAST_DAY, START, Platform

_NEXT, _LAST = date(2026, 1, 6), date(2026, 1, 9)
_FACTS = ["orders", "order_items"]
_REFERENCES = {table: contract.references() for table, contract in silver_contracts().items()}
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


def test_a_customer_who_is_back_releases_his_orders_of_other_days(shop_days: Platform) -> None:
    shop_days.sql("update shop.customers set email = 'asha at home' where customer_id = 2")
    shop_days.run(DAY, _LAST)
    orphans = rows_per_rule(shop_days.lake)["orders", "customer_id|exists"]
    assert orphans == 6  # a customer in a hundred, of six hundred orders
    shop_days.sql("update shop.customers set email = 'asha@home.in' where customer_id = 2")
    assert _replay(shop_days, "customers").success
    assert rows_per_rule(shop_days.lake) == {}
    assert set(shop_days.rows("gold.fact_sales")["order_id"]) == set(range(1, 3 * _ROWS + 1))


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


def test_days_apart_are_apart_and_upstream_comes_first(shop_days: Platform) -> None:
    assert shop_days.run(DAY, _LAST).success
    planned = _plan(shop_days, {"orders": [DAY.isoformat(), _LAST.isoformat()]}, refresh=True)
    spans = [(chunk.first, chunk.last, _names(chunk)) for chunk in planned]
    together = ["bronze/order_items", "bronze/orders", "silver/order_items", "silver/orders"]
    for first, last, names in spans[:2]:
        assert first == last
        assert set(together) < set(names)
    assert [span[:2] for span in spans[2:]] == [("2026-01-01", "2026-01-01")]
    assert all(name.startswith("gold/") for name in spans[2][2])


def test_nothing_is_released_by_a_parent_of_another_day(shop_days: Platform) -> None:
    shop_days.sql("update shop.order_items set order_id = 999999 where order_item_id = 5")
    shop_days.run(DAY, _LAST, tables=both_layers())
    assert rows_per_rule(shop_days.lake)["order_items", "order_id|exists"] == 1
    assert released_days(shop_days.lake, _REFERENCES) == {}


def _replay(platform: Platform, table: str) -> Outcome:
    with PostgresSnapshot(platform.dsn) as snapshot:
        lacking = version_days(platform.lake, snapshot, [SOURCE_TABLES[table]], DayRange(START, LAST_DAY))
    days = days_to_replay(platform.lake, table, START, LAST_DAY) | lacking
    return replay(assets, platform.lake, table, days, _REFERENCES, days_per_run=31, execute=platform.execute)


def _plan(platform: Platform, tables: Mapping[str, Collection[str]], *, refresh: bool) -> list[Chunk]:
    return replay_plan({asset.key: asset for asset in assets}, platform.lake, tables, days_per_run=31, refresh=refresh)


def _names(chunk: Chunk) -> list[str]:
    return [asset.key.to_user_string() for asset in chunk.assets]
