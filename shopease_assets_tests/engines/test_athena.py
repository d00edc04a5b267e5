"""The Athena client against the stand-in, over a lake on S3 that is mirrored in Glue by hand."""

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest
from pyarrow import fs

from shopease_assets import aws
from shopease_assets.core.errors import QueryError
from shopease_assets.core.layout import TableRef
from shopease_assets.engines.athena import Athena, AthenaError, Progress, cost, in_databases
from shopease_assets.storage.lake import ParquetLake
from shopease_assets.storage.location import Location
from shopease_assets.storage.log import PublicationLog
from shopease_assets_tests.athena_stand_in import StandInAthena
from shopease_assets_tests.aws import make_bucket
from shopease_assets_tests.mirrored import ENVIRONMENT, mirror

ORDERS = TableRef("silver", "orders")
MONDAY, TUESDAY, WEDNESDAY = "2026-01-05", "2026-01-06", "2026-01-07"


@pytest.fixture
def lake(athena: StandInAthena, tmp_path: Path) -> Iterator[ParquetLake]:
    make_bucket("shopease-lake")
    log = PublicationLog.open(f"sqlite:///{tmp_path}/log.db")
    yield ParquetLake(Location.s3("s3://shopease-lake/lake"), log)
    log.close()


@pytest.fixture
def orders(lake: ParquetLake) -> ParquetLake:
    """Two orders a day, Monday to Wednesday, published and mirrored."""
    publish(lake, MONDAY, TUESDAY, WEDNESDAY)
    mirror(lake)
    return lake


@pytest.fixture
def client() -> Athena:
    return Athena(ENVIRONMENT, "primary", poll_seconds=0.01)


def publish(lake: ParquetLake, *days: str, amount: str = "10.25") -> None:
    rows = [(n, date.fromisoformat(day)) for day in days for n in (1, 2)]
    frame = pl.DataFrame(
        {
            "order_id": [n for n, _ in rows],
            "note": [None if n == 1 else "" for n, _ in rows],
            "total": [Decimal(amount) if n == 1 else None for n, _ in rows],
            "is_sale": [n == 1 for n, _ in rows],
            "rate": [n / 4 for n, _ in rows],
            "ordered_at": [datetime(day.year, day.month, day.day, 9, 30, tzinfo=UTC) for _, day in rows],
            "dt": [day for _, day in rows],
        },
        schema_overrides={"total": pl.Decimal(12, 2), "note": pl.String},
    )
    lake.publish(lake.stage(ORDERS, frame, partitions=days, run_id="run"))


def size_of(lake: ParquetLake, *days: str) -> int:
    return sum(pointer.bytes for pointer in lake.log.pointers(ORDERS, days).values())


# ---- answers -----------------------------------------------------------------------------------------------------


def test_an_answer_has_exact_decimals_dates_and_times_in_utc(client: Athena, orders: ParquetLake) -> None:
    answer = client.query(
        f"select order_id, note, total, is_sale, rate, ordered_at, dt from silver.orders "
        f"where dt = date '{MONDAY}' order by order_id"
    )
    assert answer.schema == pa.schema(
        [
            ("order_id", pa.int64()), ("note", pa.string()), ("total", pa.decimal128(12, 2)), ("is_sale", pa.bool_()),
            ("rate", pa.float64()), ("ordered_at", pa.timestamp("us", "UTC")), ("dt", pa.date32()),
        ]
    )  # fmt: skip
    at = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)
    assert answer.to_pylist() == [
        {"order_id": 1, "note": None, "total": Decimal("10.25"), "is_sale": True, "rate": 0.25, "ordered_at": at,
         "dt": at.date()},
        {"order_id": 2, "note": "", "total": None, "is_sale": False, "rate": 0.5, "ordered_at": at, "dt": at.date()},
    ]  # fmt: skip


def test_more_rows_than_a_page_all_arrive(client: Athena, lake: ParquetLake) -> None:
    days = [MONDAY, TUESDAY]
    frame = pl.DataFrame({"order_id": range(2500)}).with_columns(
        dt=pl.when(pl.col("order_id") < 1200).then(date(2026, 1, 5)).otherwise(date(2026, 1, 6))
    )
    lake.publish(lake.stage(ORDERS, frame, partitions=days, run_id="run"))
    mirror(lake)
    answer = client.query("select order_id from silver.orders order by order_id")
    assert answer["order_id"].to_pylist() == list(range(2500))


def test_an_answer_without_rows_has_its_types(client: Athena, orders: ParquetLake) -> None:
    answer = client.query("select total, dt from silver.orders where dt > date '2027-01-01'")
    assert answer.schema == pa.schema([("total", pa.decimal128(12, 2)), ("dt", pa.date32())])
    assert len(answer) == 0


def test_what_is_inside_arrays_stays_as_athena_prints_it(client: Athena, athena: StandInAthena) -> None:
    answer = client.query("select array[1, 2] as numbers, 1 as one, 2 as one")
    assert answer.column_names == ["numbers", "one", "one"]
    assert answer.column(0).to_pylist() == ["[1, 2]"]


def test_only_partitions_that_glue_knows_are_read_and_paid_for(
    client: Athena, orders: ParquetLake, athena: StandInAthena
) -> None:
    publish(orders, WEDNESDAY, amount="99.00")  # not mirrored: Glue still shows the version before
    seen: list[Progress] = []
    (row,) = client.query("select sum(total) as total from silver.orders", seen.append).to_pylist()
    assert row == {"total": Decimal("30.75")}
    mirror(orders, ORDERS)
    (row,) = client.query("select sum(total) as total from silver.orders").to_pylist()
    assert row == {"total": Decimal("119.50")}
    client.query(f"select total from silver.orders where dt in (date '{MONDAY}', date '{TUESDAY}')", seen.append)
    assert seen[-1].scanned == size_of(orders, MONDAY, TUESDAY)
    assert seen[-1].state == "SUCCEEDED"


def test_a_day_is_compared_with_a_date_not_with_text(client: Athena, orders: ParquetLake) -> None:
    with pytest.raises(AthenaError, match=r"Athena: TYPE_MISMATCH: .*date = varchar") as refusal:
        client.query(f"select order_id from silver.orders where dt = '{MONDAY}'")
    assert refusal.value.code == "TYPE_MISMATCH"


# ---- names -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sql", "sent"),
    [
        ("select 1 from gold.x", "select 1 from shopease_prod_gold.x"),
        ('select 1 from "Gold"."x" as gold', 'select 1 from shopease_prod_gold."x" as gold'),
        ("select gold.x.a from gold.x", "select shopease_prod_gold.x.a from shopease_prod_gold.x"),
        ("select 'gold.x' -- gold.x\nfrom silver.y", "select 'gold.x' -- gold.x\nfrom shopease_prod_silver.y"),
        (
            "with gold as (select 1 as x) select gold.x from gold",
            "with gold as (select 1 as x) select gold.x from gold",
        ),
        ("select gold.payload.a from silver.y as gold", "select gold.payload.a from shopease_prod_silver.y as gold"),
        ("select 1 from shopease_dev_gold.x, other.gold", "select 1 from shopease_dev_gold.x, other.gold"),
        (
            "select 1 from awsdatacatalog.gold.x cross join unnest(x.items) as t (i)",
            "select 1 from awsdatacatalog.shopease_prod_gold.x cross join unnest(x.items) as t (i)",
        ),
        (
            """select (select max(dt) from gold.x) from bronze.y
            union all select 1 from quarantine.z""",
            """select (select max(dt) from shopease_prod_gold.x) from shopease_prod_bronze.y
            union all select 1 from shopease_prod_quarantine.z""",
        ),
    ],
)
def test_a_layer_becomes_the_environment_s_database_and_nothing_else_changes(sql: str, sent: str) -> None:
    assert in_databases(sql, "prod") == sent


@pytest.mark.parametrize("sql", ["drop table gold.x", "insert into gold.x select 1", "select 1; select 2"])
def test_only_one_select_is_sent(client: Athena, athena: StandInAthena, sql: str) -> None:
    with pytest.raises(QueryError, match="query: "):
        client.query(sql)
    assert athena.queries == []


# ---- refusals ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("select 1 from gold.nowhere", r"Schema 'shopease_dev_gold' does not exist; .*shopease catalog repair"),
        ("select 1 from silver.nowhere", r"silver.nowhere' does not exist; publish the table \(shopease run\)"),
        ("select cast('ten' as bigint)", r"Athena: INVALID_CAST_ARGUMENT: .*ten"),
        ("select nothing from silver.orders", r"Athena: COLUMN_NOT_FOUND: "),
    ],
)
def test_a_failure_says_athena_s_reason_and_the_cure(
    client: Athena, orders: ParquetLake, sql: str, message: str
) -> None:
    with pytest.raises(AthenaError, match=message):
        client.query(sql)


def test_without_a_place_for_results_the_setting_is_named(athena: StandInAthena) -> None:
    athena.workgroups["bare"] = athena.workgroups["primary"].__class__()
    with pytest.raises(QueryError, match="set SHOPEASE_ATHENA_RESULTS=s3://"):
        Athena(ENVIRONMENT, "bare").query("select 1")


def test_an_unknown_workgroup_is_told_its_setting(athena: StandInAthena) -> None:
    with pytest.raises(QueryError, match=r"WorkGroup analysts is not found\.; set SHOPEASE_ATHENA_WORKGROUP"):
        Athena(ENVIRONMENT, "analysts").query("select 1")


def test_results_go_where_the_setting_says(athena: StandInAthena) -> None:
    make_bucket("elsewhere")
    Athena(ENVIRONMENT, "primary", results="s3://elsewhere/mine", poll_seconds=0.01).query("select 1 as one")
    keys = {item["Key"] for item in aws.client("s3").list_objects_v2(Bucket="elsewhere")["Contents"]}
    assert keys == {f"mine/{athena.queries[0].id}.csv", f"mine/{athena.queries[0].id}.csv.metadata"}


def test_the_workgroup_s_own_limit_is_explained(client: Athena, orders: ParquetLake, athena: StandInAthena) -> None:
    athena.workgroups["primary"].cutoff = 10
    with pytest.raises(AthenaError, match=r"Bytes scanned limit was exceeded; name fewer partitions"):
        client.query("select sum(total) from silver.orders")


def test_a_query_over_our_limit_is_cancelled(athena: StandInAthena) -> None:
    limited = Athena(ENVIRONMENT, "primary", scan_limit=1 << 30, poll_seconds=0.01)
    with (
        athena.hold(scanned=2 << 30),
        pytest.raises(QueryError, match=r"had scanned 2\.00 GB, more than SHOPEASE_ATHENA_SCAN_LIMIT_GB=1 allows"),
    ):
        limited.query("select 1 as one")
    assert athena.queries[0].state == "CANCELLED"


def test_an_interrupt_while_a_query_runs_cancels_it(client: Athena, athena: StandInAthena) -> None:
    seen: list[str] = []

    def interrupt_when_running(progress: Progress) -> None:
        seen.append(progress.state)
        if seen == ["RUNNING"]:
            raise KeyboardInterrupt

    with athena.hold(), pytest.raises(KeyboardInterrupt):
        client.query("select 1 as one", _from_running(interrupt_when_running))
    assert athena.queries[0].state == "CANCELLED"
    assert seen == ["RUNNING", "CANCELLED"]


def _from_running(watch: Callable[[Progress], None]) -> Callable[[Progress], None]:
    return lambda progress: None if progress.state == "QUEUED" else watch(progress)


# ---- unload ------------------------------------------------------------------------------------------------------


def test_rows_are_unloaded_as_parquet_into_an_empty_folder_only(client: Athena, orders: ParquetLake) -> None:
    select = "select order_id, total from shopease_dev_silver.orders"
    client.unload(select, "s3://shopease-lake/out/v1")
    folder = Location.s3("s3://shopease-lake").filesystem
    written = pl.concat(_read(folder, path) for path in _keys("out/v1/"))
    assert sorted(written.rows()) == sorted([(1, Decimal("10.25"))] * 3 + [(2, None)] * 3)
    with pytest.raises(AthenaError, match="HIVE_PATH_ALREADY_EXISTS"):
        client.unload(select, "s3://shopease-lake/out/v1")


def test_no_rows_are_no_file(client: Athena, orders: ParquetLake) -> None:
    client.unload("select order_id from shopease_dev_silver.orders where false", "s3://shopease-lake/out/v1")
    assert _keys("out/") == []


def test_a_key_encrypts_what_is_unloaded(orders: ParquetLake) -> None:
    keyed = Athena(ENVIRONMENT, "primary", kms_key="alias/lake", poll_seconds=0.01)
    keyed.unload("select order_id from shopease_dev_silver.orders", "s3://shopease-lake/out/v1")
    for path in _keys("out/"):
        head = aws.client("s3").head_object(Bucket="shopease-lake", Key=path.removeprefix("shopease-lake/"))
        assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", "alias/lake")


def _read(folder: fs.FileSystem, path: str) -> pl.DataFrame:
    with folder.open_input_file(path) as file:
        return pl.read_parquet(file.read())


def _keys(prefix: str) -> list[str]:
    found = aws.client("s3").list_objects_v2(Bucket="shopease-lake", Prefix=prefix).get("Contents", [])
    return [f"shopease-lake/{item['Key']}" for item in found]


# ---- cost, threads -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scanned", "dollars"),
    [(0, "0.00004768"), (10 << 20, "0.00004768"), ((10 << 20) + 1, "0.00005245"), (1 << 40, "5")],
)
def test_a_query_costs_whole_megabytes_and_at_least_ten(scanned: int, dollars: str) -> None:
    assert round(cost(scanned, Decimal(5)), 8) == Decimal(dollars)


def test_queries_of_several_threads_do_not_mix(client: Athena, orders: ParquetLake) -> None:
    answers: dict[int, object] = {}

    def ask(number: int) -> None:
        answers[number] = client.query(f"select {number} as n").to_pylist()

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == {number: [{"n": number}] for number in range(8)}
