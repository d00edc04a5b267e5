"""The two jobs, the nightly schedule, and the sensor that turns finished days into months to refresh."""

from collections.abc import Iterator
from datetime import timedelta

import dagster as dg
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_START_TAG,
    PARTITION_NAME_TAG,
)

from shopease_assets.kit.partitions import MONTHLY
from shopease_assets.settings import settings

_STATE_TABLES = dg.AssetSelection.tag("shopease/cadence", "monthly")

daily_job = dg.define_asset_job(
    "daily",
    selection=dg.AssetSelection.all() - _STATE_TABLES,
    description="Bronze, silver and daily gold of one day or a range of days",
)
month_state_job = dg.define_asset_job(
    "month_state", selection=_STATE_TABLES, description="The state tables as of the end of a month"
)


@dg.schedule(
    job=daily_job,
    cron_schedule="0 1 * * *",
    execution_timezone=settings().timezone,
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
def nightly(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """At 01:00, the day that just ended."""
    yesterday = context.scheduled_execution_time.astimezone(settings().zone).date() - timedelta(days=1)
    return dg.RunRequest(partition_key=yesterday.isoformat())


@dg.run_status_sensor(
    run_status=dg.DagsterRunStatus.SUCCESS,
    monitored_jobs=[daily_job],
    request_job=month_state_job,
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=30,
)
def refresh_months(context: dg.RunStatusSensorContext) -> Iterator[dg.RunRequest]:
    """Ask for every month whose state a finished daily run changed: from its first day's month to the current one."""
    tags = context.dagster_run.tags
    first = tags.get(ASSET_PARTITION_RANGE_START_TAG) or tags.get(PARTITION_NAME_TAG)
    for month in months_touched(first):
        yield dg.RunRequest(run_key=f"{month} after {context.dagster_run.run_id}", partition_key=month)


def months_touched(first_day: str | None) -> list[str]:
    """The month partitions from a day's month on: the state as of a later month holds that day too."""
    if first_day is None:
        return []
    return [month for month in MONTHLY.get_partition_keys() if month >= f"{first_day[:7]}-01"]
