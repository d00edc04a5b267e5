from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest

from shopease_assets.core.errors import QueryError
from shopease_assets.engines.sql_model import SqlModel

ORDERS = pa.schema(
    [
        ("order_id", pa.int64()),
        ("customer_id", pa.int64()),
        ("status", pa.string()),
        ("total_amount", pa.decimal128(12, 2)),
        ("dt", pa.date32()),
    ]
)
ITEMS = {"order_id": "BIGINT", "quantity": "BIGINT", "line_total": "DECIMAL(12, 2)", "dt": "DATE"}
SCHEMAS = {("silver", "orders"): ORDERS, ("gold", "items"): ITEMS}

REVENUE = SqlModel(
    "daily_revenue",
    """-- Grain: customer and day.
--
-- Revenue of delivered orders.
with delivered as (
    select order_id, customer_id, dt from silver.orders as o where o.status = 'delivered'
)
-- joined to the lines
select
    delivered.customer_id,
    cast(sum(items.line_total) as decimal(18, 2)) as revenue,
    count(*) as lines,
    delivered.dt
from delivered
inner join gold.items as items on delivered.order_id = items.order_id and delivered.dt = items.dt
group by delivered.customer_id, delivered.dt
""",
)


def test_a_model_takes_its_name_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "daily_orders.sql").write_text("select order_id from silver.orders")
    assert SqlModel.load(tmp_path / "daily_orders.sql").name == "daily_orders"


def test_inputs_are_the_lake_tables_without_the_ctes() -> None:
    assert REVENUE.inputs == (("gold", "items"), ("silver", "orders"))


def test_inputs_are_found_in_subqueries_unions_and_below_a_cte_of_the_same_name() -> None:
    model = SqlModel(
        "m",
        """with orders as (select order_id from silver.orders)
        select order_id from orders where order_id in (select order_id from bronze.items)
        union all select max(order_id) from GOLD.Facts""",
    )
    assert model.inputs == (("bronze", "items"), ("gold", "facts"), ("silver", "orders"))


def test_the_comment_on_top_is_the_documentation() -> None:
    assert REVENUE.docs == "Grain: customer and day.\n\nRevenue of delivered orders."
    assert SqlModel("m", "select order_id from silver.orders -- no header").docs == ""


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("select 1 from orders", "m: orders names no layer; write bronze.orders or silver.orders or gold.orders"),
        ("select 1 from shop.orders", "m: shop.orders is not in the lake; its layers are bronze, silver, gold"),
        ("select 1 from quarantine.orders as q", "m: quarantine.orders is not in the lake"),
        ("select 1 from db.silver.orders", "m: db.silver.orders is not in the lake"),
        ("select 1 from read_csv('x.csv')", "m: READ_CSV('x.csv') is not a lake table"),
        ("select 1 from 'x.parquet'", 'm: "x.parquet" names no layer'),
        ("select 1", "m: it reads no lake table"),
        ("delete from silver.orders", "m: only SELECT is allowed; 'delete from silver.orders' is not a query"),
        ("select 1 from silver.a; select 2 from silver.b", "m: write exactly one SELECT statement, not 2"),
        ("-- nothing", "m: write exactly one SELECT statement, not 0"),
        ("select from where", "line 1 column"),
        ("select order_id from silver.orders where dt = $day", "m: $day is not a parameter; only $as_of is"),
        ("select order_id from silver.orders where dt = ?", "is not a parameter; only $as_of is"),
    ],
)
def test_what_is_not_one_query_over_the_lake_is_refused(sql: str, message: str) -> None:
    with pytest.raises(QueryError) as refusal:
        SqlModel("m", sql)
    assert message in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_lineage_follows_a_column_through_ctes_and_expressions() -> None:
    assert REVENUE.lineage(SCHEMAS) == {
        "customer_id": [("silver", "orders", "customer_id")],
        "revenue": [("gold", "items", "line_total")],
        "lines": [],
        "dt": [("silver", "orders", "dt")],
    }


def test_lineage_of_one_column_and_of_a_union() -> None:
    model = SqlModel(
        "m", "select order_id as id from silver.orders union all select quantity + order_id from gold.items"
    )
    assert model.lineage(SCHEMAS) == {
        "id": [("gold", "items", "order_id"), ("gold", "items", "quantity"), ("silver", "orders", "order_id")]
    }


def test_columns_read_include_those_of_filters_and_joins() -> None:
    assert REVENUE.columns_of(("silver", "orders"), SCHEMAS) == ["order_id", "customer_id", "status", "dt"]
    assert REVENUE.columns_of(("gold", "items"), SCHEMAS) == ["order_id", "line_total", "dt"]


def test_the_binder_tells_the_result_s_types_without_data() -> None:
    assert REVENUE.output_types(SCHEMAS) == {
        "customer_id": "BIGINT",
        "revenue": "DECIMAL(18,2)",
        "lines": "BIGINT",
        "dt": "DATE",
    }


def test_a_model_with_its_contract_s_columns_passes_the_check_in_any_order() -> None:
    REVENUE.check(SCHEMAS, pa.schema([(name, pa.int64()) for name in ("dt", "lines", "revenue", "customer_id")]))


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["customer_id", "revenue", "lines", "dt", "cost"], "daily_revenue: column 'cost' of the contract is missing"),
        (["customer_id", "revenue", "dt"], "daily_revenue: column 'lines' is not in the contract"),
    ],
)
def test_columns_that_differ_from_the_contract_are_named(names: list[str], message: str) -> None:
    with pytest.raises(QueryError, match=message):
        REVENUE.check(SCHEMAS, pa.schema([(name, pa.int64()) for name in names]))


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("select statu from silver.orders", "m: column 'statu' is in none of its inputs; did you mean status?"),
        ("select o.statu from silver.orders as o", "column 'statu' is in none of its inputs"),
        ("select zzz from gold.items", "the inputs have dt, line_total, order_id, quantity"),
        (
            "select order_id from silver.orders cross join gold.items",
            "column 'order_id' is ambiguous or not in scope; write it with its table",
        ),
        ("select order_id + 1 as next, next + 1 as later from silver.orders", "column 'next' is in none"),
        ("select 'a' + dt as x from silver.orders", "m: Could not choose a best candidate function"),
        ("select sum(dt) as order_id from silver.orders where dt = $as_of", "m: No function matches"),
        ("select order_id from silver.customers", "m: the schema of its input silver.customers is not known"),
    ],
)
def test_a_query_that_does_not_bind_is_refused_in_one_line(sql: str, message: str) -> None:
    with pytest.raises(QueryError) as refusal:
        SqlModel("m", sql).check(SCHEMAS, pa.schema([("order_id", pa.int64())]))
    assert message in str(refusal.value)
    assert "\n" not in str(refusal.value)


AS_OF = SqlModel("state", "select order_id from silver.orders where dt <= cast($as_of as date)")


def test_the_day_is_written_into_the_query_of_another_engine() -> None:
    assert AS_OF.needs_as_of
    athena = AS_OF.transpile("athena", as_of=date(2025, 3, 31))
    assert "CAST('2025-03-31' AS DATE)" in athena
    assert "$" not in athena


def test_a_state_without_its_day_is_refused() -> None:
    with pytest.raises(QueryError, match="state: the query is a state as of a day; give as_of"):
        AS_OF.transpile("spark")


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("median(order_id)", "function MEDIAN"),
        ("my_function(order_id)", "function MY_FUNCTION"),
        ("count_if(order_id > 1)", "function COUNT_IF"),
        ("isodow(dt)", "function "),
        ("date_diff('month', dt, dt)", "date_diff in month"),
        ("date_trunc('month', dt)", "without a cast around it"),
        ("dt + interval 1 day", "without a cast around it"),
        ("cast(dt + interval 5 microseconds as date)", "an interval in microsecond"),
        ("array_agg(order_id)", "function ARRAY_AGG"),
        ("array_value(order_id)[1]", "subscripts"),
        ("greatest(order_id, customer_id)", "function GREATEST"),
        ("extract(dow from dt)", "extract of dow"),
        ("md5(status)", "md5 of a value that is not cast"),
        ("count(*), *", "select * (name the columns)"),
    ],
)
def test_what_the_engines_do_not_agree_on_is_not_translated(expression: str, reason: str) -> None:
    with pytest.raises(QueryError) as refusal:
        SqlModel("m", f"select {expression} from silver.orders").transpile("athena")
    assert str(refusal.value).startswith("m: ")
    assert reason in str(refusal.value)
    assert str(refusal.value).endswith("is not portable to Athena and Spark")


@pytest.mark.parametrize(
    "tail",
    [
        "group by all",
        "qualify row_number() over (partition by dt order by order_id) = 1",
        "asof join gold.items as i on o.dt >= i.dt",
        "semi join gold.items as i on o.order_id = i.order_id",
    ],
)
def test_clauses_only_duckdb_has_are_not_translated(tail: str) -> None:
    with pytest.raises(QueryError, match="is not portable to Athena and Spark"):
        SqlModel("m", f"select o.order_id from silver.orders as o {tail}").transpile("spark")


def test_minutes_can_be_added_to_a_timestamp() -> None:
    model = SqlModel("m", "select cast(ordered_at + interval 30 minute as timestamp) as later from silver.orders")
    assert model.transpile("athena") == (
        "SELECT\n  CAST(ordered_at + INTERVAL '30' MINUTE AS TIMESTAMP) AS later\nFROM silver.orders"
    )
    assert "CAST(ordered_at + INTERVAL '30' MINUTE AS TIMESTAMP_NTZ)" in model.transpile("spark")


def test_a_cast_date_calculation_is_translated() -> None:
    model = SqlModel(
        "m", "select cast(cast(date_trunc('month', dt) as date) - interval 1 month as date) as m from silver.orders"
    )
    assert "INTERVAL '1' MONTH" in model.transpile("athena")
    assert "INTERVAL '1' MONTH" in model.transpile("spark")
