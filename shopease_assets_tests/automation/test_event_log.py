"""The pooled event log stores what Dagster's own would have stored, to the row."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import sqlalchemy as sa
from dagster._core.events import DagsterEventType
from dagster._core.storage.event_log import ConsolidatedSqliteEventLogStorage, SqlEventLogStorage
from dagster._core.storage.event_log.schema import SqlEventLogStorageMetadata
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

from shopease_assets.automation.event_log import PooledSqliteEventLogStorage

_DAYS = dg.DailyPartitionsDefinition("2025-01-01")
_TABLES = ("event_logs", "asset_keys", "asset_event_tags", "asset_check_executions")


@dg.asset(
    partitions_def=_DAYS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    dagster_type=dg.Nothing,
    check_specs=[dg.AssetCheckSpec(name, asset="sold", partitions_def=_DAYS) for name in ("whole", "fresh")],
)
def sold(context: dg.AssetExecutionContext) -> Any:
    """Two checks a day, one of which fails on the second day."""
    for day in context.partition_keys:
        for name in ("whole", "fresh"):
            passed = (name, day) != ("fresh", "2025-01-02")
            yield dg.AssetCheckEvaluation(context.asset_key, name, passed, metadata={"rows": 3}, partition=day)
    yield dg.Output(None)
    for name in ("whole", "fresh"):
        spec = context.assets_def.get_spec_for_check_key(dg.AssetCheckKey(context.asset_key, name))
        yield dg.Output(None, output_name=spec.get_python_identifier())


@dg.asset(check_specs=[dg.AssetCheckSpec("whole", asset="told")])
def told() -> Any:
    """Without partitions."""
    yield dg.Output(None)
    yield dg.AssetCheckResult(passed=True)


@pytest.fixture(scope="module")
def events() -> Sequence[dg.EventLogEntry]:
    """What a run over three days logs."""
    with dg.DagsterInstance.ephemeral() as instance:
        days = {ASSET_PARTITION_RANGE_START_TAG: "2025-01-01", ASSET_PARTITION_RANGE_END_TAG: "2025-01-03"}
        run = dg.materialize([sold], instance=instance, tags=days)
        other = dg.materialize([told], instance=instance)
        return [*instance.all_logs(run.run_id), *instance.all_logs(other.run_id)]


@pytest.mark.parametrize(
    "replayed",
    [
        pytest.param(lambda events: events, id="as they came"),
        pytest.param(lambda events: [*events, *_of(events, DagsterEventType.ASSET_CHECK_EVALUATION)], id="retried"),
        pytest.param(
            lambda events: [event for event in events if event not in _of(events, _PLANNED)], id="checks unplanned"
        ),
        pytest.param(
            lambda events: [
                event._replace(run_id="") for event in _of(events, DagsterEventType.ASSET_CHECK_EVALUATION)
            ],
            id="of no run",
        ),
    ],
)
def test_stores_what_dagster_would_store(events: Sequence[dg.EventLogEntry], replayed: Any, tmp_path: Path) -> None:
    ours, stock = (
        PooledSqliteEventLogStorage(str(tmp_path / "a")),
        ConsolidatedSqliteEventLogStorage(str(tmp_path / "b")),
    )
    for storage in (ours, stock):
        for event in replayed(events):
            storage.store_event(event)

    assert _rows(ours) == _rows(stock)
    ours.dispose()


_PLANNED = DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED


def _of(events: Sequence[dg.EventLogEntry], kind: DagsterEventType) -> list[dg.EventLogEntry]:
    return [event for event in events if event.dagster_event_type is kind]


def _rows(storage: SqlEventLogStorage) -> dict[str, list[Any]]:
    """Every row of every table, but for when it was written."""
    with storage.index_connection() as connection:
        return {
            name: sorted(
                connection.execute(
                    sa.select(*(column for column in table.columns if column.name not in {"id", "create_timestamp"}))
                ),
                key=str,
            )
            for name, table in SqlEventLogStorageMetadata.tables.items()
            if name in _TABLES
        }
