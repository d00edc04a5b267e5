from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import fs

from shopease_assets.core.errors import NotPublished, QueryError
from shopease_assets.engines.duckdb import InputRelation, query, run
from shopease_assets.engines.sql_model import SqlModel
from shopease_assets_tests.engines.published import Published, publish

FIRST, SECOND, THIRD = date(2025, 3, 1), date(2025, 3, 2), date(2025, 3, 3)
ORDERS = ("silver", "orders")
SCHEMA = pa.schema(
    [("order_id", pa.int64()), ("status", pa.string()), ("ordered_at", pa.timestamp("us", "UTC")), ("dt", pa.date32())]
)


@pytest.fixture
def orders(tmp_path: Path) -> Published:
    rows = [
        {"order_id": 1, "status": "shipped", "ordered_at": datetime(2025, 3, 1, 23, 59, tzinfo=UTC), "dt": FIRST},
        {"order_id": 2, "status": "pending", "ordered_at": datetime(2025, 3, 2, 0, 1, tzinfo=UTC), "dt": SECOND},
        {"order_id": 3, "status": "shipped", "ordered_at": datetime(2025, 3, 3, 12, 0, tzinfo=UTC), "dt": THIRD},
    ]
    return publish(tmp_path, ORDERS, SCHEMA, rows)


@dataclass(frozen=True)
class Remote:
    """Files on an Arrow filesystem, as S3's are."""

    schema: pa.Schema
    paths: list[str]
    filesystem: fs.FileSystem


def test_a_model_runs_over_its_inputs(orders: Published) -> None:
    model = SqlModel("per_day", "select dt, count(*) as orders from silver.orders group by dt order by dt")
    result = run(model, {ORDERS: orders})
    assert result.schema == pa.schema([("dt", pa.date32()), ("orders", pa.int64())])
    assert result.to_pydict() == {"dt": [FIRST, SECOND, THIRD], "orders": [1, 1, 1]}


def test_a_state_sees_its_day(orders: Published) -> None:
    model = SqlModel("state", "select max(order_id) as last_order from silver.orders where dt <= cast($as_of as date)")
    assert run(model, {ORDERS: orders}, as_of=SECOND).to_pylist() == [{"last_order": 2}]
    with pytest.raises(QueryError, match="state: the query is a state as of a day; give as_of"):
        run(model, {ORDERS: orders})


def test_a_model_without_the_parameter_ignores_the_day(orders: Published) -> None:
    model = SqlModel("count", "select count(*) as orders from silver.orders")
    assert run(model, {ORDERS: orders}, as_of=SECOND, threads=1).to_pylist() == [{"orders": 3}]


def test_only_the_files_of_the_day_asked_for_are_read(orders: Published) -> None:
    broken = Path(orders.paths[0])
    sql = "select order_id, status from silver.orders where dt = date '2025-03-02'"
    columns = run(SqlModel("m", sql), {ORDERS: orders})
    broken.write_bytes(broken.read_bytes()[:4] + b"\xff" * 40 + broken.read_bytes()[44:])
    assert run(SqlModel("m", sql), {ORDERS: orders}) == columns
    with pytest.raises(QueryError):
        run(SqlModel("m", "select sum(order_id) as s, max(status) as m from silver.orders"), {ORDERS: orders})


def test_an_input_without_files_is_an_empty_typed_table() -> None:
    model = SqlModel("m", "select order_id, status, ordered_at, dt from silver.orders")
    result = run(model, {ORDERS: Published(SCHEMA, [])})
    assert (result.num_rows, result.schema) == (0, SCHEMA)


def test_a_column_that_older_files_lack_is_null_there(tmp_path: Path, orders: Published) -> None:
    wider = pa.schema([*SCHEMA, ("channel", pa.string()), ("total", pa.decimal128(12, 2))])
    later = publish(tmp_path / "later", ORDERS, pa.schema([*SCHEMA, ("channel", pa.string())]), [
        {"order_id": 4, "channel": "web", "dt": date(2025, 3, 4)}
    ])  # fmt: skip
    both = Published(wider, [*orders.paths, *later.paths])
    model = SqlModel("m", "select order_id, channel, total from silver.orders order by order_id")
    result = run(model, {ORDERS: both})
    assert result.column("channel").to_pylist() == [None, None, None, "web"]
    assert result.column("total").to_pylist() == [None] * 4
    assert result.schema.field("total").type == pa.decimal128(12, 2)


def test_columns_have_the_schema_s_types_whatever_the_files_hold(tmp_path: Path) -> None:
    narrow = pa.schema([("order_id", pa.int32()), ("dt", pa.date32())])
    written = publish(tmp_path, ORDERS, narrow, [{"order_id": 1, "dt": FIRST}])
    model = SqlModel("m", "select order_id from silver.orders")
    wide = Published(pa.schema([("order_id", pa.int64()), ("dt", pa.date32())]), written.paths)
    assert run(model, {ORDERS: wide}).schema.field("order_id").type == pa.int64()


def test_a_table_partitioned_by_month_and_one_without_partitions(tmp_path: Path) -> None:
    folder = tmp_path / "gold" / "dim_date" / "month=2025-03-01" / "v1"
    folder.mkdir(parents=True)
    pq.write_table(pa.table({"day": [FIRST]}), folder / "part-0.parquet")
    pq.write_table(pa.table({"name": ["a"]}), tmp_path / "part-0.parquet")
    relations = {
        ("gold", "dim_date"): Published(
            pa.schema([("day", pa.date32()), ("month", pa.date32())]), [str(folder / "part-0.parquet")]
        ),
        ("gold", "names"): Published(pa.schema([("name", pa.string())]), [str(tmp_path / "part-0.parquet")]),
    }
    result = query("select day, month, name from gold.dim_date cross join gold.names", relations)
    assert result.to_pylist() == [{"day": FIRST, "month": FIRST, "name": "a"}]


def test_a_path_may_hold_quotes_and_patterns(tmp_path: Path) -> None:
    odd = publish(tmp_path / "it's [a] *lake*?", ORDERS, SCHEMA, [{"order_id": 1, "dt": FIRST}])
    assert query("select order_id from silver.orders", {ORDERS: odd}).to_pylist() == [{"order_id": 1}]


def test_timestamps_are_utc_days(orders: Published) -> None:
    result = query("select cast(ordered_at as date) as day from silver.orders order by order_id", {ORDERS: orders})
    assert result.column("day").to_pylist() == [FIRST, SECOND, THIRD]


def test_a_remote_relation_is_read_through_its_filesystem(orders: Published) -> None:
    remote = Remote(
        SCHEMA, [path.removeprefix("/") for path in orders.paths], fs.SubTreeFileSystem("/", fs.LocalFileSystem())
    )
    result = query("select order_id, dt from silver.orders where dt > date '2025-03-01' order by 1", {ORDERS: remote})
    assert result.to_pydict() == {"order_id": [2, 3], "dt": [SECOND, THIRD]}


def test_a_query_attaches_only_the_tables_it_names(orders: Published) -> None:
    asked = []

    def resolve(layer: str, table: str) -> InputRelation:
        asked.append((layer, table))
        return orders

    sql = "with orders as (select order_id from quarantine.orders) select count(*) as n from orders"
    assert query(sql, resolve).to_pylist() == [{"n": 3}]
    assert asked == [("quarantine", "orders")]


@pytest.mark.parametrize(
    "sql",
    [
        "from silver.orders select order_id",
        "(select order_id from silver.orders) union all select 1",
        "select order_id from silver.orders union by name select 2 as order_id",
        "values (1), (2)",
        "with recursive n(i) as (select 1 union all select i + 1 from n where i < 3) select i from n",
        "select range as day_number from range(3)",
        "select * exclude (status) from silver.orders order by all limit 1",
        "select order_id from silver.orders; -- done",
        "select unnest([1, 2])",
    ],
)
def test_every_form_of_select_is_allowed(sql: str, orders: Published) -> None:
    assert query(sql, {ORDERS: orders}).num_rows > 0


@pytest.mark.parametrize(
    "sql",
    [
        "insert into silver.orders values (1)",
        "create table t as select 1",
        "drop view silver.orders",
        "copy (select 1) to '/tmp/x.csv'",
        "attach '/tmp/x.db'",
        "install httpfs",
        "load httpfs",
        "set threads = 1",
        "pragma version",
        "call pragma_version()",
        "export database '/tmp/x'",
        "describe silver.orders",
        "explain select 1",
        "with x as (insert into silver.orders values (1) returning order_id) select * from x",
        "select 1; drop schema silver",
        "",
    ],
)
def test_anything_but_one_select_is_refused(sql: str, orders: Published) -> None:
    with pytest.raises(QueryError, match=r"^query: (only SELECT is allowed|write exactly one SELECT|.* line 1)"):
        query(sql, {ORDERS: orders})


@pytest.mark.parametrize(
    "source",
    [
        "read_csv('/etc/passwd')",
        "read_text('/etc/passwd')",
        "'/etc/passwd'",
        "glob('/etc/*')",
        "duckdb_settings()",
        "query('select 1')",
        "query_table('silver.orders')",
        "information_schema.tables",
        "sqlite_master",
    ],
)
def test_a_query_reads_the_lake_and_nothing_else(source: str, orders: Published) -> None:
    with pytest.raises(QueryError, match=r"not a lake table|names no layer|not in the lake"):
        query(f"select * from {source}", {ORDERS: orders})


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("select statu from silver.orders", 'query: Referenced column "statu" not found in FROM clause! Candidate'),
        ("select nope(order_id) from silver.orders", "query: Scalar Function with name nope does not exist!"),
        ("select cast(status as integer) from silver.orders", "query: Could not convert string '"),
        ("select order_id from silver.orders where", "query: "),
        ("select 'unfinished from silver.orders", "query: "),
        ("select order_id from silver.order", "query: silver.order is not among the tables given: silver.orders"),
        ("select $day", "query: Values were not provided for the following parameters: day"),
        ("select " + "(" * 3000 + "1" + ")" * 3000, "query: the query is nested too deeply"),
    ],
)
def test_a_failing_query_says_why_in_one_line(sql: str, message: str, orders: Published) -> None:
    with pytest.raises(QueryError) as refusal:
        query(sql, {ORDERS: orders})
    assert message in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_missing_file_and_a_missing_input_are_named(orders: Published) -> None:
    model = SqlModel("m", "select order_id from silver.orders")
    with pytest.raises(QueryError, match=r"m: .*nowhere\.parquet"):
        run(model, {ORDERS: Published(SCHEMA, ["/nowhere.parquet"])})
    with pytest.raises(QueryError, match=r"m: silver\.orders is not among the tables given: gold\.orders"):
        run(model, {("gold", "orders"): orders})


def test_the_resolver_s_own_error_reaches_the_user() -> None:
    def resolve(layer: str, table: str) -> InputRelation:
        raise NotPublished(f"{layer}.{table} is not published")

    with pytest.raises(NotPublished):
        query("select 1 from silver.nope", resolve)


def test_more_than_memory_spills_to_disk() -> None:
    relations: Mapping[tuple[str, str], InputRelation] = {}
    sql = "select count(*) as n from (select distinct md5(cast(range as varchar)) as h from range(2000000))"
    assert query(sql, relations, memory_limit="120MB", threads=2).to_pylist() == [{"n": 2_000_000}]
