"""Dagster's SQLite event log with its connection kept open: for a laptop, where a range run writes thousands of events.

The stock class opens a database, compiles its SQL and waits for the disk at every event, which takes most of a
backfill's time (docs/decisions). Production uses PostgreSQL (deploy/dagster.prod.yaml).
"""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import dagster as dg
import sqlalchemy as sa
from dagster._core.events import ASSET_EVENTS, DagsterEventType
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus
from dagster._core.storage.event_log import ConsolidatedSqliteEventLogStorage
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable, SqlEventLogStorageTable
from dagster._serdes import ConfigurableClassData

from shopease_assets.settings import settings

_BUSY_SECONDS = 60
_MOST_WAITING = 500
_CHECK_PLANNED = DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED
_CHECK_EVALUATED = DagsterEventType.ASSET_CHECK_EVALUATION
#: A range run writes these in bursts, one per partition and check; the step's last event writes them out.
_IN_BURSTS = {
    _CHECK_EVALUATED,
    _CHECK_PLANNED,
    DagsterEventType.ASSET_MATERIALIZATION,
    DagsterEventType.ASSET_MATERIALIZATION_PLANNED,
}
_INSERT_EVENTS = SqlEventLogStorageTable.insert().returning(SqlEventLogStorageTable.c.id, sort_by_parameter_order=True)
_UPDATE_CHECKS = AssetCheckExecutionsTable.update().where(
    AssetCheckExecutionsTable.c.asset_key == sa.bindparam("of_asset"),
    AssetCheckExecutionsTable.c.check_name == sa.bindparam("of_check"),
    AssetCheckExecutionsTable.c.run_id == sa.bindparam("of_run"),
    AssetCheckExecutionsTable.c.partition.is_not_distinct_from(sa.bindparam("of_partition")),
)


class PooledSqliteEventLogStorage(ConsolidatedSqliteEventLogStorage):
    """One database for all runs, one pooled engine per process, one transaction per burst of events.

    A killed run loses at most the events of its last burst; what it published is in the publication log.
    """

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        """`base_dir`; by default a folder in DAGSTER_HOME, so that `dagster.yaml` works where that is not set."""
        return {"base_dir": dg.Field(dg.StringSource, is_required=False)}

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> "PooledSqliteEventLogStorage":
        """The log in its folder."""
        folder = config_value.get("base_dir") or str(settings().dagster_home / "history")
        return cls(base_dir=folder, inst_data=inst_data)

    @cached_property
    def _engine(self) -> sa.Engine:
        path = Path(self.get_db_path())  # type: ignore[no-untyped-call]
        path.parent.mkdir(parents=True, exist_ok=True)
        engine = sa.create_engine(f"sqlite:///{path}", connect_args={"timeout": _BUSY_SECONDS})
        sa.event.listen(engine, "connect", _do_not_wait_for_the_disk)
        return engine

    @cached_property
    def _burst(self) -> "_Burst":
        return _Burst()

    def store_event(self, event: dg.EventLogEntry) -> None:
        """Store an event, with those of its burst that were waiting."""
        with self._burst.lock:
            self._burst.waiting.append(event)
            if event.dagster_event_type not in _IN_BURSTS or len(self._burst.waiting) >= _MOST_WAITING:
                self._write_out()

    def _write_out(self) -> None:
        with self._burst.lock:
            waiting, self._burst.waiting = self._burst.waiting, []
            if not waiting:
                return
            try:
                with self._engine.begin() as self._burst.local.connection:
                    self._store_burst(self._burst.local.connection, waiting)
            except sa.exc.OperationalError:
                self._burst.waiting = [*waiting, *self._burst.waiting]  # a locked database costs no event
                raise
            finally:
                self._burst.local.connection = None

    def _store_burst(self, connection: sa.Connection, events: Sequence[dg.EventLogEntry]) -> None:
        """What the stock class does event by event, in a statement per table; an event is serialised once."""
        rows = [self._event_to_row(event) for event in events]
        ids = connection.scalars(_INSERT_EVENTS, rows).all()
        stored = [_Stored(event, row, number) for event, row, number in zip(events, rows, ids, strict=True)]
        self._store_of_assets(connection, [one for one in stored if one.row["asset_key"] and one.kind in ASSET_EVENTS])
        if planned := [check for one in stored if one.kind is _CHECK_PLANNED for check in _planned(one)]:
            connection.execute(AssetCheckExecutionsTable.insert(), planned)
        evaluated = [one for one in stored if one.kind is _CHECK_EVALUATED]
        if not _all_updated(connection, evaluated):
            for one in evaluated:
                self.store_asset_check_event(one.event, one.id)

    def _store_of_assets(self, connection: sa.Connection, stored: "Sequence[_Stored]") -> None:
        """Their tags, and in each asset's own record the newest event of each type: earlier ones are overwritten."""
        self._store_asset_event_tags(connection, [one.event for one in stored], [one.id for one in stored])
        newest = {(one.row["asset_key"], one.kind): one for one in stored}
        for one in sorted(newest.values(), key=lambda one: one.id):
            self._store_asset_event(connection, one.event, one.id)

    def has_table(self, table_name: str) -> bool:
        """Whether the database has the table; asked at every check's event, so found once, remembered."""
        if table_name not in self._burst.tables:
            self._burst.tables.update(sa.inspect(self._engine).get_table_names())
        return table_name in self._burst.tables

    @contextmanager
    def _connect(self) -> Iterator[sa.Connection]:
        if shared := getattr(self._burst.local, "connection", None):
            yield shared
            return
        self._write_out()
        with self._engine.begin() as connection:
            yield connection

    def dispose(self) -> None:
        """Write out what is waiting; close the connections and the file watcher."""
        self._write_out()
        super().dispose()  # type: ignore[no-untyped-call]
        self._engine.dispose()


@dataclass(frozen=True)
class _Stored:
    """An event, its row, and the id the row was given."""

    event: dg.EventLogEntry
    row: Mapping[str, Any]
    id: int

    @property
    def kind(self) -> DagsterEventType | None:
        return self.event.dagster_event_type


def _planned(one: _Stored) -> list[dict[str, Any]]:
    """The rows of a planned check, one per partition."""
    check = one.event.get_dagster_event().asset_check_planned_data
    row = {
        "asset_key": check.asset_key.to_string(),
        "check_name": check.check_name,
        "run_id": one.event.run_id,
        "execution_status": AssetCheckExecutionRecordStatus.PLANNED.value,
        "evaluation_event": one.row["event"],
        "evaluation_event_timestamp": one.row["timestamp"],
        "evaluation_event_storage_id": one.id,
    }
    partitions = check.partitions_subset.get_partition_keys() if check.partitions_subset else [None]
    return [row | {"partition": partition} for partition in partitions]


def _all_updated(connection: sa.Connection, evaluated: Sequence[_Stored]) -> bool:
    """Put the results into the rows of the planned checks; some may not have been planned, or be of no run."""
    if not all(one.event.run_id for one in evaluated):
        return False
    return not evaluated or connection.execute(_UPDATE_CHECKS, [*map(_evaluated, evaluated)]).rowcount == len(evaluated)


def _evaluated(one: _Stored) -> dict[str, Any]:
    """What a check's row becomes, and which row that is."""
    check = one.event.get_dagster_event().asset_check_evaluation_data
    target = check.target_materialization_data
    status = AssetCheckExecutionRecordStatus.SUCCEEDED if check.passed else AssetCheckExecutionRecordStatus.FAILED
    return {
        "of_asset": check.asset_key.to_string(),
        "of_check": check.check_name,
        "of_run": one.event.run_id,
        "of_partition": check.partition,
        "execution_status": status.value,
        "evaluation_event": one.row["event"],
        "evaluation_event_timestamp": one.row["timestamp"],
        "evaluation_event_storage_id": one.id,
        "materialization_event_storage_id": target.storage_id if target else None,
    }


class _Burst:
    """Events of this process that wait to be written together, and the connection that writes them."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.waiting: list[dg.EventLogEntry] = []
        self.local = threading.local()
        self.tables: set[str] = set()


def _do_not_wait_for_the_disk(connection: Any, _: object) -> None:
    connection.execute("pragma synchronous=normal")
