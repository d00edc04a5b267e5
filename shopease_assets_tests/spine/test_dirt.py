"""A dirty source: what is bad is refused with its reason, what is good is published, and no row is lost."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace

import polars as pl
import pytest

from shopease_assets import synthetic
from shopease_assets.automation.runner import Outcome
from shopease_assets.core.layout import TableRef
from shopease_assets.sources.embedded import create_database, drop_database
from shopease_assets.synthetic.dataset import KEYS
from shopease_assets_tests.platform import LAST_DAY, START, Platform

_SILVER = ("tenants", "stores", "customers", "products", "inventory", "orders", "order_items")
_FACTS = ("orders", "order_items")  # a refused customer would take all their orders along
_HARMLESS = ("noise", "key|unique")  # cleaning and deduplication mend these
#: Little enough that some days pass and some are blocked.
_SOME = synthetic.Dirt(
    nulls=0.01,
    duplicates=0.01,
    outliers=0.005,
    malformed_emails=0.01,
    wrong_totals=0.005,
    broken_json=0.005,
    orphans=0.002,
    noise=0.02,
)
_MONEY_RULE = "subtotal_is_the_sum_of_lines"


@dataclass(frozen=True)
class Dirty:
    """The dirty shop, what was planted in it, and what a run over it said."""

    platform: Platform
    dataset: synthetic.Dataset
    outcome: Outcome

    def published(self, table: str) -> set[str]:
        """The days of silver that readers see."""
        return set(self.platform.log.pointers(TableRef("silver", table)))


@pytest.fixture(scope="module")
def dirty(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dirty]:
    days = (LAST_DAY - START).days + 1
    sound = synthetic.generate("tiny", start=START, days=days)
    soiled = synthetic.generate("tiny", start=START, days=days, dirt=_SOME)
    dimensions = {table: sound.frames[table] for table in _SILVER if table not in _FACTS}
    dataset = replace(
        soiled, frames=soiled.frames | dimensions, ledger=soiled.ledger.filter(pl.col("table").is_in(_FACTS))
    )
    dsn = create_database(server, "spine_dirty")
    synthetic.create(dsn, relaxed=True)
    synthetic.load(dsn, dataset)
    with Platform(dsn, tmp_path_factory.mktemp("dirty") / "lake") as platform:
        outcome = platform.run(
            START, LAST_DAY, tables=[f"{layer}/{table}" for layer in ("bronze", "silver") for table in _SILVER]
        )
        after = platform.run(START, LAST_DAY, tables=["silver/order_items"])  # whatever became of orders
        assert {failure.table for failure in after.failures} <= {"silver.order_items"}, after.failures
        yield Dirty(platform, dataset, outcome)
    drop_database(server, "spine_dirty")


def test_some_days_pass_and_some_are_blocked(dirty: Dirty) -> None:
    days = (LAST_DAY - START).days + 1
    assert all(0 < len(dirty.published(table)) < days for table in _FACTS)
    assert all(not dirty.platform.rows(f"quarantine.{table}").is_empty() for table in _FACTS)


def test_a_run_over_dirt_fails_and_says_which_tables(dirty: Dirty) -> None:
    assert not dirty.outcome.success
    assert {failure.table for failure in dirty.outcome.failures} <= {f"silver.{table}" for table in _SILVER}


@pytest.mark.parametrize("table", _SILVER)
def test_a_day_is_visible_exactly_if_every_blocking_check_passed(dirty: Dirty, table: str) -> None:
    ref = TableRef("silver", table)
    results = dirty.platform.log.quality(ref)
    days = {result.partition for result in results}
    blocked = {result.partition for result in results if result.blocking and not result.passed}
    assert dirty.published(table) == days - blocked
    if dirty.published(table):
        seen = {day.isoformat() for day in dirty.platform.rows(f"silver.{table}")["dt"].unique()}
        assert seen <= dirty.published(table)


@pytest.mark.parametrize("table", _SILVER)
def test_every_bronze_row_of_a_day_is_published_quarantined_or_a_duplicate(dirty: Dirty, table: str) -> None:
    key = list(KEYS[table])
    bronze = dirty.platform.rows(f"bronze.{table}")
    identity = ["dt", *key, *(["updated_at"] if "updated_at" in bronze.columns and _versioned(table) else [])]
    keyed = bronze.drop_nulls(identity)
    repeated = keyed.group_by("dt").agg(pl.len() - pl.struct(identity).n_unique())
    duplicates = {day.isoformat(): rows for day, rows in repeated.iter_rows()}
    silver = _counts(dirty, f"silver.{table}") if dirty.published(table) else {}
    refused = _counts(dirty, f"quarantine.{table}")
    for day, rows in _by_day(bronze).items():
        if day in dirty.published(table):
            assert rows == silver.get(day, 0) + refused.get(day, 0) + duplicates.get(day, 0), day


@pytest.mark.parametrize("table", _SILVER)
def test_every_fault_that_was_planted_is_refused_for_that_reason(dirty: Dirty, table: str) -> None:
    refused = _refused(dirty, table)
    planted = dirty.dataset.ledger.filter((pl.col("table") == table) & ~pl.col("rule").is_in(_HARMLESS))
    missed = [
        (row["key"], row["rule"], row["day"])
        for row in planted.iter_rows(named=True)
        if row["rule"] not in refused.get(_key(row["key"], table), set())
    ]
    assert missed == []


@pytest.mark.parametrize("table", _SILVER)
def test_every_refused_row_was_soiled_or_follows_from_one_that_was(dirty: Dirty, table: str) -> None:
    planted = dirty.dataset.ledger.filter((pl.col("table") == table) & ~pl.col("rule").is_in(_HARMLESS))
    faults = {(_key(row["key"], table), row["rule"]) for row in planted.iter_rows(named=True)}
    soiled = {key for key, _ in faults}
    for key, rules in _refused(dirty, table).items():
        unexplained = {rule for rule in rules if (key, rule) not in faults and not rule.endswith("|exists")}
        if key in soiled:
            unexplained -= {"line_total_adds_up", _MONEY_RULE}  # follows from a quantity below one
        assert not unexplained, (key, rules)
        assert rules


@pytest.mark.parametrize("table", ["orders", "order_items", "inventory"])
def test_a_missing_parent_is_really_missing(dirty: Dirty, table: str) -> None:
    parents = {"customer_id": "customers", "product_id": "products", "tenant_id": "tenants", "store_id": "stores"}
    known = {column: _ids(dirty, parent, column) for column, parent in parents.items()}
    orders = _orders_by_day(dirty)
    for row in dirty.platform.rows(f"quarantine.{table}").iter_rows(named=True):
        original = json.loads(row["original_row"])
        for rule in row["rules"].split(", "):
            column, _, kind = rule.partition("|")
            if kind == "exists" and column in parents:
                assert int(original[column]) not in known[column]
            elif kind == "exists":
                assert (row["dt"], int(original[column])) not in orders


@pytest.mark.parametrize("table", _SILVER)
def test_no_sound_row_of_a_published_day_is_lost(dirty: Dirty, table: str) -> None:
    if not dirty.published(table):
        return
    kept = dirty.platform.rows(f"silver.{table}")
    ids = set(kept.select(KEYS[table]).rows())
    refused = _refused(dirty, table)
    soiled = {
        _key(text, table)
        for text in dirty.dataset.ledger.filter((pl.col("table") == table) & ~pl.col("rule").is_in(_HARMLESS))["key"]
    }
    bronze = dirty.platform.rows(f"bronze.{table}").filter(pl.col("dt").cast(pl.String).is_in(dirty.published(table)))
    for row in bronze.select(KEYS[table]).unique().rows():
        if row not in soiled:
            assert row in ids or all(rule.endswith("|exists") for rule in refused[row]), row


def _versioned(table: str) -> bool:
    return table not in {"orders", "order_items"}


def _by_day(frame: pl.DataFrame) -> dict[str, int]:
    return {day.isoformat(): rows for day, rows in frame.group_by("dt").len().iter_rows()}


def _counts(dirty: Dirty, table: str) -> dict[str, int]:
    return _by_day(dirty.platform.rows(table))


def _key(text: str, table: str) -> tuple[int | None, ...]:
    values = json.loads(text)
    return tuple(None if values[name] is None else int(values[name]) for name in KEYS[table])


def _refused(dirty: Dirty, table: str) -> dict[tuple[int | None, ...], set[str]]:
    rows = dirty.platform.rows(f"quarantine.{table}")
    return {_key(key, table): set(rules.split(", ")) for key, rules in rows.select("row_key", "rules").iter_rows()}


def _ids(dirty: Dirty, table: str, column: str) -> set[int]:
    return set(dirty.platform.rows(f"silver.{table}")[column]) if dirty.published(table) else set()


def _orders_by_day(dirty: Dirty) -> set[tuple[object, ...]]:
    return (
        set(dirty.platform.rows("silver.orders").select("dt", "order_id").rows())
        if dirty.published("orders")
        else set()
    )
