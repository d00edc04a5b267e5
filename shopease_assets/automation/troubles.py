"""The troubles there are now: partitions an audit blocked, partitions a failed run did not make, stale tables.

Derived anew each time from the publication log and Dagster's runs, so that nothing has to be kept in step.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, partial
from zoneinfo import ZoneInfo

import dagster as dg
from dagster._core.events import JobFailureData
from dagster._core.execution.plan.objects import StepFailureData
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
    PARTITION_NAME_TAG,
    WILL_RETRY_TAG,
)
from dagster_shared.error import SerializableErrorInfo

from shopease_assets.automation.planning import keys_between
from shopease_assets.automation.runner import StepFailure, blocked_partitions, step_failure
from shopease_assets.core import errors
from shopease_assets.core.alerts import Key, Kind, Trouble
from shopease_assets.core.layout import TableRef, partition_date
from shopease_assets.core.masking import redacted
from shopease_assets.kit.partitions import DAILY, MONTHLY
from shopease_assets.storage.io_manager import table_of
from shopease_assets.storage.log import PublicationLog
from shopease_assets.storage.records import QualityResult
from shopease_assets.storage.versions import written_at

_RUNS_LOOKED_AT, _LOOK_BACK = 50, timedelta(days=7)
_STEP_FAILURE, _RUN_FAILURE = dg.DagsterEventType.STEP_FAILURE, dg.DagsterEventType.RUN_FAILURE
_OURS = {name for name, kind in vars(errors).items() if isinstance(kind, type)}
_Assets = Mapping[TableRef, dg.AssetsDefinition]


def present_troubles(
    log: PublicationLog,
    instance: dg.DagsterInstance,
    assets: Sequence[dg.AssetsDefinition],
    now: datetime,
    *,
    zone: ZoneInfo,
    stale_after: timedelta,
    told_runs: Collection[str] = (),
) -> list[Trouble]:
    """Every trouble of the assets' tables, one per key, in order.

    What a failed run left undone is a trouble until it was published, or blocked, by a later one. Failed runs are
    looked at for a week, those of `told_runs` for as long as Dagster remembers them. A table is stale when, so long
    after the end of a business day, that day (or its month) is not published; days an audit blocked count as told.
    """
    known = {table_of(asset.key, asset.partitions_def): asset for asset in assets}
    blocked = {(one.key.table, one.key.partition): one for one in _blocked(log, known)}
    failed: dict[Key, Trouble] = {}
    for trouble in _failed(log, instance, known, now, told_runs):  # the newest run first
        failed[trouble.key] = replace(failed.get(trouble.key, trouble), since=trouble.since)
    undone = [one for key, one in failed.items() if (key.table, key.partition) not in blocked]
    stale = _stale(log, known, blocked, now, zone, stale_after)
    return sorted([*blocked.values(), *undone, *stale], key=lambda trouble: trouble.key)


def _blocked(log: PublicationLog, known: _Assets) -> Iterator[Trouble]:
    """Per partition, whatever blocks it; checks that no longer exist block nothing."""
    found: dict[Key, list[tuple[QualityResult, datetime]]] = {}
    for result, since in log.failing():
        if result.table in known and result.check in {check.name for check in known[result.table].check_specs}:
            found.setdefault(Key(Kind.BLOCKED, result.table, result.partition), []).append((result, since))
    for key, checks in found.items():
        newest = max((result for result, _ in checks), key=lambda result: result.checked_at)
        reasons = [result.details.get("reason") or f"{result.check} failed" for result, _ in checks]
        yield Trouble(key, min(since for _, since in checks), "; ".join(reasons), str(key.table), newest.run_id)


def _failed(
    log: PublicationLog, instance: dg.DagsterInstance, known: _Assets, now: datetime, told_runs: Collection[str]
) -> Iterator[Trouble]:
    lately = dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE], updated_after=now - _LOOK_BACK)
    records = {one.dagster_run.run_id: one for one in instance.get_run_records(lately, limit=_RUNS_LOOKED_AT)}
    if earlier := sorted(set(told_runs) - set(records)):
        of_earlier = dg.RunsFilter(run_ids=earlier, statuses=[dg.DagsterRunStatus.FAILURE])
        records |= {one.dagster_run.run_id: one for one in instance.get_run_records(of_earlier)}
    tables = {str(table): table for table in known}
    published = cache(partial(_published, log))  # runs that are tried again fail over the same range
    for run_id, record in records.items():
        if record.dagster_run.tags.get(WILL_RETRY_TAG) == "true":
            continue
        began = datetime.fromtimestamp(record.start_time or record.create_timestamp.timestamp(), UTC)
        ended = datetime.fromtimestamp(record.end_time, UTC) if record.end_time else record.update_timestamp
        for failure in _failures(instance, record.dagster_run):
            if table := tables.get(failure.table):
                for partition, at in published(table, failure.first, failure.last).items():
                    if at is None or at < began:
                        yield Trouble(Key(Kind.FAILED, table, partition), ended, failure.reason, run_id, run_id)


def _failures(instance: dg.DagsterInstance, run: dg.DagsterRun) -> list[StepFailure]:
    """The steps that failed of themselves; of a run that died without one, all its steps.

    Steps that blocked partitions are the publication log's to tell; those that lacked an input failed for a cause that
    is told itself.
    """
    partition = run.tags.get(PARTITION_NAME_TAG, "")
    first = run.tags.get(ASSET_PARTITION_RANGE_START_TAG, partition)
    last = run.tags.get(ASSET_PARTITION_RANGE_END_TAG, partition)
    of_steps = [entry.get_dagster_event() for entry in instance.all_logs(run.run_id, _STEP_FAILURE)]
    if of_steps:
        failures = [(event, step_failure(event, first, last)) for event in of_steps]
        return [
            replace(failure, reason=_without_values(failure.reason, _error(event), failure.table.split(".")))
            for event, failure in failures
            if not failure.lacks_input and not blocked_partitions(event)
        ]
    plan = run.execution_plan_snapshot_id and instance.get_execution_plan_snapshot(run.execution_plan_snapshot_id)
    steps = plan.step_keys_to_execute if plan else []
    told = [_error(entry.get_dagster_event()) for entry in instance.all_logs(run.run_id, _RUN_FAILURE)]
    reasons = [_without_values(error.message, error) for error in told if error]
    reason = next(iter(reasons), "the run ended without saying why: its process was killed, or never started")
    return [StepFailure(step.replace("__", "."), first, last, reason) for step in steps]


def _error(event: dg.DagsterEvent) -> SerializableErrorInfo | None:
    """The first cause of a failure, unless a step said itself why it failed."""
    data = event.event_specific_data
    if not isinstance(data, StepFailureData | JobFailureData) or getattr(data, "user_failure_data", None):
        return None
    error = data.error
    while error and error.cause:
        error = error.cause
    return error


def _without_values(reason: str, error: SerializableErrorInfo | None, known: Sequence[str] = ()) -> str:
    """Our own errors have none; whatever else got out of a step is not trusted."""
    if error is None:
        return reason
    if error.cls_name in _OURS:
        return error.message.strip().removeprefix(f"{errors.__name__}.{error.cls_name}: ")
    return redacted(reason, known)


def _published(log: PublicationLog, table: TableRef, first: str, last: str) -> dict[str, datetime | None]:
    """Each partition from `first` to `last`, and when the version readers see was written, if there is one."""
    keys = keys_between(MONTHLY if table.partition_by == "month" else DAILY, first, last)
    shown = log.pointers(table, keys)
    return {key: written_at(shown[key].version) if key in shown else None for key in keys}


def _stale(
    log: PublicationLog,
    known: _Assets,
    blocked: Collection[tuple[TableRef, str | None]],
    now: datetime,
    zone: ZoneInfo,
    after: timedelta,
) -> Iterator[Trouble]:
    """Tables never published wait for their first load."""
    expected = (now.astimezone(zone) - after).date() - timedelta(days=1)
    for table, newest in log.newest_partitions().items():
        wanted = (expected.replace(day=1) if table.partition_by == "month" else expected).isoformat()
        if table in known and newest < wanted and (table, wanted) not in blocked:
            missing = _next(partition_date(newest), table)
            due = _end_of(missing, zone) + after
            reason = f"newest is {newest}; {wanted} was due at {_end_of(expected, zone) + after:%Y-%m-%d %H:%M} UTC"
            yield Trouble(Key(Kind.STALE, table), due, reason, Kind.STALE)


def _next(partition: date, table: TableRef) -> date:
    if table.partition_by == "month":
        return (partition + timedelta(days=31)).replace(day=1)  # from a month's first day
    return partition + timedelta(days=1)


def _end_of(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(), zone).astimezone(UTC)
