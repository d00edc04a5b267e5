"""Runs that are killed, paused or racing: readers always see whole partitions, and a rerun ends where it should."""

import random
import threading
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from shopease_assets.storage.lake import ParquetLake
from shopease_assets_tests.faults.driver import Driver
from shopease_assets_tests.faults.good_day import DAY, both_layers, fill
from shopease_assets_tests.faults.observed import digest, left_over, published, read_everything, retried_steps
from shopease_assets_tests.platform import Platform

_NEXT = date(2026, 1, 6)
_ROWS = 300
_TABLES = [*both_layers(), "gold/fact_sales", "gold/daily_sales_summary", "gold/daily_product_sales"]


@pytest.fixture
def two_days(bare: Platform) -> Platform:
    """Two good days at the source, nothing in the lake yet."""
    fill(bare.dsn, rows=_ROWS)
    fill(bare.dsn, rows=_ROWS, day=_NEXT, first=_ROWS + 1, tables=["orders", "order_items"])
    return bare


@pytest.fixture
def driver(two_days: Platform) -> Iterator[Driver]:
    """Runs over the same lake, in processes of their own."""
    with Driver(two_days.dsn, Path(two_days.lake.location.root)) as driver:
        yield driver


def _stamp(platform: Platform, generation: int) -> None:
    platform.sql("update shop.orders set coupon_code = %s", f"G{generation}")


def _read_whole_orders(platform: Platform) -> None:
    """Every published day of orders is of one generation, and complete."""
    for layer in ("bronze", "silver"):
        if published(platform, f"{layer}.orders"):
            days = platform.rows(f"{layer}.orders").group_by("dt").agg("coupon_code")
            for _, coupons in days.iter_rows():
                assert (len(coupons), len(set(coupons))) == (_ROWS, 1)


@pytest.mark.parametrize("kills", [5, pytest.param(100, marks=pytest.mark.slow)])
def test_runs_killed_at_random_moments_never_show_half_a_partition_and_a_rerun_converges(
    two_days: Platform, driver: Driver, tmp_path: Path, kills: int
) -> None:
    moments = random.Random(7)
    _stamp(two_days, 0)
    begun = time.monotonic()
    driver.start(DAY, _NEXT, _TABLES)
    assert driver.outcome() == "done"
    whole_run = time.monotonic() - begun
    killed = 0
    for generation in range(1, kills + 1):
        _stamp(two_days, generation)
        driver.start(DAY, _NEXT, _TABLES)
        life = time.monotonic() + moments.uniform(0, whole_run)
        while time.monotonic() < life:
            _read_whole_orders(two_days)
        driver.kill()
        killed += driver.outcome() == "killed"
        _read_whole_orders(two_days)
        assert read_everything(two_days) > 0
    assert killed > kills / 2

    driver.start(DAY, _NEXT, _TABLES)
    assert driver.outcome() == "done"
    with Platform(two_days.dsn, tmp_path / "undisturbed") as undisturbed:
        assert undisturbed.run(DAY, _NEXT, tables=_TABLES).success
        assert digest(two_days) == digest(undisturbed)
    assert left_over(two_days) == set()
    assert digest(two_days)


def test_a_run_that_was_paused_and_superseded_does_not_overwrite_the_newer_one(
    two_days: Platform, driver: Driver
) -> None:
    assert two_days.run(DAY, _NEXT, tables=_TABLES).success
    _stamp(two_days, 1)
    driver.start(DAY, _NEXT, ["bronze/orders", "silver/orders"], pause=True)
    assert driver.outcome() == "paused"
    _stamp(two_days, 2)
    assert two_days.run(DAY, _NEXT, tables=["bronze/orders", "silver/orders"]).success
    newer = published(two_days, "bronze.orders"), published(two_days, "silver.orders")
    driver.resume()
    told = driver.outcome()
    assert "bronze.orders" in told
    assert "another run" in told or "published" in told
    assert (published(two_days, "bronze.orders"), published(two_days, "silver.orders")) == newer
    assert set(two_days.rows("silver.orders")["coupon_code"]) == {"G2"}
    assert left_over(two_days) == set()


@pytest.mark.parametrize("tables", [["bronze/orders"], ["silver/orders"], ["gold/fact_sales"]])
def test_of_two_runs_on_the_same_days_one_wins_and_the_other_gives_way(
    two_days: Platform, monkeypatch: pytest.MonkeyPatch, tables: list[str]
) -> None:
    assert two_days.run(DAY, _NEXT, tables=_TABLES).success
    both_staged = threading.Barrier(2, timeout=60)
    publish, seen = ParquetLake.publish, set()

    def together(lake: ParquetLake, staged: Any, **options: Any) -> int:
        if threading.get_ident() not in seen:
            seen.add(threading.get_ident())
            both_staged.wait()
        return publish(lake, staged, **options)

    monkeypatch.setattr(ParquetLake, "publish", together)
    folder = Path(two_days.lake.location.root)
    outcomes: dict[int, tuple[Any, list[str]]] = {}

    def run(number: int) -> None:
        with Platform(two_days.dsn, folder) as racer:
            outcomes[number] = racer.run(DAY, _NEXT, tables=tables), retried_steps(racer)

    racers = [threading.Thread(target=run, args=(number,)) for number in range(2)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join(120)
    (failure,) = [failure for outcome, _ in outcomes.values() for failure in outcome.failures]
    assert "published" in failure.reason
    assert "\n" not in failure.reason
    assert [retried for _, retried in outcomes.values()] == [[], []]
    assert sorted(outcome.success for outcome, _ in outcomes.values()) == [False, True]
    assert len({version for version, _ in published(two_days, tables[0].replace("/", ".")).values()}) == 1
    read_everything(two_days)


def test_a_disk_that_takes_no_large_file_stops_the_run_and_keeps_the_last_good_version(
    two_days: Platform, driver: Driver
) -> None:
    assert two_days.run(DAY, _NEXT, tables=_TABLES).success
    before = {str(ref): published(two_days, str(ref)) for ref in two_days.log.tables()}
    driver.start(DAY, _NEXT, ["bronze/orders"], largest_file=2_000)
    told = driver.outcome()
    assert told not in {"done", "killed"}
    assert "File too large" in told or "disk" in told
    assert {str(ref): published(two_days, str(ref)) for ref in two_days.log.tables()} == before
    driver.start(DAY, _NEXT, ["bronze/orders"])
    assert driver.outcome() == "done"
    assert left_over(two_days) == set()
