"""How rows become files: cutting, buffering, encodings."""

import random
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shopease_assets.storage.lake import ParquetLake
from shopease_assets.storage.log import PublicationLog
from shopease_assets.storage.parquet import MAX_ROW_GROUP_ROWS, WriteOptions
from shopease_assets.storage.partitioning import cut
from shopease_assets_tests.storage.scenario import MONDAY, ORDERS, orders

DAYS = [(date(2025, 1, 1) + timedelta(days=day)).isoformat() for day in range(90)]


@pytest.fixture
def local(tmp_path: Path) -> Iterator[ParquetLake]:
    log = PublicationLog.open(f"sqlite:///{tmp_path}/log.db")
    yield ParquetLake.local(tmp_path / "lake", log)
    log.close()


def with_options(lake: ParquetLake, **options: object) -> ParquetLake:
    return ParquetLake(lake.location, lake.log, options=replace(WriteOptions(), **options))  # type: ignore[arg-type]


def many_orders(rows: int, *, shuffled: bool) -> pl.DataFrame:
    days = [DAYS[row * len(DAYS) // rows] for row in range(rows)]
    if shuffled:
        random.Random(1).shuffle(days)
    return orders(*enumerate(days), note=pl.format("order {}", pl.col("order_id")))


@given(st.lists(st.integers(-200_000, 200_000)), st.integers(1, 200))
@settings(max_examples=60, deadline=None)
def test_cutting_keeps_every_row_in_its_partition_and_order(days: list[int], repeated: int) -> None:
    numbers = [day for day in days for _ in range(repeated)]
    data = pa.table({"row": range(len(numbers)), "dt": pa.array(numbers, pa.int32()).cast(pa.date32())})
    expected: dict[str, list[int]] = {}
    for row, day in enumerate(numbers):
        expected.setdefault((date(1970, 1, 1) + timedelta(days=day)).isoformat(), []).append(row)
    found: dict[str, list[int]] = {}
    for key, rows in cut(ORDERS, data):
        found.setdefault(key, []).extend(rows["row"].to_pylist())
    assert found == expected


@pytest.mark.parametrize("shuffled", [False, True])
@pytest.mark.parametrize("batch_rows", [100, 7_000])
def test_a_small_buffer_and_few_open_files_change_nothing_but_the_row_groups(
    local: ParquetLake, shuffled: bool, batch_rows: int
) -> None:
    frame = many_orders(30_000, shuffled=shuffled)
    tight = with_options(local, buffer_bytes=64 << 10, open_files=3)
    batches = frame.to_arrow().combine_chunks().to_batches(max_chunksize=batch_rows)
    staged = tight.stage(ORDERS, batches, partitions=DAYS, run_id="run")
    written = tight.scan_staged(staged).collect()
    assert written.sort("order_id").equals(frame.select("order_id", "note", "dt").sort("order_id"))
    assert sum(part.rows for part in staged.partitions.values()) == 30_000


def test_staging_a_stream_holds_no_more_than_its_budget(local: ParquetLake) -> None:
    batch = many_orders(20_000, shuffled=True).to_arrow().combine_chunks().to_batches()[0]
    tight = with_options(local, buffer_bytes=4 << 20)
    before = pa.total_allocated_bytes()
    highest = 0

    def watched() -> Iterator[pa.RecordBatch]:
        nonlocal highest
        for _ in range(100):  # 90 MB
            highest = max(highest, pa.total_allocated_bytes() - before)
            yield batch

    staged = tight.stage(ORDERS, watched(), partitions=DAYS, run_id="run")
    assert sum(part.rows for part in staged.partitions.values()) == 2_000_000
    assert highest < 40 << 20


def test_an_error_after_files_were_begun_deletes_them(local: ParquetLake) -> None:
    tight = with_options(local, buffer_bytes=1 << 10, open_files=2)

    def breaking() -> Iterator[pa.RecordBatch]:
        yield from many_orders(200_000, shuffled=True).to_arrow().combine_chunks().to_batches()
        raise RuntimeError("the source went away")

    with pytest.raises(RuntimeError, match="the source went away"):
        tight.stage(ORDERS, breaking(), partitions=DAYS, run_id="run")
    assert tight.vacuum(ORDERS, keep=1, grace=timedelta(0)).versions == 0


def test_a_partition_s_file_stays_open_between_row_groups(local: ParquetLake) -> None:
    tight = with_options(local, buffer_bytes=1 << 20)
    batches = orders(*((row, MONDAY) for row in range(400_000))).to_arrow().combine_chunks().to_batches(50_000)
    staged = tight.stage(ORDERS, batches, partitions=[MONDAY], run_id="run")
    (path,) = tight.relation_staged(staged).paths
    assert pq.read_metadata(path).num_row_groups > 1


def test_staging_publishing_and_reading_do_not_import_pandas(tmp_path: Path) -> None:
    """PyArrow does so at every second conversion, where it is installed; that takes longer than most partitions."""
    program = """
import sys
from pathlib import Path
from shopease_assets.storage.lake import ParquetLake
from shopease_assets.storage.log import PublicationLog
from shopease_assets_tests.storage.scenario import MONDAY, ORDERS, TUESDAY, orders, publish, rows
import polars as pl
lake = ParquetLake.local(Path(sys.argv[1]), PublicationLog.open(f"sqlite:///{sys.argv[1]}/log.db"))
first = publish(lake, orders((1, MONDAY), (2, TUESDAY), amount=pl.lit(1, pl.Int32)))
many = orders(*((row, day) for row in range(99) for day in (MONDAY, TUESDAY)), amount=1)
publish(lake, many.lazy(), MONDAY, TUESDAY)
publish(lake, orders((1, MONDAY), amount=pl.lit(1, pl.Int64)))
lake.stage(ORDERS, orders((1, MONDAY), amount=1).to_arrow().to_batches(), partitions=[MONDAY], run_id="run")
lake.rollback(ORDERS, first)
rows(lake)
assert "pandas" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True)


def test_row_groups_are_bounded(local: ParquetLake) -> None:
    frame = orders((1, MONDAY)).select(pl.all().repeat_by(600_000).explode())
    (path,) = local.relation_staged(local.stage(ORDERS, frame, partitions=[MONDAY], run_id="run")).paths
    metadata = pq.read_metadata(path)
    assert max(metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)) == MAX_ROW_GROUP_ROWS


def test_ids_and_times_are_deltas_and_all_else_dictionaries(local: ParquetLake) -> None:
    frame = orders(
        (1, MONDAY), (2, MONDAY),
        at=pl.lit(date(2025, 3, 3)).cast(pl.Datetime("us", "UTC")), quantity=3, total=pl.lit(1).cast(pl.Decimal(12, 2)),
        tags=pl.lit(["a"]), address=pl.struct(city=pl.lit("Bern")), user_id=pl.lit("u-1"),
    )  # fmt: skip
    for lake, delta in ((local, True), (with_options(local, delta=False), False)):
        (path,) = lake.relation_staged(lake.stage(ORDERS, frame, partitions=[MONDAY], run_id="run")).paths
        group = pq.read_metadata(path).row_group(0)
        columns = {column.path_in_schema: column for column in map(group.column, range(group.num_columns))}
        deltas = {name for name, column in columns.items() if "DELTA_BINARY_PACKED" in column.encodings}
        assert deltas == ({"order_id", "at"} if delta else set())
        assert all(("RLE_DICTIONARY" in column.encodings) == (name not in deltas) for name, column in columns.items())
        assert {column.compression for column in columns.values()} == {"ZSTD"}
        assert columns["total"].physical_type == "INT64"


def test_the_partition_column_is_in_the_path_only(local: ParquetLake) -> None:
    (path,) = local.relation_staged(local.stage(ORDERS, orders((1, MONDAY)), partitions=[MONDAY], run_id="run")).paths
    assert f"/silver/orders/dt={MONDAY}/" in path
    assert pq.read_schema(path).names == ["order_id"]


def test_versions_sort_by_time_and_never_meet(local: ParquetLake) -> None:
    versions = [
        local.stage(ORDERS, orders((1, MONDAY)), partitions=[MONDAY], run_id="../run 1").version for _ in range(20)
    ]
    assert versions == sorted(set(versions))
    assert all("-run-1-" in version for version in versions)


@pytest.mark.parametrize("wrong", [{"buffer_bytes": 0}, {"open_files": 0}])
def test_options_that_cannot_work_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="must be positive"):
        WriteOptions(**wrong)  # type: ignore[arg-type]
