"""The graph as the Dagster UI shows it, pinned in `graph.txt`, and its policy, jobs, schedule and sensors."""

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from textwrap import dedent
from typing import Any

import dagster as dg
import pytest
from dagster._core.execution.asset_backfill import AssetBackfillData
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

from shopease_assets.automation import jobs
from shopease_assets.automation.jobs import nightly
from shopease_assets.automation.stale_work import stale_months
from shopease_assets.core.errors import SourceUnavailable
from shopease_assets.definitions import assets, defs
from shopease_assets.kit.partitions import DAILY, HISTORY_OF_DAY, HISTORY_OF_MONTH, MONTHLY, WAITS_FOR
from shopease_assets.kit.policy import CHUNKS, OWNER, RETRIES
from shopease_assets.settings import settings
from shopease_assets.sources.postgres import PostgresSnapshot
from shopease_assets.sources.run_source import RunSource
from shopease_assets.storage.io_manager import LakeIOManager
from shopease_assets_tests.platform import LAST_DAY, START, Platform

_SPOKEN = {
    None: "same partition",
    HISTORY_OF_DAY: "all days up to its end",
    HISTORY_OF_MONTH: "all days up to its end",
}


def test_the_graph_is_the_one_written_down() -> None:
    written = Path(__file__).with_name("graph.txt").read_text()
    assert drawn() == written, "if the change is meant, put what drawn() says into graph.txt"


def test_definitions_load_with_no_warning_but_dagster_s_own_of_beta_and_preview() -> None:
    said = _in_a_new_process(
        """
        import warnings
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message=r"(?s).*is currently in (beta|preview)")
        import dagster as dg
        from shopease_assets.definitions import defs
        dg.Definitions.validate_loadable(defs)
        """
    )
    assert said == ""


@pytest.mark.parametrize("asset", assets, ids=lambda asset: asset.key.to_user_string())
def test_every_asset_is_described_owned_grouped_retried_and_backfilled_by_the_month(
    asset: dg.AssetsDefinition,
) -> None:
    spec = asset.specs_by_key[asset.key]
    layer = asset.key.path[0]
    assert spec.description
    assert (spec.owners, spec.group_name, spec.tags["shopease/layer"]) == ([OWNER], layer, layer)
    assert spec.tags["shopease/cadence"] == ("monthly" if asset.partitions_def == MONTHLY else "daily")
    assert asset.backfill_policy == CHUNKS
    assert asset.backfill_policy.max_partitions_per_run == settings().days_per_run
    assert asset.op.retry_policy == RETRIES
    schema: dg.TableSchema = spec.metadata["dagster/column_schema"]  # type: ignore[assignment]
    assert schema.columns
    assert all(column.type != "null" for column in schema.columns)


def test_the_jobs_take_every_table_once_daily_ones_and_monthly_ones_apart() -> None:
    taken = {
        name: set(defs.resolve_job_def(name).asset_layer.executable_asset_keys)
        for name in ("daily", "quality", "month_state")
    }
    assert taken["quality"] == {dg.AssetKey(["gold", "data_quality_scores"])}
    assert taken["daily"] == {asset.key for asset in assets if asset.partitions_def == DAILY} - taken["quality"]
    assert taken["month_state"] == {asset.key for asset in assets if asset.partitions_def == MONTHLY}


@pytest.mark.filterwarnings("ignore:Function `AssetSelection.sources`:DeprecationWarning")  # Dagster's own call
def test_a_backfill_of_three_days_of_every_table_is_one_of_three_days_of_every_table() -> None:
    asset_graph = defs.resolve_asset_graph()
    days = ["2026-01-30", "2026-01-31", "2026-02-01"]
    daily = [asset.key for asset in assets if asset.partitions_def == DAILY]
    until_today = [day for day in DAILY.get_partition_keys() if days[0] <= day <= "2026-06-01"]  # stock holds the days
    backfill = AssetBackfillData.from_asset_partitions(
        asset_graph=asset_graph,
        partition_names=days,
        asset_selection=daily,
        dynamic_partitions_store=dg.DagsterInstance.ephemeral(),
        backfill_start_timestamp=datetime.fromisoformat("2026-06-01T00:00:00+00:00").timestamp(),
        all_partitions=False,
    )
    for key in daily:
        subset = backfill.target_subset.get_partitions_subset(key)
        expected = until_today if key.path[-1] == "fact_inventory" else days
        assert sorted(subset.get_partition_keys()) == expected, key


def test_schedule_and_sensors_run_without_anyone_switching_them_on() -> None:
    assert nightly.default_status is dg.DefaultScheduleStatus.RUNNING
    assert {sensor.name: sensor.default_status for sensor in defs.sensors or ()} == dict.fromkeys(
        ["late_changes", "refresh_months", "refresh_months_after_a_block", "quality_scores", "alerts"],
        dg.DefaultSensorStatus.RUNNING,
    )
    assert (nightly.cron_schedule, nightly.execution_timezone) == ("0 1 * * *", settings().timezone)


def test_the_night_asks_for_the_day_that_just_ended_and_today_so_far() -> None:
    assert _asked_at("2026-02-01T01:00:00+00:00") == ("2026-01-31", "2026-02-01")


def test_the_day_that_just_ended_is_the_one_of_the_configured_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    india = settings().model_copy(update={"timezone": "Asia/Kolkata"})
    monkeypatch.setattr(jobs, "settings", lambda: india)
    assert _asked_at("2026-01-31T19:30:00+00:00") == ("2026-01-31", "2026-02-01")  # 01:00 of the 1st in Kolkata


def test_when_clocks_change_every_day_is_asked_for_once_and_is_a_partition() -> None:
    # In London 01:00 does not exist on 29 March 2026 and comes twice on 25 October.
    asked = _in_a_new_process(
        """
        from datetime import datetime
        from zoneinfo import ZoneInfo
        import dagster as dg
        from dagster._utils.schedules import schedule_execution_time_iterator
        from dagster._core.storage.tags import ASSET_PARTITION_RANGE_START_TAG
        from shopease_assets.automation.jobs import nightly
        from shopease_assets.kit.partitions import DAILY
        for month, first in ((3, 27), (10, 23)):
            start = datetime(2026, month, first, tzinfo=ZoneInfo("Europe/London")).timestamp()
            ticks = schedule_execution_time_iterator(start, nightly.cron_schedule, nightly.execution_timezone, True)
            for tick, _ in zip(ticks, range(5)):
                request = nightly(dg.build_schedule_context(scheduled_execution_time=tick))
                day = request.tags[ASSET_PARTITION_RANGE_START_TAG]
                assert DAILY.has_partition_key(day), day
                print(day)
        """,
        SHOPEASE_TIMEZONE="Europe/London",
    )
    assert asked.split() == [
        *(f"2026-03-{day}" for day in range(26, 31)),
        *(f"2026-10-{day}" for day in range(22, 27)),
    ]


@pytest.mark.slow
def test_months_that_lag_behind_their_days_are_asked_for_in_one_run_up_to_the_last_with_a_day(
    platform: Platform,
) -> None:
    assert platform.run(START, LAST_DAY).success
    assert stale_months(platform.log, assets) is None
    platform.run(date(2026, 2, 2), tables=["gold/daily_customer_sales"])
    stale = stale_months(platform.log, assets)
    assert stale is not None
    assert (stale.first, stale.last) == ("2026-02-01", "2026-02-01")
    platform.run(date(2026, 1, 31), tables=["gold/fact_sales"])
    later = stale_months(platform.log, assets)
    assert later is not None
    assert (later.first, later.last) == ("2026-01-01", "2026-02-01")
    assert later.publication > stale.publication


@pytest.mark.slow
def test_a_month_lags_behind_a_late_invoice_but_not_behind_quality_scores(platform: Platform) -> None:
    assert platform.run(START, LAST_DAY).success
    platform.run(date(2026, 1, 5), tables=["gold/data_quality_scores"])
    assert stale_months(platform.log, assets) is None
    platform.run(date(2026, 1, 5), tables=["silver/invoices"])
    stale = stale_months(platform.log, assets)
    assert stale is not None
    assert stale.first == "2026-01-01"


@pytest.mark.slow
def test_a_month_that_lags_behind_another_state_is_asked_for_by_its_newest_day(platform: Platform) -> None:
    assert platform.run(START, LAST_DAY).success
    platform.run(date(2026, 1, 5), tables=["gold/customer_lifetime_value"])
    stale = stale_months(platform.log, assets)
    assert stale is not None
    assert (stale.first, stale.last) == ("2026-01-01", "2026-02-01")
    platform.run(date(2026, 1, 5), tables=["gold/customer_lifetime_value"])
    assert stale_months(platform.log, assets) == stale  # a run that fails half-way is no news


def test_a_source_that_is_away_for_a_moment_costs_a_retry_not_the_run(platform: Platform) -> None:
    assert _outcomes(_materialised(platform, _AwayAtFirst(platform.dsn))) == ["STEP_UP_FOR_RETRY", "STEP_SUCCESS"]


@pytest.mark.parametrize("table", ["bronze/orders", "bronze/stores"])
def test_the_first_day_of_a_table_may_be_one_without_rows(platform: Platform, table: str) -> None:
    assert platform.run(date(2026, 3, 1), tables=[table]).success
    assert len(platform.rows(table.replace("/", "."), date(2026, 3, 1))) == 0


def test_a_failed_audit_is_final_at_once(platform: Platform) -> None:
    assert _outcomes(_materialised(platform, _Liar(platform.dsn))) == ["STEP_FAILURE"]


class _AwayAtFirst(RunSource):
    """Does not answer the first time it is asked."""

    asked = 0

    def snapshot(self) -> PostgresSnapshot:
        self.asked += 1
        if self.asked == 1:
            raise SourceUnavailable("the server went away")
        return super().snapshot()


class _Liar(RunSource):
    """Counts a row that it does not hand out."""

    def snapshot(self) -> PostgresSnapshot:
        snapshot = super().snapshot()
        honest = snapshot.totals

        def totals(*question: Any) -> dict[str, dict[str, Any]]:
            return {day: {**told, "rows": told["rows"] + 1} for day, told in honest(*question).items()}

        snapshot.totals = totals  # type: ignore[method-assign]
        return snapshot


def _materialised(platform: Platform, source: RunSource) -> dg.ExecuteInProcessResult:
    asset = next(asset for asset in assets if asset.key == dg.AssetKey(["bronze", "stores"]))
    result = dg.materialize(
        [asset],
        instance=platform.instance,
        partition_key=START.isoformat(),
        resources={"lake": LakeIOManager(platform.lake), "source": dg.ResourceDefinition.hardcoded_resource(source)},
        raise_on_error=False,
    )
    source.close()
    return result


def _outcomes(result: dg.ExecuteInProcessResult) -> list[str]:
    endings = {"STEP_UP_FOR_RETRY", "STEP_SUCCESS", "STEP_FAILURE"}
    return [event.event_type_value for event in result.all_events if event.event_type_value in endings]


def _asked_at(instant: str) -> tuple[str, str]:
    context = dg.build_schedule_context(scheduled_execution_time=datetime.fromisoformat(instant))
    request = nightly(context)
    assert isinstance(request, dg.RunRequest)
    return request.tags[ASSET_PARTITION_RANGE_START_TAG], request.tags[ASSET_PARTITION_RANGE_END_TAG]


def _in_a_new_process(code: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", dedent(code)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def drawn() -> str:
    """The graph as text: a table, its inputs with what it sees of them, its checks."""
    return "".join(f"{line}\n" for asset in assets for line in _lines(asset))


def _lines(asset: dg.AssetsDefinition) -> Iterator[str]:
    spec = asset.specs_by_key[asset.key]
    cadence = {DAILY: "daily", MONTHLY: "monthly"}[asset.partitions_def]  # type: ignore[index]
    kinds = " ".join(sorted(spec.kinds))
    yield f"{asset.key.to_user_string()}: {cadence}, {kinds}, {spec.group_name}, {spec.owners[0]}"
    for dep in sorted(spec.deps, key=lambda dep: dep.asset_key):
        waits = dep.asset_key.to_user_string() in spec.metadata[WAITS_FOR]
        seen = f"{_SPOKEN[dep.partition_mapping]}{', every version' if waits else ''}"
        yield f"  <- {dep.asset_key.to_user_string()}: {seen}"
    for blocking, word in ((True, "blocks"), (False, "warns")):
        names = [check.name for check in asset.check_specs if check.blocking is blocking]
        if names:
            yield f"  {word}: {' '.join(names)}"
