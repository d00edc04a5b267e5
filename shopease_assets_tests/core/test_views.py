"""The analysts' views: the newest month's rows, and the version of something that was valid at an instant."""

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
import sqlglot

from shopease_assets.core.layout import TableRef
from shopease_assets.core.views import views
from shopease_assets.engines import duckdb
from shopease_assets.storage.lake import ParquetLake
from shopease_assets.storage.log import PublicationLog

DIM = TableRef("gold", "dim_customer", "month")
ORDERS = TableRef("silver", "orders")
COLUMNS = ["customer_id", "tier", "valid_from", "valid_to"]


def at(day: int) -> datetime:
    return datetime(2025, 1, day, tzinfo=UTC)


@pytest.fixture
def lake(tmp_path: Path) -> ParquetLake:
    """A customer who became gold on the tenth, in January's state and in February's; three orders around that."""
    lake = ParquetLake.local(tmp_path / "lake", PublicationLog.open(f"sqlite:///{tmp_path}/log.db"))
    for month, versions in ((1, 1), (2, 2)):
        frame = pl.DataFrame(
            [(1, "basic", at(1), at(10) if versions > 1 else None), (1, "gold", at(10), None)][:versions],
            schema={"customer_id": pl.Int64, "tier": pl.String, "valid_from": pl.Datetime("us", "UTC"),
                    "valid_to": pl.Datetime("us", "UTC")},
            orient="row",
        )  # fmt: skip
        frame = frame.with_columns(month=pl.lit(date(2025, month, 1)))
        lake.publish(lake.stage(DIM, frame, partitions=[f"2025-0{month}-01"], run_id="run"))
    orders = pl.DataFrame({"order_id": [1, 2, 3], "customer_id": [1, 1, 1], "ordered_at": [at(9), at(10), at(20)]})
    orders = orders.with_columns(dt=pl.col("ordered_at").dt.date())
    lake.publish(lake.stage(ORDERS, orders, partitions=[f"2025-01-{day}" for day in ("09", "10", "20")], run_id="run"))
    return lake


def asked(lake: ParquetLake, sql: str, **named: str) -> list[tuple[object, ...]]:
    """The rows Athena's SQL gives, with views as subqueries."""
    (translated,) = sqlglot.transpile(sql.format(**named), read="athena", write="duckdb")
    known = {(ref.layer, ref.name): ref for ref in lake.log.tables()}
    result = duckdb.query(translated, lambda layer, name: lake.relation(known[layer, name]))
    lake.log.close()
    return [tuple(row.values()) for row in result.to_pylist()]


def test_the_latest_rows_are_those_of_the_newest_month(lake: ParquetLake) -> None:
    latest = views(DIM, COLUMNS, "2025-02-01")["dim_customer_latest"]
    assert latest.columns == (*COLUMNS, "month")
    assert asked(lake, "select tier, month from ({latest}) as v order by 1", latest=latest.sql) == [
        ("basic", date(2025, 2, 1)),
        ("gold", date(2025, 2, 1)),
    ]


def test_an_order_finds_the_version_that_was_valid_when_it_was_placed(lake: ParquetLake) -> None:
    versions = views(DIM, COLUMNS, "2025-02-01")["dim_customer_versions"].sql
    joined = """
        select o.order_id, d.tier
        from silver.orders as o
        inner join ({versions}) as d
            on o.customer_id = d.customer_id and o.ordered_at >= d.valid_from and o.ordered_at < d.valid_to
        order by 1
    """
    assert asked(lake, joined, versions=versions) == [(1, "basic"), (2, "gold"), (3, "gold")]


def test_tables_by_day_and_tables_without_a_month_have_no_views() -> None:
    assert views(ORDERS, COLUMNS, "2025-02-01") == {}
    assert views(DIM, COLUMNS, None) == {}


def test_a_table_without_versions_has_no_view_of_them() -> None:
    assert list(views(DIM, ["customer_id"], "2025-02-01")) == ["dim_customer_latest"]
