"""The publication log by itself: where it may live, who may use it, and what it says of quality."""

import multiprocessing
import pickle
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from shopease_assets.core.errors import CatalogError, SettingsError
from shopease_assets.core.layout import TableRef
from shopease_assets.storage.lake import ParquetLake
from shopease_assets.storage.log import PublicationLog
from shopease_assets.storage.records import QualityResult
from shopease_assets_tests.storage.scenario import MONDAY, ORDERS, TUESDAY, order_ids, orders

NOON = datetime(2025, 3, 10, 12, tzinfo=UTC)


def result(
    check: str = "validity", *, partition: str = MONDAY, passed: bool = True, table: TableRef = ORDERS
) -> QualityResult:
    return QualityResult(table, partition, check, passed, 10, 0, "run", NOON, score=1.0, details={"rule": [1]})


def test_only_the_newest_result_of_each_check_and_partition_counts(log: PublicationLog) -> None:
    log.record_quality([result(passed=False), result("accuracy"), result(partition=TUESDAY)])
    log.record_quality([result()])
    assert log.quality(ORDERS, [MONDAY]) == [result("accuracy"), result()]
    assert len(log.quality(ORDERS)) == len(log.quality()) == 3
    assert log.quality(TableRef("gold", "orders")) == []
    log.record_quality([])


@pytest.mark.parametrize("wrong", [{"rows": -1}, {"checked_at": NOON.replace(tzinfo=None)}])
def test_an_impossible_result_cannot_be_built(wrong: dict[str, object]) -> None:
    right = {"table": ORDERS, "partition": MONDAY, "check": "validity", "passed": True, "rows": 1, "failed_rows": 0}
    with pytest.raises(ValueError, match=r"silver\.orders 2025-03-03 validity"):
        QualityResult(**{**right, "run_id": "run", "checked_at": NOON, **wrong})  # type: ignore[arg-type]


@pytest.mark.parametrize("url", ["mysql://host/log", "sqlite://", "sqlite:///:memory:"])
def test_a_log_that_could_not_work_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match="use a file"):
        PublicationLog.open(url)


def test_a_lake_folder_that_looks_like_a_partition_is_refused(tmp_path: Path) -> None:
    log = PublicationLog.open(f"sqlite:///{tmp_path}/log.db")
    with pytest.raises(SettingsError, match="take a folder with '=' for a partition"):
        ParquetLake.local(tmp_path / "env=prod", log)
    log.close()


def test_moments_in_the_log_follow_its_order_even_when_clocks_differ(lake: ParquetLake, tmp_path: Path) -> None:
    slow = ParquetLake.local(tmp_path / "lake", lake.log, clock=lambda: NOON.replace(year=2000))
    for writer in (lake, slow):
        writer.publish(writer.stage(ORDERS, orders((1, MONDAY)), partitions=[MONDAY], run_id="run"))
    newest, oldest = lake.history(ORDERS)
    assert newest.published_at >= oldest.published_at


def test_a_log_travels_as_its_url(lake: ParquetLake) -> None:
    lake.publish(lake.stage(ORDERS, orders((1, MONDAY)), partitions=[MONDAY], run_id="run"))
    copy: PublicationLog = pickle.loads(pickle.dumps(lake.log))
    assert copy.position() == 1
    copy.close()


@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_fork_opens_its_own_connections(lake: ParquetLake) -> None:
    lake.publish(lake.stage(ORDERS, orders((1, MONDAY)), partitions=[MONDAY], run_id="run"))
    fork = multiprocessing.get_context("fork")
    said = fork.SimpleQueue()
    child = fork.Process(target=lambda: said.put(lake.log.position()))
    child.start()
    child.join(20)
    assert (child.exitcode, said.get()) == (0, 1)
    assert lake.log.position() == 1


def test_many_threads_publish_at_once_and_none_is_locked_out(lake: ParquetLake) -> None:
    days = [f"2025-01-{day:02}" for day in range(1, 25)]
    failures: list[BaseException] = []

    def work(mine: list[str]) -> None:
        try:
            for day in mine:
                lake.publish(lake.stage(ORDERS, orders((int(day[-2:]), day)), partitions=[day], run_id=day))
        except BaseException as error:  # noqa: BLE001 - reported below
            failures.append(error)

    threads = [threading.Thread(target=work, args=(days[start::8],)) for start in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert order_ids(lake) == list(range(1, 25))
    assert lake.log.position() == 24


def test_many_may_create_the_log_at_once(log_url: str) -> None:
    opened: list[PublicationLog] = []
    threads = [threading.Thread(target=lambda: opened.append(PublicationLog.open(log_url))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [log.position() for log in opened] == [0] * 8
    for log in opened:
        log.close()


def test_a_check_fails_since_its_first_failure_after_it_last_passed(log: PublicationLog) -> None:
    outcomes = [(8, False), (9, True), (10, False), (11, False)]
    for hour, passed in outcomes:
        log.record_quality([replace(result(passed=passed), checked_at=NOON.replace(hour=hour), run_id=f"at {hour}")])
    log.record_quality([result("accuracy"), replace(result("freshness", passed=False), blocking=False)])
    log.record_quality([result(partition=TUESDAY, passed=False)])
    log.record_quality([result(partition=TUESDAY)])
    [(newest, since)] = log.failing()
    assert (newest.check, newest.partition, newest.run_id) == ("validity", MONDAY, "at 11")
    assert since == NOON.replace(hour=10)


def test_a_table_s_newest_partition_is_the_last_that_readers_see(lake: ParquetLake) -> None:
    for day in (MONDAY, TUESDAY):
        lake.publish(lake.stage(ORDERS, orders((1, day)), partitions=[day], run_id=day))
    assert lake.log.newest_partitions() == {ORDERS: TUESDAY}
    lake.rollback(ORDERS, to=1)
    assert lake.log.newest_partitions() == {ORDERS: MONDAY}


def test_who_is_killed_lets_the_next_one_in(log: PublicationLog, log_url: str) -> None:
    processes = multiprocessing.get_context("fork")
    entered = processes.Event()

    def stay() -> None:
        with PublicationLog.open(log_url).alone(ORDERS):
            entered.set()
            time.sleep(600)

    holder = processes.Process(target=stay)
    holder.start()
    assert entered.wait(60)
    holder.kill()
    holder.join()
    with log.alone(ORDERS):
        pass


def test_only_one_at_a_time_is_alone_with_a_table_and_waits_no_longer_than_it_should(
    log: PublicationLog, log_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shopease_assets.storage.log_tables._LOCK_WAIT_SECONDS", 1)
    other = PublicationLog.open(log_url)
    with log.alone(ORDERS):
        with other.alone(TableRef("silver", "customers")):
            pass
        with (
            pytest.raises(CatalogError, match=r"silver\.orders: another process .* shopease catalog repair"),
            other.alone(ORDERS),
        ):
            pytest.fail("two are alone")
    with other.alone(ORDERS):
        pass
    other.close()


def test_a_log_of_before_the_mirror_gets_its_table(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/log.db"
    old = PublicationLog.open(url)
    with old._engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE lake_mirrored")
    old.close()
    log = PublicationLog.open(url)
    assert log.mirrored(ORDERS, "shopease_dev_silver") == 0
    log.mark_mirrored(ORDERS, "shopease_dev_silver", 7)
    assert log.mirrored(ORDERS, "shopease_dev_silver") == 7
    assert log.mirrored(ORDERS, "shopease_prod_silver") == 0
    log.close()
