"""Backfills as users launch them: over GraphQL, through the real webserver and daemon, into a lake of three days.

The lake ends today, as every lake does; so its source is a shop that has been selling since the day before yesterday.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from shopease_assets import synthetic
from shopease_assets.definitions import assets
from shopease_assets.kit.partitions import DAILY, MONTHLY
from shopease_assets.sources.embedded import create_database, drop_database
from shopease_assets_tests.automation.services import DagsterServices

pytestmark = pytest.mark.slow

_DATABASE = "young_shop"
_DAILY_TABLES = [asset.key.path for asset in assets if asset.partitions_def == DAILY]
_STATE_TABLES = [asset.key.path for asset in assets if asset.partitions_def == MONTHLY]
_RUN_SECONDS = 240  # a wave of tables is a process of its own, and machines are slow


@pytest.fixture(scope="module")
def days() -> list[str]:
    """The lake's three days, as partition keys."""
    today = datetime.now(UTC).date()
    return [(today - timedelta(days=back)).isoformat() for back in (2, 1, 0)]


@pytest.fixture(scope="module")
def dagster(server: str, days: list[str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[DagsterServices]:
    """Dagster's services over an empty lake."""
    folder = tmp_path_factory.mktemp("services")
    dsn = create_database(server, _DATABASE)
    synthetic.create(dsn)
    first = datetime.fromisoformat(days[0]).date()
    synthetic.load(dsn, synthetic.generate("tiny", start=first, days=len(days)))
    environment = {
        "SHOPEASE_SOURCE_DSN": dsn,
        "SHOPEASE_LAKE_URI": str(folder / "lake"),
        "SHOPEASE_START_DATE": days[0],
    }
    with DagsterServices(folder / "home", environment) as services:
        yield services
    drop_database(server, _DATABASE)


@pytest.fixture(scope="module")
def day_runs(dagster: DagsterServices, days: list[str]) -> list[dict[str, object]]:
    """The runs of a backfill of the daily job over all days."""
    return dagster.runs_of(dagster.backfill(_DAILY_TABLES, days, job="daily"), seconds=_RUN_SECONDS)


@pytest.fixture(scope="module")
def asset_runs(dagster: DagsterServices, days: list[str], day_runs: list[dict[str, object]]) -> list[dict[str, object]]:
    """The runs of a backfill of all daily tables, as the asset graph's "Materialize all" launches it."""
    return dagster.runs_of(dagster.backfill(_DAILY_TABLES, days), seconds=_RUN_SECONDS)


def test_a_backfill_of_the_daily_job_takes_the_days_in_one_run(
    dagster: DagsterServices, day_runs: list[dict[str, object]], days: list[str]
) -> None:
    assert [(run["jobName"], run["status"]) for run in day_runs] == [("daily", "SUCCESS")]
    for table in _DAILY_TABLES:
        assert dagster.materialised(table) == days, table


def test_each_check_has_an_outcome_for_each_day(
    dagster: DagsterServices, day_runs: list[dict[str, object]], days: list[str]
) -> None:
    for table, check in (
        (["bronze", "orders"], "matches_source"),
        (["silver", "orders"], "accuracy"),
        (["silver", "orders"], "row_conservation"),
        (["gold", "daily_sales_summary"], "contract"),
    ):
        assert dagster.checks(table, check) == dict.fromkeys(days, True), (table, check)


def test_finished_days_refresh_the_months_they_touch(
    dagster: DagsterServices, day_runs: list[dict[str, object]], days: list[str]
) -> None:
    months = sorted({f"{day[:7]}-01" for day in days})

    def refreshed() -> bool:
        runs = dagster.runs("month_state")
        assert all(run["status"] != "FAILURE" for run in runs), dagster.logs()
        return any(run["status"] == "SUCCESS" for run in runs) and all(
            dagster.materialised(table) == months for table in _STATE_TABLES
        )

    dagster.until("the months are refreshed", refreshed, seconds=_RUN_SECONDS)


def test_a_backfill_of_all_tables_ends_although_some_wait_for_every_partition_of_others(
    dagster: DagsterServices, asset_runs: list[dict[str, object]], days: list[str]
) -> None:
    assert {run["status"] for run in asset_runs} == {"SUCCESS"}
    for table in _DAILY_TABLES:
        assert dagster.materialisations(table) == dict.fromkeys(days, 2), table


def test_a_backfill_of_months_takes_them_in_one_run(
    dagster: DagsterServices, days: list[str], day_runs: object
) -> None:
    months = sorted({f"{day[:7]}-01" for day in days})
    [run] = dagster.runs_of(dagster.backfill(_STATE_TABLES, months), seconds=_RUN_SECONDS)
    assert run["status"] == "SUCCESS"
    assert dagster.materialised(["gold", "product_performance"]) == months


def test_a_late_change_is_found_and_run_by_the_sensor_itself(
    dagster: DagsterServices, asset_runs: list[dict[str, object]], days: list[str], server: str
) -> None:
    before = dagster.materialisations(["gold", "fact_sales"])
    with psycopg.connect(server, dbname=_DATABASE) as connection:
        connection.execute(
            """update shop.orders set coupon_code = 'LATE'
               where order_id = (select min(order_id) from shop.orders where ordered_at::date = %s)""",
            [days[0]],
        )

    def refreshed() -> bool:
        return dagster.materialisations(["gold", "fact_sales"]) == before | {days[0]: before[days[0]] + 1}

    dagster.until("the day is refreshed", refreshed, seconds=_RUN_SECONDS)
    assert dagster.materialisations(["bronze", "web_events"]) == dict.fromkeys(days, 2)


def test_nothing_went_wrong_in_the_services_themselves(
    dagster: DagsterServices, asset_runs: list[dict[str, object]]
) -> None:
    assert dagster.errors() == []
