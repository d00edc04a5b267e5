"""How a table's schema may change when something new is published, and what is refused before anyone sees it."""

from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

import polars as pl
import pyarrow as pa
import pytest

from shopease_assets.core.errors import SchemaConflict
from shopease_assets.storage.lake import ParquetLake
from shopease_assets_tests.storage.scenario import MONDAY, ORDERS, TUESDAY, orders, publish, rows

WIDENINGS = [
    (pl.Int32, pl.Int64, 7),
    (pl.Int8, pl.Int16, 7),
    (pl.UInt8, pl.Int16, 7),
    (pl.UInt32, pl.UInt64, 7),
    (pl.Float32, pl.Float64, 0.5),
    (pl.Decimal(9, 2), pl.Decimal(18, 2), Decimal("7.25")),
    (pl.List(pl.Int32), pl.List(pl.Int64), [7]),
]
CONFLICTS = [
    (pl.Int64, pl.Float64),
    (pl.Int64, pl.UInt64),
    (pl.String, pl.Int64),
    (pl.Date, pl.Datetime("us")),
    (pl.Datetime("us"), pl.Datetime("us", "UTC")),
    (pl.Decimal(12, 2), pl.Decimal(12, 4)),
    (pl.List(pl.Int64), pl.List(pl.String)),
]


def test_a_new_column_is_null_in_what_was_published_before(lake: ParquetLake) -> None:
    publish(lake, orders((1, MONDAY)))
    publish(lake, orders((2, TUESDAY), channel="web"))
    assert rows(lake) == [(1, None, date(2025, 3, 3)), (2, "web", date(2025, 3, 4))]


def test_adding_a_column_rewrites_nothing(lake: ParquetLake) -> None:
    publish(lake, orders((1, MONDAY)))
    before = lake.files(ORDERS)
    publish(lake, orders((2, TUESDAY), channel="web"))
    assert lake.files(ORDERS, [MONDAY]) == before


def test_a_vanished_column_is_refused_by_name_unless_dropped_on_purpose(lake: ParquetLake) -> None:
    publish(lake, orders((1, MONDAY), channel="web", status="paid"))
    with pytest.raises(SchemaConflict, match=r'channel is missing from the staged data; .*drop=\("channel",\)'):
        publish(lake, orders((2, TUESDAY), status="paid"))
    assert lake.log.position() == 1
    publish(lake, orders((2, TUESDAY), status="paid"), drop=("channel",))
    assert rows(lake) == [(1, "paid", date(2025, 3, 3)), (2, "paid", date(2025, 3, 4))]


def test_a_column_that_is_staged_cannot_be_dropped(lake: ParquetLake) -> None:
    publish(lake, orders((1, MONDAY), channel="web"))
    with pytest.raises(SchemaConflict, match="channel cannot be dropped: the staged data still has it"):
        publish(lake, orders((1, MONDAY), channel="web"), drop=("channel",))


@pytest.mark.parametrize("again", ["app", 3])
def test_a_dropped_column_that_comes_back_starts_empty(lake: ParquetLake, again: object) -> None:
    publish(lake, orders((1, MONDAY), channel="web"))
    publish(lake, orders((2, TUESDAY)), drop=("channel",))
    publish(lake, orders((3, TUESDAY), channel=again))
    assert rows(lake) == [(1, None, date(2025, 3, 3)), (3, again, date(2025, 3, 4))]


@pytest.mark.parametrize(("narrow", "wide", "value"), WIDENINGS, ids=str)
def test_a_wider_type_rewrites_what_was_published_before(
    lake: ParquetLake, narrow: pl.DataType, wide: pl.DataType, value: object
) -> None:
    column = pl.Series([value])
    before = publish(lake, orders((1, MONDAY), amount=pl.lit(column.cast(narrow))))
    publish(lake, orders((2, TUESDAY), amount=pl.lit(column.cast(wide))))
    assert lake.scan(ORDERS).collect_schema()["amount"] == wide
    assert [row[1] for row in rows(lake)] == [value, value]
    on_disk = {pl.read_parquet_schema(file)["amount"] for file in lake.files(ORDERS)}
    assert on_disk == {wide}
    assert lake.scan(ORDERS, as_of=before).collect().schema["amount"] == narrow


@pytest.mark.parametrize(("narrow", "wide", "value"), WIDENINGS, ids=str)
def test_a_narrower_type_is_staged_as_the_table_s(
    lake: ParquetLake, narrow: pl.DataType, wide: pl.DataType, value: object
) -> None:
    column = pl.Series([value])
    publish(lake, orders((1, MONDAY), amount=pl.lit(column.cast(wide))))
    narrower = orders((2, TUESDAY), amount=pl.lit(column.cast(narrow)))
    staged = lake.stage(ORDERS, narrower, partitions=[TUESDAY], run_id="run")
    assert lake.scan_staged(staged).collect().schema["amount"] == wide
    lake.publish(staged)
    assert [row[1] for row in rows(lake)] == [value, value]


@pytest.mark.parametrize(("published", "staged"), CONFLICTS, ids=str)
def test_another_type_is_refused_before_anything_is_written(
    lake: ParquetLake, published: pl.DataType, staged: pl.DataType
) -> None:
    publish(lake, orders((1, MONDAY), amount=pl.lit(None, published)))
    with pytest.raises(SchemaConflict, match=r"silver.orders: column amount is published as .* cast it to"):
        publish(lake, orders((1, MONDAY), amount=pl.lit(None, staged)))
    assert lake.log.position() == 1


def test_a_table_widened_between_stage_and_publish_widens_what_was_staged(lake: ParquetLake) -> None:
    publish(lake, orders((1, MONDAY), amount=pl.lit(1, pl.Int32)))
    early = lake.stage(ORDERS, orders((2, TUESDAY), amount=pl.lit(2, pl.Int32)), partitions=[TUESDAY], run_id="early")
    publish(lake, orders((3, MONDAY), amount=pl.lit(3, pl.Int64)), run="wider")
    lake.publish(early)
    assert {pl.read_parquet_schema(file)["amount"] for file in lake.files(ORDERS)} == {pl.Int64}
    assert [row[1] for row in rows(lake)] == [2, 3]


def test_a_widening_does_not_supersede_runs_on_the_partitions_it_rewrites(lake: ParquetLake) -> None:
    publish(lake, orders((1, MONDAY), (2, TUESDAY), amount=pl.lit(1, pl.Int32)))
    running = lake.stage(
        ORDERS, orders((3, TUESDAY), amount=pl.lit(3, pl.Int32)), partitions=[TUESDAY], run_id="running"
    )
    publish(lake, orders((4, MONDAY), amount=pl.lit(4, pl.Int64)), run="wider")
    lake.publish(running)
    assert [row[:2] for row in rows(lake)] == [(3, 3), (4, 4)]


def test_a_publication_during_a_widening_is_widened_too(lake: ParquetLake, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(lake, orders((1, MONDAY), amount=pl.lit(1, pl.Int32)))
    meanwhile = lake.stage(
        ORDERS, orders((2, TUESDAY), amount=pl.lit(2, pl.Int32)), partitions=[TUESDAY], run_id="meanwhile"
    )
    append = lake.log.append

    def publish_first(draft: object) -> int:
        monkeypatch.setattr(lake.log, "append", append)
        lake.publish(meanwhile)
        return append(draft)  # type: ignore[arg-type]

    monkeypatch.setattr(lake.log, "append", publish_first)
    publish(lake, orders((3, "2025-03-05"), amount=pl.lit(3, pl.Int64)), run="wider")
    assert {pl.read_parquet_schema(file)["amount"] for file in lake.files(ORDERS)} == {pl.Int64}
    assert [row[:2] for row in rows(lake)] == [(1, 1), (2, 2), (3, 3)]


def test_a_rollback_over_a_widening_rewrites_and_keeps_the_wide_type(lake: ParquetLake) -> None:
    first = publish(lake, orders((1, MONDAY), amount=pl.lit(1, pl.Int32)))
    publish(lake, orders((2, MONDAY), amount=pl.lit(2, pl.Int64)))
    lake.rollback(ORDERS, first)
    assert rows(lake) == [(1, 1, date(2025, 3, 3))]
    assert {pl.read_parquet_schema(file)["amount"] for file in lake.files(ORDERS)} == {pl.Int64}


def test_a_rollback_to_a_type_of_another_kind_is_refused(lake: ParquetLake) -> None:
    first = publish(lake, orders((1, MONDAY), channel="web"))
    publish(lake, orders((2, MONDAY)), drop=("channel",))
    publish(lake, orders((3, MONDAY), channel=3))
    with pytest.raises(SchemaConflict, match="channel was string then and is int32 now; run the partitions again"):
        lake.rollback(ORDERS, first)


def test_columns_keep_their_order_whatever_the_order_they_are_staged_in(lake: ParquetLake) -> None:
    publish(lake, orders((1, MONDAY), status="paid", channel="web"))
    again = orders((2, TUESDAY), coupon="X", channel="web", status="paid")
    publish(lake, again.select(reversed(again.columns)))
    assert lake.scan(ORDERS).collect().columns == ["order_id", "status", "channel", "coupon", "dt"]


def test_every_type_comes_back_as_it_went_in(lake: ParquetLake) -> None:
    frame = pl.DataFrame(
        {
            "id": pl.Series([1, None], dtype=pl.Int64),
            "small": pl.Series([1, None], dtype=pl.UInt16),
            "share": [0.5, None],
            "paid": [True, None],
            "total": pl.Series([Decimal("1.10"), None], dtype=pl.Decimal(12, 2)),
            "wide_total": pl.Series([Decimal("1.10"), None], dtype=pl.Decimal(38, 10)),
            "name": ["ü", None],
            "payload": [b"\x00", None],
            "born": [date(1969, 12, 31), None],
            "at": pl.Series([datetime(1969, 1, 1, 1, 2, 3, 4, tzinfo=UTC), None], dtype=pl.Datetime("us", "UTC")),
            "local_at": [datetime(2025, 1, 1, 1, 2, 3, 4), None],  # noqa: DTZ001 - the point of it
            "opens": [time(8, 30), None],
            "tags": [["a", None], None],
            "address": [{"city": "Bern", "zip": [1, 2]}, {"city": None, "zip": None}],
        }
    ).with_columns(dt=pl.lit(date(2025, 3, 3)))
    publish(lake, frame)
    assert lake.scan(ORDERS).collect().equals(frame)
    assert lake.scan(ORDERS).collect().schema == frame.schema


def test_categories_become_strings_and_times_microseconds_in_utc(lake: ParquetLake) -> None:
    noon = datetime(2025, 3, 3, 12, tzinfo=ZoneInfo("Europe/Zurich"))
    frame = orders(
        (1, MONDAY),
        status=pl.lit("paid", pl.Categorical),
        channel=pl.lit("web", pl.Enum(["web"])),
        at=pl.lit(noon).cast(pl.Datetime("ns", "Europe/Zurich")),
        at_ms=pl.lit(noon).cast(pl.Datetime("ms", "Europe/Zurich")),
    )
    publish(lake, frame)
    utc = pl.Datetime("us", "UTC")
    assert lake.scan(ORDERS).collect_schema().dtypes() == [pl.Int64, pl.String, pl.String, utc, utc, pl.Date]
    assert rows(lake) == [
        (1, "paid", "web", noon.astimezone(UTC), noon.astimezone(UTC), date(2025, 3, 3)),
    ]


def test_nulls_take_the_type_the_table_knows(lake: ParquetLake) -> None:
    publish(lake, orders((1, MONDAY), channel="web"))
    publish(lake, orders((2, TUESDAY), channel=None))
    assert rows(lake) == [(1, "web", date(2025, 3, 3)), (2, None, date(2025, 3, 4))]


@pytest.mark.parametrize(
    "values",
    [
        pa.array([b"0123456789abcdef"], pa.binary(16)),
        pa.array([b"0123456789abcdef"], pa.uuid()),
        pa.array([Decimal("1.5")], pa.decimal32(5, 1)),
        pa.array([datetime(2025, 1, 1, tzinfo=timezone(timedelta(hours=1)))], pa.timestamp("s", "+01:00")),
        pa.array(["x"], pa.string_view()),
        pa.array([["x"]], pa.large_list(pa.large_string())),
        pa.array([[("k", 1)]], pa.map_(pa.large_string(), pa.int32())),
        pa.array(["x"], pa.dictionary(pa.int8(), pa.large_string())),
    ],
    ids=lambda array: str(array.type),
)
def test_arrow_s_variants_of_a_type_are_stored_as_the_plain_one(lake: ParquetLake, values: pa.Array) -> None:
    table = pa.table({"value": values, "dt": pa.array([date(2025, 3, 3)])})
    lake.publish(lake.stage(ORDERS, table, partitions=[MONDAY], run_id="run"))
    lake.publish(lake.stage(ORDERS, table.to_reader(), partitions=[MONDAY], run_id="run"))
    assert lake.scan(ORDERS).collect().height == 1


def test_a_column_that_appears_twice_is_refused(lake: ParquetLake) -> None:
    day = pa.array([date(2025, 3, 3)])
    twice = pa.table([pa.array([1]), pa.array([1]), day], names=["id", "id", "dt"])
    with pytest.raises(SchemaConflict, match="id appears more than once"):
        lake.stage(ORDERS, twice, partitions=[MONDAY], run_id="run")


def test_a_value_that_does_not_fit_fails_loudly(lake: ParquetLake) -> None:
    too_wide = pa.table({"value": pa.array([Decimal(10**40)], pa.decimal256(60, 2)), "dt": [date(2025, 3, 3)]})
    with pytest.raises(SchemaConflict, match="value has type decimal256"):
        lake.stage(ORDERS, too_wide, partitions=[MONDAY], run_id="run")
