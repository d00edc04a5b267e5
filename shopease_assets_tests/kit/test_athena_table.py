"""Gold models made by Athena: the same rows as DuckDB's, the same audit, and nothing published when a query fails."""

import threading
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import polars as pl
import pyarrow as pa
import pytest

from shopease_assets import aws
from shopease_assets.automation.planning import Chunk
from shopease_assets.automation.runner import Outcome, run_chunks
from shopease_assets.core.layout import TableRef
from shopease_assets.settings import settings
from shopease_assets.storage.io_manager import LakeIOManager
from shopease_assets.storage.lake import ParquetLake, Staged
from shopease_assets.storage.location import Location
from shopease_assets.storage.log import PublicationLog
from shopease_assets_tests.athena_stand_in import StandInAthena
from shopease_assets_tests.aws import make_bucket
from shopease_assets_tests.gold.shop import SCHEMAS, at, customer, item, level, order, product
from shopease_assets_tests.mirrored import mirror

JANUARY, FEBRUARY = date(2026, 1, 30), date(2026, 2, 1)
DAYS = [date(2026, 1, 1) + timedelta(days=n) for n in range(33)]
SUMMARY, TRENDS, PRODUCTS = (
    TableRef("gold", "daily_sales_summary"),
    TableRef("gold", "monthly_sales_trends", "month"),
    TableRef("gold", "product_performance", "month"),
)


class Platform:
    """A lake on S3 that Glue mirrors after every publication, and runs over it."""

    def __init__(self, lake: ParquetLake, instance: dg.DagsterInstance) -> None:
        self.lake = lake
        self._instance = instance

    def run(self, *names: str, first: date = DAYS[0], last: date = DAYS[-1]) -> Outcome:
        """The gold tables, one after the other."""
        from shopease_assets.definitions import assets

        known = {asset.key.path[1]: asset for asset in assets if asset.key.path[0] == "gold"}
        chunks = [Chunk((known[name],), first.isoformat(), last.isoformat()) for name in names]
        manager = dg.IOManagerDefinition(lambda _: LakeIOManager(self.lake, on_publish=self._mirror))
        source = dg.ResourceDefinition.none_resource()
        return run_chunks(chunks, assets, resources={"lake": manager, "source": source}, instance=self._instance)

    def rows(self, table: TableRef, **asked: object) -> pl.DataFrame:
        """What is published, in a fixed order."""
        rows = self.lake.scan(table, **asked).collect()  # type: ignore[arg-type]
        return rows.sort(rows.columns)

    def _mirror(self, staged: Staged) -> None:
        mirror(self.lake, staged.table)


@pytest.fixture
def platform(athena: StandInAthena, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Platform]:
    """January and two days of February: a few orders, the products and customers they name."""
    make_bucket("shopease-lake")
    log = PublicationLog.open(f"sqlite:///{tmp_path}/log.db")
    lake = ParquetLake(Location.s3("s3://shopease-lake/lake"), log)
    start = at(DAYS[0], 0)
    tables = {
        "orders": [order(1, JANUARY), order(2, JANUARY, status="cancelled"), order(3, FEBRUARY, customer_id=2)],
        "order_items": [item(10, 1, JANUARY, "10.01"), item(11, 1, JANUARY, "5.00", product_id=2, quantity=3),
                        item(20, 2, JANUARY, "70.00"), item(30, 3, FEBRUARY, "8.40", product_id=2)],
        "products": [product(1, start), product(2, start)],
        "customers": [customer(1, start), customer(2, start)],
        "inventory": [level(1, 1, 30, start)],
    }  # fmt: skip
    for name, rows in tables.items():
        table = TableRef("silver", name)
        frame = pa.Table.from_pylist([{**row} for row in rows], schema=SCHEMAS["silver", name])
        lake.publish(lake.stage(table, frame, partitions=[day.isoformat() for day in DAYS], run_id="load"))
    mirror(lake)
    monkeypatch.setenv("SHOPEASE_LAKE_URI", "s3://shopease-lake/lake")
    with dg.DagsterInstance.ephemeral() as instance:
        yield Platform(lake, instance)
    log.close()
    settings.cache_clear()


@pytest.fixture
def on_athena(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOPEASE_GOLD_ENGINE", "athena")
    settings.cache_clear()


def test_days_and_months_made_on_athena_are_the_rows_of_duckdb(
    platform: Platform, athena: StandInAthena, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = ["fact_sales", "daily_sales_summary", "daily_customer_sales", "daily_product_sales"]
    states = ["monthly_sales_trends", "product_performance"]
    january = date(2026, 1, 1)

    def run_all() -> dict[TableRef, pl.DataFrame]:
        for outcome in (
            platform.run(*made, first=JANUARY, last=FEBRUARY),
            platform.run(*states, first=january, last=FEBRUARY),
        ):
            assert outcome.success, outcome.failures
        return {table: platform.rows(table) for table in (SUMMARY, TRENDS, PRODUCTS)}

    on_duckdb = run_all()
    assert athena.queries == []
    monkeypatch.setenv("SHOPEASE_GOLD_ENGINE", "athena")
    settings.cache_clear()
    on_athena = run_all()

    assert {table: len(rows) for table, rows in on_athena.items()} == {SUMMARY: 2, TRENDS: 2, PRODUCTS: 4}
    for table, rows in on_duckdb.items():
        assert on_athena[table].schema == rows.schema
        assert on_athena[table].equals(rows)
    assert [query.state for query in athena.queries] == ["SUCCEEDED"] * len(athena.queries)
    assert len(athena.queries) == 3 * 3 + 2 * 2, "one a partition, and none for fact_sales, whose times are finer"


def test_a_query_that_fails_leaves_the_last_good_version_and_tells_no_value(
    platform: Platform, athena: StandInAthena, on_athena: None
) -> None:
    platform.run("fact_sales", "daily_sales_summary", first=JANUARY, last=JANUARY)
    before = platform.rows(SUMMARY)
    assert len(before) == 1
    athena.failing = "HIVE_BAD_DATA: Error reading field status of 'ada@mail.com'"

    (failure,) = platform.run("daily_sales_summary", first=JANUARY, last=JANUARY).failures
    assert failure.reason == (
        f"gold.daily_sales_summary: Athena failed the query {athena.queries[-1].id}, its history has the full reason: "
        "HIVE_BAD_DATA: Error reading field … of '…'; see which files or types disagree: shopease catalog check"
    )
    assert platform.rows(SUMMARY).equals(before)


def test_what_a_failed_query_wrote_is_nobody_s_and_goes_with_vacuum(
    platform: Platform, athena: StandInAthena, on_athena: None
) -> None:
    platform.run("fact_sales", "daily_sales_summary", first=JANUARY, last=JANUARY)
    published = _objects("gold/daily_sales_summary")
    athena.workgroups["primary"].cutoff = 1

    (failure,) = platform.run("daily_sales_summary", first=JANUARY, last=JANUARY).failures
    assert "name fewer partitions" in failure.reason
    assert len(_objects("gold/daily_sales_summary")) > len(published)
    platform.lake.vacuum(SUMMARY, keep=1, grace=timedelta(0))
    assert _objects("gold/daily_sales_summary") == published


def test_inputs_that_glue_does_not_show_as_published_are_not_computed_with(
    platform: Platform, athena: StandInAthena, on_athena: None
) -> None:
    platform.run("fact_sales", first=JANUARY, last=JANUARY)
    _publish_again(platform)

    (failure,) = platform.run("daily_sales_summary", first=JANUARY, last=JANUARY).failures
    assert failure.reason == (
        "silver.orders 2026-01-30: Glue shows another version than this run was handed; run: shopease catalog repair"
    )
    assert athena.queries == []


def test_inputs_that_glue_does_not_know_are_not_computed_with(
    platform: Platform, athena: StandInAthena, on_athena: None
) -> None:
    platform.run("fact_sales", first=JANUARY, last=JANUARY)
    aws.client("glue").delete_table(DatabaseName="shopease_dev_silver", Name="orders")

    (failure,) = platform.run("daily_sales_summary", first=JANUARY, last=JANUARY).failures
    assert failure.reason.startswith("silver.orders 2026-01-30: Glue shows another version")
    assert athena.queries == []


def test_when_one_query_fails_the_others_of_the_run_are_cancelled(
    platform: Platform, athena: StandInAthena, on_athena: None
) -> None:
    platform.run("fact_sales", first=DAYS[0], last=DAYS[7])

    def stop_the_first() -> None:
        with athena.hold():
            holding.set()
            while sum(query.state == "RUNNING" for query in athena.queries) < 5:
                time.sleep(0.01)
            aws.client("athena").stop_query_execution(QueryExecutionId=athena.queries[0].id)
            while any(query.state == "RUNNING" for query in athena.queries):
                time.sleep(0.01)

    holding = threading.Event()
    other = threading.Thread(target=stop_the_first)
    other.start()
    holding.wait()
    (failure,) = platform.run("daily_sales_summary", first=DAYS[0], last=DAYS[7]).failures
    other.join()
    assert f"Athena failed the query {athena.queries[0].id}" in failure.reason
    assert {query.state for query in athena.queries} == {"CANCELLED"}
    assert SUMMARY not in platform.lake.log.tables()


def test_an_input_published_while_athena_reads_it_makes_the_step_run_again(
    platform: Platform, athena: StandInAthena, on_athena: None
) -> None:
    platform.run("fact_sales", first=JANUARY, last=JANUARY)
    orders = TableRef("silver", "orders")

    def publish_meanwhile() -> None:
        with athena.hold():
            holding.set()
            while not athena.queries or athena.queries[0].state != "RUNNING":
                time.sleep(0.01)
            _publish_again(platform)
            mirror(platform.lake, orders)

    holding = threading.Event()
    other = threading.Thread(target=publish_meanwhile)
    other.start()
    holding.wait()
    outcome = platform.run("daily_sales_summary", first=JANUARY, last=JANUARY)
    other.join()
    assert outcome.success, outcome.failures
    assert len(athena.queries) == 2
    assert platform.rows(SUMMARY)["total_transactions"].to_list() == [1]
    assert platform.rows(SUMMARY)["cancelled_orders"].to_list() == [0]


def _publish_again(platform: Platform) -> None:
    """The thirtieth of January with one sale, and nothing cancelled."""
    orders = TableRef("silver", "orders")
    frame = pa.Table.from_pylist([order(1, JANUARY)], schema=SCHEMAS["silver", "orders"])
    platform.lake.publish(platform.lake.stage(orders, frame, partitions=[JANUARY.isoformat()], run_id="late"))


def _objects(prefix: str) -> set[str]:
    found = aws.client("s3").list_objects_v2(Bucket="shopease-lake", Prefix=f"lake/{prefix}/").get("Contents", [])
    return {item["Key"] for item in found}
