"""What every lake does, whatever its filesystem and its log."""

import pickle
from datetime import date, timedelta

import polars as pl
import pyarrow as pa
import pytest

from shopease_assets.core.errors import NotPublished, PublishConflict, SchemaConflict, ShopEaseError
from shopease_assets.core.layout import TableRef
from shopease_assets.storage.lake import ParquetLake
from shopease_assets_tests.storage.scenario import (
    MONDAY,
    ORDERS,
    TUESDAY,
    WEDNESDAY,
    FakeClock,
    order_ids,
    orders,
    publish,
    rows,
)  # fmt: skip


def test_what_is_published_is_what_was_staged_with_its_day(lake: ParquetLake) -> None:
    publish(lake, orders((1, MONDAY), (2, TUESDAY), status="paid"))
    assert rows(lake) == [(1, "paid", date(2025, 3, 3)), (2, "paid", date(2025, 3, 4))]


def test_nobody_sees_what_is_only_staged(lake: ParquetLake) -> None:
    publish(lake, orders((1, MONDAY)))
    staged = lake.stage(ORDERS, orders((2, MONDAY)), partitions=[MONDAY], run_id="second")
    assert order_ids(lake) == [1]
    assert lake.scan_staged(staged).collect().rows() == [(2, date(2025, 3, 3))]


def test_a_partition_is_replaced_as_a_whole(lake: ParquetLake) -> None:
    publish(lake, orders((1, MONDAY), (2, MONDAY), (3, TUESDAY)))
    publish(lake, orders((4, MONDAY)))
    assert order_ids(lake) == [3, 4]


def test_a_listed_partition_without_rows_is_published_empty(lake: ParquetLake) -> None:
    publish(lake, orders((1, MONDAY), (2, TUESDAY)))
    publish(lake, orders((3, MONDAY)), MONDAY, TUESDAY)
    assert order_ids(lake) == [3]
    assert lake.relation(ORDERS, [TUESDAY]).missing == ()


def test_only_the_good_partitions_of_a_range_can_be_published(lake: ParquetLake) -> None:
    staged = lake.stage(ORDERS, orders((1, MONDAY), (2, TUESDAY)), partitions=[MONDAY, TUESDAY], run_id="run")
    lake.publish(staged.only([TUESDAY]))
    assert order_ids(lake) == [2]
    with pytest.raises(ShopEaseError, match=f"{WEDNESDAY} was not staged by run run"):
        staged.only([WEDNESDAY])


def test_rows_of_other_partitions_are_refused_by_name_and_leave_nothing(lake: ParquetLake) -> None:
    with pytest.raises(ShopEaseError, match=rf"silver.orders: staged rows belong to {TUESDAY}.*\({MONDAY}\)"):
        lake.stage(ORDERS, orders((1, MONDAY), (2, TUESDAY)), partitions=[MONDAY], run_id="run")
    assert lake.vacuum(ORDERS, keep=1, grace=timedelta(0)).files == 0


@pytest.mark.parametrize(
    ("frame", "partitions", "message"),
    [
        (orders((1, MONDAY)).drop("dt"), [MONDAY], "need their partition column dt"),
        (orders((1, MONDAY)).cast({"dt": pl.String}), [MONDAY], "partition column dt is large_string; cast it"),
        (orders((1, MONDAY)).with_columns(dt=pl.lit(None, pl.Date)), [MONDAY], "1 staged rows have no dt"),
        (orders((1, MONDAY)), ["2025-3-3"], "'2025-3-3' is no date"),
        (orders((1, MONDAY)), ["20250303"], "'20250303' is no date"),
        (orders((1, MONDAY), nothing=None), [MONDAY], "nothing holds only nulls"),
        (orders((1, MONDAY), took=timedelta(1)), [MONDAY], "column took has type duration"),
    ],
)
def test_a_frame_that_cannot_be_stored_is_refused_with_a_cure(
    lake: ParquetLake, frame: pl.DataFrame, partitions: list[str], message: str
) -> None:
    with pytest.raises(ShopEaseError, match=message):
        lake.stage(ORDERS, frame, partitions=partitions, run_id="run")


def test_a_month_is_written_as_its_first_day(lake: ParquetLake) -> None:
    cohorts = TableRef("gold", "cohorts", "month")
    frame = pl.DataFrame({"size": [3], "month": [date(2025, 3, 1)]})
    lake.publish(lake.stage(cohorts, frame, partitions=["2025-03-01"], run_id="run"))
    assert lake.scan(cohorts).collect().equals(frame)
    with pytest.raises(ShopEaseError, match="month 2025-03-03 must be written as its first day, 2025-03-01"):
        lake.stage(cohorts, frame, partitions=[MONDAY], run_id="run")


def test_a_table_keeps_its_partition_column(lake: ParquetLake) -> None:
    publish(lake, orders((1, MONDAY)))
    with pytest.raises(SchemaConflict, match=r"silver.orders is partitioned by dt, not by month"):
        lake.scan(TableRef("silver", "orders", "month"))


def test_a_table_that_was_never_published_tells_how_to_run_it(lake: ParquetLake) -> None:
    with pytest.raises(NotPublished, match=f"shopease run --table silver/orders --from {MONDAY} --to {TUESDAY}"):
        lake.scan(ORDERS, [TUESDAY, MONDAY])


def test_gaps_are_left_out_and_told_unless_readers_are_strict(lake: ParquetLake) -> None:
    publish(lake, orders((1, MONDAY)))
    assert order_ids(lake, partitions=[MONDAY, TUESDAY]) == [1]
    assert lake.relation(ORDERS, [MONDAY, TUESDAY]).missing == (TUESDAY,)
    with pytest.raises(NotPublished, match=f"silver.orders {TUESDAY} is not published"):
        lake.scan(ORDERS, [MONDAY, TUESDAY], strict=True)


def test_no_published_partition_reads_as_an_empty_table_of_the_right_types(lake: ParquetLake) -> None:
    publish(lake, orders((1, MONDAY), status="paid"))
    empty = lake.scan(ORDERS, [TUESDAY]).collect()
    assert (empty.height, empty.schema) == (0, lake.scan(ORDERS).collect_schema())


def test_a_scan_reads_only_the_partitions_a_filter_needs(lake: ParquetLake) -> None:
    publish(lake, orders((1, MONDAY), (2, TUESDAY)))
    tuesday = lake.scan(ORDERS).filter(pl.col("dt") == date(2025, 3, 4))
    assert tuesday.collect()["order_id"].to_list() == [2]
    assert "1 other" not in tuesday.explain()


def test_earlier_publications_stay_readable_by_number_and_by_time(lake: ParquetLake, clock: FakeClock) -> None:
    first = publish(lake, orders((1, MONDAY)))
    noon = clock()
    clock.advance(hours=1)
    publish(lake, orders((2, MONDAY), (3, TUESDAY)))
    assert order_ids(lake, as_of=first) == order_ids(lake, as_of=noon) == [1]
    assert order_ids(lake, as_of=clock()) == order_ids(lake) == [2, 3]
    with pytest.raises(NotPublished, match=r"silver.orders is not published as of 0"):
        lake.scan(ORDERS, as_of=0)
    with pytest.raises(NotPublished, match="there is no publication 7: the newest is 2"):
        lake.scan(ORDERS, as_of=7)
    with pytest.raises(ShopEaseError, match="has no time zone"):
        lake.scan(ORDERS, as_of=noon.replace(tzinfo=None))


def test_history_tells_who_published_what_and_when(lake: ParquetLake) -> None:
    first = publish(lake, orders((1, MONDAY), (2, TUESDAY)), run="first")
    second = lake.publish(
        lake.stage(ORDERS, orders((3, MONDAY)), partitions=[MONDAY], run_id="second"), note="late order"
    )
    newest, oldest = lake.history(ORDERS)
    assert (newest.id, newest.kind, newest.run_id, newest.note) == (second, "publish", "second", "late order")
    assert (oldest.id, list(oldest.partitions)) == (first, [MONDAY, TUESDAY])
    assert newest.published_at > oldest.published_at
    assert [publication.id for publication in lake.history(ORDERS, TUESDAY)] == [first]
    assert lake.history(TableRef("gold", "unknown")) == []


def test_pointers_tell_rows_bytes_and_run_of_each_partition(lake: ParquetLake) -> None:
    published = publish(lake, orders((1, MONDAY), (2, MONDAY)), run="first")
    monday = lake.log.pointers(ORDERS)[MONDAY]
    assert (monday.rows, monday.publication, monday.run_id) == (2, published, "first")
    assert monday.bytes == sum(file.bytes for file in monday.files) > 0
    assert lake.log.tables() == [ORDERS]


def test_a_superseded_run_gives_way(lake: ParquetLake) -> None:
    paused = lake.stage(ORDERS, orders((1, MONDAY), (2, TUESDAY)), partitions=[MONDAY, TUESDAY], run_id="paused")
    publish(lake, orders((3, MONDAY)), run="newer")
    with pytest.raises(
        PublishConflict, match=rf"silver.orders {MONDAY}: run newer .*after run paused .*--from {MONDAY}"
    ):
        lake.publish(paused)
    assert order_ids(lake) == [3]
    lake.publish(paused.only([TUESDAY]))
    assert order_ids(lake) == [2, 3]


def test_a_run_is_judged_by_its_start_not_by_when_it_staged(lake: ParquetLake) -> None:
    start = lake.log.position()
    publish(lake, orders((1, MONDAY)), run="newer")
    late = lake.stage(ORDERS, orders((2, MONDAY)), partitions=[MONDAY], run_id="paused", base=start)
    with pytest.raises(PublishConflict):
        lake.publish(late)


def test_a_run_may_publish_the_same_partition_twice(lake: ParquetLake) -> None:
    start = lake.log.position()
    for order_id in (1, 2):
        again = lake.stage(ORDERS, orders((order_id, MONDAY)), partitions=[MONDAY], run_id="run", base=start)
        lake.publish(again)
    assert order_ids(lake) == [2]


def test_a_rollback_supersedes_runs_that_started_before_it(lake: ParquetLake) -> None:
    first = publish(lake, orders((1, MONDAY)))
    paused = lake.stage(ORDERS, orders((2, MONDAY)), partitions=[MONDAY], run_id="run")
    publish(lake, orders((3, MONDAY)), run="other")
    lake.rollback(ORDERS, first)
    with pytest.raises(PublishConflict, match="run rollback published it"):
        lake.publish(paused)


def test_staged_files_that_vanished_are_not_published(lake: ParquetLake) -> None:
    staged = lake.stage(ORDERS, orders((1, MONDAY)), partitions=[MONDAY], run_id="run")
    file = lake.relation_staged(staged).paths[0]
    lake.location.filesystem.delete_file(file.removeprefix(lake.location.scheme))
    with pytest.raises(NotPublished, match=f"silver.orders {MONDAY}: files of the version are missing"):
        lake.publish(staged)
    assert lake.log.position() == 0


def test_rollback_shows_what_was_seen_then_as_a_new_publication(lake: ParquetLake) -> None:
    first = publish(lake, orders((1, MONDAY), (2, TUESDAY)))
    bad = publish(lake, orders((9, MONDAY), (9, WEDNESDAY)))
    undone = lake.rollback(ORDERS, first, note="bad prices")
    assert undone > bad
    assert order_ids(lake) == [1, 2]
    assert lake.history(ORDERS)[0].partitions.keys() == {MONDAY, WEDNESDAY}
    assert lake.history(ORDERS)[0].partitions[WEDNESDAY] is None
    lake.rollback(ORDERS, bad)
    assert order_ids(lake) == [2, 9, 9]


def test_rollback_of_some_partitions_leaves_the_others(lake: ParquetLake, clock: FakeClock) -> None:
    publish(lake, orders((1, MONDAY), (2, TUESDAY)))
    then = clock()
    publish(lake, orders((3, MONDAY), (4, TUESDAY)))
    lake.rollback(ORDERS, then, partitions=[MONDAY])
    assert order_ids(lake) == [1, 4]


def test_rollback_before_the_first_publication_unpublishes(lake: ParquetLake) -> None:
    publish(lake, orders((1, MONDAY)))
    lake.rollback(ORDERS, 0)
    assert order_ids(lake) == []
    publish(lake, orders((2, MONDAY)))
    assert order_ids(lake) == [2]


def test_vacuum_keeps_the_newest_and_says_what_it_deleted(lake: ParquetLake, clock: FakeClock) -> None:
    first = publish(lake, orders((1, MONDAY)))
    second = publish(lake, orders((2, MONDAY)))
    publish(lake, orders((3, MONDAY)))
    clock.advance(hours=2)
    report = lake.vacuum(ORDERS, keep=2, grace=timedelta(hours=1))
    assert (report.versions, report.files) == (1, 1)
    assert report.bytes > 0
    assert order_ids(lake) == [3]
    assert order_ids(lake, as_of=second) == [2]
    for read in (lambda: lake.scan(ORDERS, as_of=first), lambda: lake.rollback(ORDERS, first)):
        with pytest.raises(NotPublished, match=f"silver.orders {MONDAY}: the version was vacuumed"):
            read()


def test_vacuum_spares_what_readers_saw_within_the_grace(lake: ParquetLake, clock: FakeClock) -> None:
    publish(lake, orders((1, MONDAY)))
    clock.advance(days=30)
    opened = lake.scan(ORDERS)
    publish(lake, orders((2, MONDAY)))
    clock.advance(minutes=30)
    lake.vacuum(ORDERS, keep=1, grace=timedelta(hours=1))
    assert opened.collect()["order_id"].to_list() == [1]


def test_vacuum_counts_a_version_by_its_last_use(lake: ParquetLake, clock: FakeClock) -> None:
    first = publish(lake, orders((1, MONDAY)))
    publish(lake, orders((2, MONDAY)))
    lake.rollback(ORDERS, first)
    clock.advance(days=1)
    assert lake.vacuum(ORDERS, keep=1, grace=timedelta(hours=1)).versions == 1
    assert order_ids(lake) == [1]


def test_vacuum_deletes_abandoned_stages_and_they_can_no_longer_be_published(
    lake: ParquetLake, clock: FakeClock
) -> None:
    abandoned = lake.stage(ORDERS, orders((1, MONDAY)), partitions=[MONDAY], run_id="run")
    clock.advance(hours=2)
    running = lake.stage(ORDERS, orders((2, MONDAY)), partitions=[MONDAY], run_id="running")
    assert lake.vacuum(ORDERS, keep=1, grace=timedelta(hours=1)).versions == 1
    with pytest.raises(NotPublished):
        lake.publish(abandoned)
    lake.publish(running)
    assert order_ids(lake) == [2]


def test_a_vacuum_between_file_check_and_commit_fails_the_publication(
    lake: ParquetLake, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = lake.stage(ORDERS, orders((1, MONDAY)), partitions=[MONDAY], run_id="run")
    clock.advance(hours=2)
    append = lake.log.append

    def vacuum_first(draft: object) -> int:
        lake.vacuum(ORDERS, keep=1, grace=timedelta(hours=1))
        return append(draft)  # type: ignore[arg-type]

    monkeypatch.setattr(lake.log, "append", vacuum_first)
    with pytest.raises(NotPublished, match="the version was vacuumed"):
        lake.publish(slow)


def test_a_rollback_is_not_stopped_by_versions_it_does_not_need(lake: ParquetLake, clock: FakeClock) -> None:
    publish(lake, orders((1, MONDAY), (1, TUESDAY)))
    wanted = publish(lake, orders((2, TUESDAY)))
    publish(lake, orders((3, MONDAY), (3, TUESDAY)))
    clock.advance(hours=2)
    assert lake.vacuum(ORDERS, keep=2, grace=timedelta(hours=1)).versions == 1  # Tuesday's first
    lake.rollback(ORDERS, wanted)
    assert order_ids(lake) == [1, 2]


def test_vacuum_refuses_to_keep_nothing(lake: ParquetLake) -> None:
    with pytest.raises(ValueError, match="keep ≥ 1"):
        lake.vacuum(ORDERS, keep=0, grace=timedelta(0))


def test_vacuum_of_an_unknown_table_deletes_nothing(lake: ParquetLake) -> None:
    assert lake.vacuum(ORDERS, keep=1, grace=timedelta(0)).versions == 0
    assert lake.log.tables() == []


def test_a_stream_that_ends_before_its_first_batch_publishes_empty_partitions(lake: ParquetLake) -> None:
    with pytest.raises(ShopEaseError, match="nothing was staged and no columns are known"):
        lake.stage(ORDERS, iter([]), partitions=[MONDAY], run_id="run")
    publish(lake, orders((1, MONDAY)))
    lake.publish(lake.stage(ORDERS, iter([]), partitions=[MONDAY], run_id="run"))
    assert order_ids(lake) == []


def test_lazy_frames_arrow_tables_and_readers_are_staged_alike(lake: ParquetLake) -> None:
    frame = orders((1, MONDAY), (2, TUESDAY), (3, MONDAY), status="paid")
    table: pa.Table = frame.to_arrow()
    for data in (frame, frame.lazy(), table, table.to_reader(), table.to_batches()):
        staged = lake.stage(ORDERS, data, partitions=[MONDAY, TUESDAY], run_id="run")
        assert lake.scan_staged(staged).collect().sort("order_id").equals(frame.select("order_id", "status", "dt"))


def test_an_error_inside_the_step_s_stream_leaves_nothing(lake: ParquetLake) -> None:
    def breaking() -> object:
        yield from orders((1, MONDAY)).to_arrow().to_batches()
        raise RuntimeError("the source went away")

    with pytest.raises(RuntimeError, match="the source went away"):
        lake.stage(ORDERS, breaking(), partitions=[MONDAY], run_id="run")  # type: ignore[arg-type]
    assert lake.vacuum(ORDERS, keep=1, grace=timedelta(0)).files == 0


def test_staged_partitions_travel_between_processes(lake: ParquetLake) -> None:
    staged = lake.stage(ORDERS, orders((1, MONDAY)), partitions=[MONDAY], run_id="run")
    lake.publish(pickle.loads(pickle.dumps(staged)))
    assert order_ids(lake) == [1]
    assert pickle.loads(pickle.dumps(lake.relation(ORDERS))).scan().collect().height == 1
