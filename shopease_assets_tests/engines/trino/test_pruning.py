"""Only partitions a query can see are opened, and never one too few."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shopease_assets.core.errors import QueryError
from shopease_assets.engines import trino
from shopease_assets_tests.engines.published import Published, publish
from shopease_assets_tests.engines.trino.shelf import Shelf

FIRST = date(2026, 1, 1)
DAYS = [FIRST + timedelta(days=offset) for offset in range(10)]
MONTHS = [date(2025, 12, 1), date(2026, 1, 1)]
NOW = datetime(2026, 1, 10, 8, tzinfo=UTC)
SALES, STATE = ("gold", "sales"), ("gold", "state")


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Published]:
    root: Path = tmp_path_factory.mktemp("lake")
    sales = pa.schema(
        [("id", pa.int64()), ("amount", pa.decimal128(12, 2)), ("at", pa.timestamp("us", "UTC")), ("dt", pa.date32())]
    )
    rows = [
        {
            "id": 2 * day + row,
            "amount": Decimal(day) + Decimal("0.25"),
            "at": datetime(2026, 1, 1 + day, 20, tzinfo=UTC) + timedelta(microseconds=1500),
            "dt": DAYS[day],
        }
        for day in range(10)
        for row in range(2)
    ]
    state = pa.schema([("id", pa.int64()), ("name", pa.string()), ("month", pa.date32())])
    members = [{"id": number, "name": f"n{number}", "month": month} for month in MONTHS for number in range(0, 20, 3)]
    return {SALES: publish(root, SALES, sales, rows), STATE: publish(root, STATE, state, members)}


def asked(tables: dict[tuple[str, str], Published], sql: str, table: tuple[str, str] = SALES) -> list[int]:
    """The days (or months) of the table that the query opens; its answer is checked against the whole table's."""
    shelf = Shelf(tables)
    answer = trino.answer(sql, shelf, environment="dev", now=NOW)
    everything = trino.answer(sql, Shelf(tables, whole=True), environment="dev", now=NOW)
    assert rows(answer) == rows(everything)
    return [
        date.fromisoformat(key).day if table == SALES else date.fromisoformat(key).month for key in shelf.asked[table]
    ]


def rows(answer: pa.Table) -> list[str]:
    return sorted(str(row) for row in answer.to_pylist())


ALL = list(range(1, 11))
TWICE = "with a as (select dt from gold.sales), b as (select * from a where dt > date '2026-01-08')"


@pytest.mark.parametrize(
    ("where", "days"),
    [
        ("dt = date '2026-01-03'", [3]),
        ("date '2026-01-03' = dt", [3]),
        ("dt <> date '2026-01-03'", [1, 2, *ALL[3:]]),
        ("dt in (date '2026-01-03', date '2026-01-05')", [3, 5]),
        ("dt not in (date '2026-01-03', date '2026-01-05')", [1, 2, 4, *ALL[5:]]),
        ("dt between date '2026-01-03' and cast('2026-01-05' as date)", [3, 4, 5]),
        ("dt > current_date - interval '2' day", [9, 10]),
        ("dt >= date_add('day', -1, date_trunc('day', current_date))", [9, 10]),
        ("dt < date '2026-01-03' and amount > 1", [1, 2]),
        ("dt < date '2026-01-03' or dt = date '2026-01-09'", [1, 2, 9]),
        ("dt < date '2026-01-03' or amount > 1", ALL),
        ("(dt < date '2026-01-03' or amount > 1) and dt > date '2026-01-02'", ALL[2:]),
        ("not (dt >= date '2026-01-03')", [1, 2]),
        ("not (dt >= date '2026-01-03' and amount > 1)", ALL),
        ("day(dt) = 4", [4]),
        ("dt is null or id = 1", ALL),
        ("coalesce(dt, date '2026-01-04') = date '2026-01-04'", ALL),
        ("dt = cast(at as date)", ALL),
        ("dt = (select max(dt) from gold.sales)", [10]),
        ("dt > (select date_add('day', -3, max(dt)) from gold.sales)", [8, 9, 10]),
        ("dt = (select max(dt) from gold.sales where id < 5)", ALL),
        ("1 = 1", ALL),
    ],
)
def test_a_condition_on_the_partition_opens_its_days_only(tables, where: str, days: list[int]) -> None:
    assert asked(tables, f"select id, amount from gold.sales where {where}") == days


@pytest.mark.parametrize(
    ("sql", "days"),
    [
        ("with s as (select * from gold.sales) select sum(amount) from s where dt = date '2026-01-03'", [3]),
        ("select count(*) from (select dt as d, id from gold.sales) as s where d <= date '2026-01-02'", [1, 2]),
        ("select * from (select dt, sum(id) as n from gold.sales group by dt) where dt = date '2026-01-03'", [3]),
        ("select * from (select max(dt) as dt from gold.sales) as s where dt = date '2026-01-03'", [10]),
        ("select * from (select dt from gold.sales order by id limit 3) where dt = date '2026-01-03'", ALL),
        ("select n from (select dt, rank() over (order by id) n from gold.sales) where dt = date '2026-01-03'", ALL),
        ("select id from gold.sales where dt = current_date union all select id from gold.sales where id < 0", ALL),
        (
            "select d from (select dt d from gold.sales union select current_date) where d = date '2026-01-03'",
            [3],
        ),
        ("select a.id from gold.sales a join gold.sales b on a.id = b.id and b.dt = date '2026-01-03'", ALL),
        ("select a.id from gold.sales a join gold.state b on a.id = b.id and a.dt = date '2026-01-03'", [3]),
        ("select a.id from gold.sales a left join gold.state b on a.id = b.id and a.dt = date '2026-01-03'", ALL),
        ("select b.id from gold.state b left join gold.sales a on a.id = b.id and a.dt = date '2026-01-03'", [3]),
        ("select b.id from gold.state b left join gold.sales a on a.id = b.id where a.dt is null", ALL),
        ("select b.id from gold.state b full join gold.sales a on a.id = b.id where a.dt > date '2026-01-08'", [9, 10]),
        ("select id from gold.state where id in (select id from gold.sales where dt = date '2026-01-03')", [3]),
        ("select id from gold.state as s where exists (select 1 from gold.sales as x where x.dt = s.month)", ALL),
        ("select max(dt) from gold.sales", [10]),
        (f"{TWICE} select * from b union select * from a", ALL),
        (f"{TWICE} select * from b", [9, 10]),
        ("select * from gold.state where month = (select date_trunc('month', max(dt)) from gold.sales)", [10]),
        ("select grouping(dt), dt from gold.sales group by rollup (dt) having dt = date '2026-01-03'", ALL),
        ("select d from (select dt as d from gold.sales group by rollup (dt)) where d = date '2026-01-03'", ALL),
    ],
)  # fmt: skip
def test_a_condition_reaches_tables_through_subqueries_where_it_may(tables, sql: str, days: list[int]) -> None:
    assert asked(tables, sql) == days


def test_months_are_pruned_by_the_newest_one(tables) -> None:
    sql = "select name from gold.state where month = (select max(month) from gold.state)"
    assert asked(tables, sql, STATE) == [1]


LEAVES = st.one_of(
    st.builds("s.dt {} date '{}'".format, st.sampled_from(["=", "<>", "<", "<=", ">", ">="]), st.sampled_from(DAYS)),
    st.builds("s.dt between date '{}' and date '{}'".format, st.sampled_from(DAYS), st.sampled_from(DAYS)),
    st.builds("s.dt in (date '{}', date '{}')".format, st.sampled_from(DAYS), st.sampled_from(DAYS)),
    st.builds("s.dt {} current_date - interval '{}' day".format, st.sampled_from(["<", ">="]), st.integers(0, 9)),
    st.builds("s.id {} {}".format, st.sampled_from(["<", ">"]), st.integers(0, 19)),
    st.sampled_from(
        [
            *("s.dt is null", "s.dt is not null", "null", "day(s.dt) = 3", "s.id is null", "true"),
            *("s.dt = (select max(dt) from gold.sales)", "coalesce(s.dt, current_date) > date '2026-01-05'"),
        ]
    ),
)
CONDITIONS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds("({} and {})".format, inner, inner),
        st.builds("({} or {})".format, inner, inner),
        st.builds("(not {})".format, inner),
    ),
    max_leaves=5,
)
SHAPES = (
    "select s.id, s.dt from gold.sales as s where {}",
    "select s.dt, total from (select dt, min(id) as id, sum(amount) as total from gold.sales group by dt) s where {}",
    "with s as (select id, dt from gold.sales union all select 0, dt from gold.sales) select * from s where {}",
    "select s.id, name from gold.state as t left join gold.sales as s on s.id = t.id and ({0}) where t.id < 9 or {0}",
    "select s.id, t.name from gold.sales as s full join gold.state as t on s.id = t.id where {}",
    "select s.id from (select id, dt from gold.sales where {0}) as s where {0}",
    "select s.dt, n from (select id, dt, count(*) over () as n from gold.sales) as s where {}",
    "select s.id from (select id, dt from gold.sales order by id desc limit 7) as s where {}",
)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(shape=st.sampled_from(SHAPES), condition=CONDITIONS)
def test_no_condition_loses_a_row(tables, shape: str, condition: str) -> None:
    if "from gold.sales where {0}" in shape:
        condition = condition.replace("s.", "")
    asked(tables, shape.format(condition))


def test_databases_are_named_as_in_athena(tables) -> None:
    for table in (
        "gold.sales",
        "shopease_dev_gold.sales",
        '"awsdatacatalog"."shopease_dev_gold"."sales"',
        "GOLD.Sales",
    ):
        assert trino.answer(f"select count(*) as n from {table}", Shelf(tables), environment="dev").to_pylist() == [
            {"n": 20}
        ]
    for table in ("shopease_prod_gold.sales", "other.gold.sales", "sales", "information_schema.tables"):
        with pytest.raises(QueryError, match=r"is not in the lake|names no layer"):
            trino.answer(f"select count(*) as n from {table}", Shelf(tables), environment="dev")
    sql = "select shopease_dev_gold.sales.id from shopease_dev_gold.sales where gold.sales.dt = date '2026-01-01'"
    assert trino.answer(sql, Shelf(tables), environment="dev").num_rows == 2


def test_timestamps_are_athena_s_without_zone_and_in_milliseconds(tables) -> None:
    local = "cast(at at time zone 'Asia/Kolkata' as date)"
    sql = f"select at, date_format(at, '%H:%i') as said, {local} as local from gold.sales where id = 0"
    (row,) = trino.answer(sql, Shelf(tables), environment="dev").to_pylist()
    assert row == {"at": datetime(2026, 1, 1, 20, 0, 0, 2000), "said": "20:00", "local": date(2026, 1, 2)}  # noqa: DTZ001


def test_the_average_of_money_is_athena_s(tables) -> None:
    measures = "avg(amount) as mean, sum(amount) / count(*) as ratio, sum(amount) / 3 as third"
    sql = f"select {measures} from gold.sales where id < 6"
    answer = trino.answer(sql, Shelf(tables), environment="dev")
    assert answer.to_pylist() == [{"mean": Decimal("1.25"), "ratio": Decimal("1.25"), "third": Decimal("2.50")}]
    assert answer.schema.field("mean").type == pa.decimal128(12, 2)


def test_a_wrong_column_is_told_what_was_meant(tables) -> None:
    with pytest.raises(QueryError, match="query: column 'amout' is in none of its inputs; did you mean amount"):
        trino.answer("select amout from gold.sales", Shelf(tables), environment="dev")


def test_the_partition_compared_with_a_text_is_refused_with_the_cure(tables) -> None:
    with pytest.raises(QueryError, match=r"date and varchar do not mix in Athena: .* date '2026-01-01'"):
        trino.answer("select id from gold.sales where dt = '2026-01-03'", Shelf(tables), environment="dev")
