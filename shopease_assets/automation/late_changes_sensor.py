"""The sensor `late_changes`: asks the source what was touched since its last look, and requests just that.

A look that finds something stale does not move its cursor past it, so what a failed run left undone is found again.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from hashlib import sha256

import dagster as dg
from dagster._core.execution.backfill import BulkActionsFilter, BulkActionStatus
from dagster._core.storage.dagster_run import NOT_FINISHED_STATUSES

from shopease_assets.automation.jobs import daily_job, month_state_job
from shopease_assets.automation.late_changes import days_until_now, look, oldest_read
from shopease_assets.automation.planning import Chunk, is_made_afterwards, range_tags, waves
from shopease_assets.automation.stale_work import work_to_catch_up
from shopease_assets.core.errors import SourceUnavailable
from shopease_assets.core.layout import TableRef
from shopease_assets.kit.partitions import DAILY
from shopease_assets.settings import settings
from shopease_assets.sources.dsn import source_dsn
from shopease_assets.sources.postgres import PostgresSnapshot
from shopease_assets.sources.postgres_table import PostgresTable
from shopease_assets.storage.io_manager import table_of
from shopease_assets.storage.lake import ParquetLake
from shopease_assets.storage.open import open_lake

#: Tag of the runs the sensor asked for.
LATE_CHANGES = "shopease/late_changes"
_SECONDS = 60
#: Deletions, and orders that left for another day, are found this many published days back; `refresh` looks at all.
_DAYS_COUNTED = 92


def late_changes_sensor(assets: Sequence[dg.AssetsDefinition], tables: Sequence[PostgresTable]) -> dg.SensorDefinition:
    """The sensor over the daily ones among `assets`; tables nothing was published of yet wait for their first load."""

    @dg.sensor(
        name="late_changes",
        job=daily_job,
        minimum_interval_seconds=_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Requests the partitions the source has touched since the last look, and what is made of them.",
    )
    def late_changes(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        if _at_work(context.instance):
            return dg.SkipReason("other runs are at work; the source is looked at when they are done")
        cursor = _Cursor.read(context.cursor)
        lake = open_lake(settings())
        loaded = set(lake.log.tables())
        try:
            with PostgresSnapshot(source_dsn(settings())) as snapshot:
                late = [table for table in tables if TableRef("bronze", table.name) in loaded]
                begin = {table.name: cursor.since.get(table.name) or oldest_read(lake, table) for table in late}
                since = {name: at for name, at in begin.items() if at}
                found = look(lake, snapshot, late, days_until_now(snapshot), since=since, counted=_DAYS_COUNTED)
        except SourceUnavailable as error:  # anything else is for a person to mend, and fails the tick
            return dg.SkipReason(str(error))
        daily = [
            asset
            for asset in assets
            if asset.partitions_def == DAILY
            and table_of(asset.key, asset.partitions_def) in loaded
            and not is_made_afterwards(asset)
        ]
        hour = f"{snapshot.taken_at:%Y-%m-%dT%H}"
        asked = {key for key in cursor.asked if key.startswith(hour)}
        work = work_to_catch_up(lake, daily, found.stale)
        for wave in waves(work, daily, settings().days_per_run):
            requests = [_request(lake, chunk, hour) for chunk in wave]
            if new := [request for request in requests if request.run_key not in asked]:
                return dg.SensorResult(
                    run_requests=new, cursor=_Cursor(found.since, [*asked, *(str(one.run_key) for one in new)]).text()
                )
        told = (
            "what is stale was asked for within this hour; its runs failed or were blocked"
            if work
            else "nothing was touched"
        )
        return dg.SensorResult(skip_reason=told, cursor=_Cursor(found.since, sorted(asked)).text())

    return late_changes


@dataclass(frozen=True)
class _Cursor:
    """Where each table's next look begins, and the runs asked for in this hour: one that fails waits for the next."""

    since: Mapping[str, datetime] = field(default_factory=dict)
    asked: Sequence[str] = ()

    @classmethod
    def read(cls, text: str | None) -> "_Cursor":
        told = json.loads(text) if text else {"since": {}, "asked": []}
        return cls({name: datetime.fromisoformat(at) for name, at in told["since"].items()}, told["asked"])

    def text(self) -> str:
        return json.dumps(asdict(self), default=str)


def _at_work(instance: dg.DagsterInstance) -> bool:
    """Whether a run or a backfill may still publish days; months are nothing to wait for."""
    runs = instance.get_runs(dg.RunsFilter(statuses=list(NOT_FINISHED_STATUSES)))
    backfills = instance.get_backfills(filters=BulkActionsFilter(statuses=[BulkActionStatus.REQUESTED]), limit=1)
    return bool(backfills) or any(run.job_name != month_state_job.name for run in runs)


def _request(lake: ParquetLake, chunk: Chunk, hour: str) -> dg.RunRequest:
    """The same one within an hour, unless one of its partitions was published in between."""
    days = chunk.keys
    refs = [table_of(asset.key, asset.partitions_def) for asset in chunk.assets]
    published = [(str(ref), key, at.publication) for ref in refs for key, at in lake.log.pointers(ref, days).items()]
    seen = sha256(repr((refs, published)).encode()).hexdigest()[:12]
    return dg.RunRequest(
        run_key=f"{hour} {chunk.first}…{chunk.last} {seen}",
        asset_selection=[asset.key for asset in chunk.assets],
        tags={LATE_CHANGES: "true", **range_tags(chunk.first, chunk.last)},
    )
