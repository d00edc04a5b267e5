"""What the source touched is found and run, partition by partition: nothing more, nothing less, and only once."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import dagster as dg
import pytest

from shopease_assets import synthetic
from shopease_assets.automation.late_changes import OVERLAP, look, oldest_read
from shopease_assets.automation.planning import Chunk, Work, waves
from shopease_assets.core.errors import SourceError
from shopease_assets.core.layout import TableRef
from shopease_assets.definitions import assets
from shopease_assets.kit.bronze import SOURCE_TABLES
from shopease_assets.sources.postgres import PostgresSnapshot
from shopease_assets.sources.run_source import RunSource
from shopease_assets.storage.lake import ParquetLake
from shopease_assets_tests.faults.good_day import DAY, fill
from shopease_assets_tests.platform import LAST_DAY, START, Platform
from shopease_assets_tests.spine.compare import KEYS, gold_differences, moved, versions
from shopease_assets_tests.spine.conftest import Copy
from shopease_assets_tests.spine.independent import remember

_NEWEST = LAST_DAY + timedelta(days=2)
_DAY, _OTHER = date(2026, 1, 7), date(2026, 1, 20)
_ROWS = 1_000
_A_SALE = "(select min(order_id) from shop.orders where status = 'delivered' and ordered_at::date = '2026-01-07')"


@pytest.fixture(scope="module")
def advanced(built: Platform, copy_of: Copy) -> tuple[Platform, Mapping[str, set[date]], Mapping[str, set[date]]]:
    """Two days later: the platform brought up to date, the partitions that moved, and those predicted to."""
    platform = copy_of(built)
    before = versions(platform)
    advance = synthetic.advance(platform.dsn, days=2)
    assert advance.touched["deleted"].sum() > 0
    remember(platform.dsn)
    platform.refresh(_NEWEST)
    return platform, moved(before, versions(platform)), predicted(advance)


@pytest.fixture
def copy(built: Platform, copy_of: Copy) -> Platform:
    """A built platform that the test may change."""
    return copy_of(built)


def test_after_an_advance_exactly_the_predicted_partitions_have_new_versions(
    advanced: tuple[Platform, Mapping[str, set[date]], Mapping[str, set[date]]],
) -> None:
    platform, moves, expected = advanced
    for ref in platform.log.tables():
        if ref.layer == "quarantine":
            assert moves[str(ref)] <= expected[f"silver.{ref.name}"], ref
        else:
            assert moves[str(ref)] == expected[str(ref)], ref
    kept = [ref for ref in platform.log.tables() if ref.layer == "gold" and ref.partition_by == "dt"]
    assert all(moves[str(ref)] < {date.fromisoformat(key) for key in platform.log.pointers(ref)} for ref in kept)


@pytest.mark.parametrize("table", KEYS)
def test_after_an_advance_gold_is_right(
    advanced: tuple[Platform, Mapping[str, set[date]], Mapping[str, set[date]]], table: str
) -> None:
    assert gold_differences(advanced[0], table, _NEWEST) == []


def test_a_second_look_finds_nothing(
    built: Platform, advanced: tuple[Platform, Mapping[str, set[date]], Mapping[str, set[date]]]
) -> None:
    assert built.lacks() == {}
    assert advanced[0].lacks(_NEWEST) == {}


def test_an_empty_lake_lacks_every_table(platform: Platform) -> None:
    assert set(platform.lacks()) == {asset.key.to_user_string() for asset in assets}


def test_an_order_deleted_by_hand_refreshes_its_day_and_no_other(copy: Platform) -> None:
    copy.sql(
        f"create temp table gone as select {_A_SALE} as order_id; "
        "delete from shop.order_items where order_id = (select order_id from gone); "
        "delete from shop.orders where order_id = (select order_id from gone)"
    )
    assert copy.refresh() == _daily({"orders", "order_items"}, _DAY)
    assert copy.lacks() == {}
    remember(copy.dsn)
    assert gold_differences(copy, "daily_sales_summary", LAST_DAY) == []


def test_a_source_table_without_any_row_does_not_empty_the_lake(copy: Platform) -> None:
    copy.sql("delete from shop.web_events")
    with pytest.raises(
        SourceError, match=r"shop.web_events has no rows .* run: shopease run --table bronze/web_events"
    ):
        copy.lacks()


def test_an_order_that_moves_to_another_day_refreshes_both(copy: Platform) -> None:
    copy.sql(
        "update shop.orders set ordered_at = ordered_at + interval '13 days', "
        f"shipped_at = null, delivered_at = null where order_id = {_A_SALE}"
    )
    assert copy.refresh() == _daily({"orders", "order_items"}, _DAY, _OTHER)
    assert copy.lacks() == {}


def test_a_day_that_was_refused_is_not_tried_again_before_something_changes(copy: Platform) -> None:
    copy.sql("update shop.orders set currency = 'x' where ordered_at::date = %s", _DAY)
    assert not copy.execute(_chunks(copy.lacks())).success
    assert copy.lacks() == {}
    copy.sql("update shop.orders set currency = 'INR' where ordered_at::date = %s", _DAY)
    copy.refresh()
    assert copy.log.quality(TableRef("silver", "orders"), [_DAY.isoformat()])[0].passed
    assert copy.lacks() == {}


def test_a_tie_at_the_same_microsecond_as_what_was_read_is_seen(copy: Platform) -> None:
    ((newest,),) = copy.sql("select max(updated_at) from shop.orders")
    copy.sql(f"update shop.orders set coupon_code = 'TIE', updated_at = %s where order_id = {_A_SALE}", newest)
    assert _stale_since(copy, "orders", newest) == {_DAY.isoformat()}


def test_a_commit_that_comes_late_is_seen_inside_the_overlap_and_once(copy: Platform) -> None:
    ((newest,),) = copy.sql("select max(updated_at) from shop.orders")
    assert isinstance(newest, datetime)
    begun = newest - OVERLAP + timedelta(seconds=1)
    copy.sql(f"update shop.orders set coupon_code = 'LATE', updated_at = %s where order_id = {_A_SALE}", begun)
    assert _stale_since(copy, "orders", newest - OVERLAP) == {_DAY.isoformat()}
    copy.refresh()
    assert _stale_since(copy, "orders", newest - OVERLAP) == set()


@pytest.mark.slow
def test_a_change_made_while_a_long_run_is_reading_is_found_afterwards(
    copy: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = RunSource.snapshot

    def slow(source: RunSource) -> PostgresSnapshot:
        snapshot = opened(source)
        copy.sql(f"update shop.orders set status = 'returned' where order_id = {_A_SALE} and status = 'delivered'")
        return snapshot

    hour_later = ParquetLake.local(
        Path(copy.lake.location.root), copy.log, clock=lambda: datetime.now(UTC) + timedelta(hours=1)
    )
    with monkeypatch.context() as patched:
        patched.setattr(RunSource, "snapshot", slow)
        patched.setattr(copy, "lake", hour_later)
        assert copy.run(START, LAST_DAY).success
    since = oldest_read(copy.lake, SOURCE_TABLES["orders"])
    assert _stale_since(copy, "orders", since) == {_DAY.isoformat()}
    assert copy.refresh() == _daily({"orders", "order_items"}, _DAY)


def test_a_web_event_that_arrives_days_late_refreshes_the_day_it_happened(copy: Platform) -> None:
    copy.sql(
        """insert into shop.web_events
           select (select max(event_id) + 1 from shop.web_events), tenant_id, customer_id, session_id, event_type,
                  product_id, page_url, referrer_url, device_type, browser, os, ip_address, user_agent, event_data,
                  occurred_at, now(), occurred_at
           from shop.web_events where occurred_at::date = %s order by event_id limit 1""",
        _DAY,
    )
    with PostgresSnapshot(copy.dsn) as snapshot:
        recent = _look(copy, snapshot, "web_events", snapshot.taken_at - OVERLAP, counted=1)
    assert recent == {_DAY.isoformat()}  # by its arrival alone
    assert copy.refresh() == _daily({"web_events"}, _DAY)


def test_what_a_failed_run_left_undone_is_found_again(copy: Platform) -> None:
    copy.sql(f"update shop.orders set coupon_code = 'AGAIN' where order_id = {_A_SALE}")
    asked = copy.lacks()
    assert copy.run(_DAY, tables=["bronze/orders", "bronze/order_items", "silver/orders"]).success
    left = copy.lacks()
    assert left == {name: days for name, days in asked.items() if name in left}
    assert asked.keys() - left.keys() == {"bronze/orders", "bronze/order_items", "silver/orders"}
    copy.refresh()
    assert copy.lacks() == {}


@pytest.mark.slow
def test_orders_whose_customer_arrives_later_leave_the_quarantine_and_so_do_their_lines(
    empty_shop: str, tmp_path: Path
) -> None:
    with Platform(empty_shop, tmp_path / "lake") as platform:
        fill(empty_shop, rows=_ROWS)
        platform.sql("update shop.orders set customer_id = %s where order_id = 500", _ROWS + 1)
        assert platform.run(START, DAY).success
        assert platform.rows("quarantine.orders")["rules"].to_list() == ["customer_id|exists"]
        assert platform.lacks() == {}
        fill(empty_shop, first=_ROWS + 1, rows=1, day=LAST_DAY, tables=["customers"])
        first = platform.refresh()
        assert first["silver/customers"] == {LAST_DAY.isoformat()}
        freed = platform.refresh()
        assert {name: days for name, days in freed.items() if not name.startswith("gold/")} == {
            "silver/orders": {DAY.isoformat()},
            "silver/order_items": {DAY.isoformat()},
        }
        assert platform.rows("silver.orders").height == platform.rows("silver.order_items").height == _ROWS
        assert platform.rows("quarantine.orders").is_empty()
        assert platform.rows("quarantine.order_items").is_empty()
        assert platform.lacks() == {}


def test_a_restated_day_tells_its_old_and_new_revenue(copy: Platform) -> None:
    was = copy.rows("gold.daily_sales_summary", _DAY)["total_revenue"].sum()
    ((lost,),) = copy.sql(f"select sum(line_total) from shop.order_items where order_id = {_A_SALE}")
    assert isinstance(lost, Decimal)
    copy.sql(f"update shop.orders set status = 'cancelled' where order_id = {_A_SALE}")
    copy.refresh()
    told = f"revenue {was:,} -> {was - lost:,} ({-lost:+,})"
    for table in ("daily_sales_summary", "daily_product_sales", "daily_customer_sales"):
        event = copy.instance.get_latest_materialization_event(dg.AssetKey(["gold", table]))
        assert event is not None
        assert event.asset_materialization is not None
        assert event.asset_materialization.metadata["restatement"].value == told
    [ref] = [ref for ref in copy.log.tables() if str(ref) == "gold.daily_sales_summary"]
    newest, *older = copy.log.history(ref, _DAY.isoformat())
    assert newest.note == f"{_DAY} {told}"
    assert all(publication.note is None for publication in older)


def predicted(advance: synthetic.Advance) -> Mapping[str, set[date]]:
    """The partitions that must change: `silver.orders` → days or months, from what was played and the graph alone."""
    touched = {str(table): set(advance.partitions(str(table))) for table in advance.touched["table"].unique()}
    touched["order_items"] = touched["order_items"] | touched["orders"]
    new = {day for days in touched.values() for day in days if day > LAST_DAY}
    return _with_downstream(touched, new)


def _with_downstream(touched: Mapping[str, set[date]], new: set[date]) -> Mapping[str, set[date]]:
    from shopease_assets.definitions import defs

    graph = defs.resolve_asset_graph()
    found: dict[str, set[date]] = {}
    for key in graph.toposorted_asset_keys:
        if key not in graph.materializable_asset_keys:
            continue
        layer, table = key.path
        days = touched.get(table, set()) | new if layer == "bronze" else set()
        days |= {day for up in graph.get(key).parent_keys for day in found[".".join(up.path)]}
        if isinstance(graph.get(key).partitions_def, dg.MonthlyPartitionsDefinition):
            days = {
                month for month in (date(2026, 1, 1), date(2026, 2, 1)) if days and month >= min(days).replace(day=1)
            }
        if table == "fact_inventory" and days:  # each day is made of all movements up to it
            days |= {day for day in _days() if day >= min(days)}
        found[".".join(key.path)] = {max(day, START) for day in days}
    judged = {day for table, days in found.items() if table.startswith("silver.") for day in days}
    return {**found, "gold.data_quality_scores": judged}


def _days() -> list[date]:
    return [START + timedelta(days=n) for n in range((LAST_DAY - START).days + 1)]


def _daily(tables: set[str], *days: date) -> Mapping[str, set[str]]:
    """The work for these days of these bronze tables."""
    found = _with_downstream({table: set(days) for table in tables}, set())
    return {name.replace(".", "/"): {day.isoformat() for day in held} for name, held in found.items() if held}


def _stale_since(platform: Platform, table: str, since: object) -> set[str]:
    with PostgresSnapshot(platform.dsn) as snapshot:
        return _look(platform, snapshot, table, since)


def _look(platform: Platform, snapshot: PostgresSnapshot, table: str, since: object, counted: int = 1) -> set[str]:
    assert isinstance(since, datetime)
    days = (START.isoformat(), LAST_DAY.isoformat())
    found = look(platform.lake, snapshot, [SOURCE_TABLES[table]], days, since={table: since}, counted=counted)
    return set(found.stale.get(table, ()))


def _chunks(work: Work) -> list[Chunk]:
    return [chunk for wave in waves(work, assets, 31) for chunk in wave]
