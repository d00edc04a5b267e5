"""The two jobs, the nightly schedule, and the sensors that ask for months that lag behind their days."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from inspect import getdoc

import dagster as dg
from dagster._core.storage.dagster_run import NOT_FINISHED_STATUSES

from shopease_assets.automation.planning import range_tags
from shopease_assets.automation.stale_scores import stale_scores
from shopease_assets.automation.stale_work import stale_months
from shopease_assets.core.layout import day_ranges
from shopease_assets.kit.policy import AFTERWARDS
from shopease_assets.settings import settings
from shopease_assets.storage.open import open_lake

_STATE_TABLES = dg.AssetSelection.tag("shopease/cadence", "monthly")

_MADE_AFTERWARDS = dg.AssetSelection.tag(*next(iter(AFTERWARDS.items())))

daily_job = dg.define_asset_job(
    "daily",
    selection=dg.AssetSelection.all() - _STATE_TABLES - _MADE_AFTERWARDS,
    description="Bronze, silver and daily gold of one day or a range of days",
)
month_state_job = dg.define_asset_job(
    "month_state", selection=_STATE_TABLES, description="The state tables as of the end of a month"
)

quality_job = dg.define_asset_job(
    "quality", selection=_MADE_AFTERWARDS, description="The quality scores of days that were audited, passed or blocked"
)


@dg.schedule(
    job=daily_job,
    cron_schedule="0 1 * * *",
    execution_timezone=settings().timezone,
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
def nightly(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """At 01:00, the day that just ended, and today so far: who changed after midnight is known under today only."""
    today = context.scheduled_execution_time.astimezone(settings().zone).date()
    return _range(today - timedelta(days=1), today, run_key=None)


def month_sensors(assets: Sequence[dg.AssetsDefinition]) -> tuple[dg.SensorDefinition, dg.SensorDefinition]:
    """`refresh_months` and `refresh_months_after_a_block`, over the monthly ones among `assets`."""

    def ask(context: dg.RunStatusSensorContext) -> dg.RunRequest | dg.SkipReason:
        """One run for the months whose state is older than what it was made of, once no other run is at work.

        The publication log is asked, not the run: so backfills, ranges of which a day was blocked, and runs of the
        command line count as much as the nightly job.
        """
        if context.instance.get_runs_count(dg.RunsFilter(statuses=list(NOT_FINISHED_STATUSES))):
            return dg.SkipReason("other runs are at work; the last to finish asks")
        stale = stale_months(open_lake(settings()).log, assets)
        if stale is None:
            return dg.SkipReason("every month is as new as its days")
        run_key = f"{stale.first} after publication {stale.publication}, {_hour()}"
        return _range(stale.first, stale.last, run_key=run_key)

    def sensor(name: str, status: dg.DagsterRunStatus, description: str | None) -> dg.SensorDefinition:
        return dg.run_status_sensor(
            name=name,
            run_status=status,
            request_job=month_state_job,
            default_status=dg.DefaultSensorStatus.RUNNING,
            description=description,
        )(ask)

    return (
        sensor("refresh_months", dg.DagsterRunStatus.SUCCESS, getdoc(ask)),
        sensor(
            "refresh_months_after_a_block",
            dg.DagsterRunStatus.FAILURE,
            "As refresh_months, after a run that published some of its days and had to block others.",
        ),
    )


@dg.sensor(
    job=quality_job,
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def quality_scores(context: dg.SensorEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """Ask for the scores of days audited since they were last written, once no other run is at work."""
    if context.instance.get_runs_count(dg.RunsFilter(statuses=list(NOT_FINISHED_STATUSES))):
        yield dg.SkipReason("other runs are at work; their audits are read together")
        return
    stale = stale_scores(open_lake(settings()).log)
    if not stale:
        yield dg.SkipReason("every day's scores are those of its newest audits")
    for first, last in day_ranges(stale, settings().days_per_run):
        yield _range(first, last, run_key=f"{first} … {last} after {max(stale.values()).isoformat()}, {_hour()}")


def _hour() -> str:
    """In a run's key: what failed is asked for again, but not every minute."""
    return f"{datetime.now(UTC):%Y-%m-%dT%H}"


def _range(first: object, last: object, *, run_key: str | None) -> dg.RunRequest:
    return dg.RunRequest(run_key=run_key, tags=range_tags(str(first), str(last)))
