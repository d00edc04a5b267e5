"""Dagster's SQLite event log with its connection kept open: for a laptop, where a range run writes thousands of events.

The stock class opens a database, compiles its SQL and waits for the disk at every event, which takes most of a
backfill's time (docs/decisions). Production uses PostgreSQL (deploy/dagster.prod.yaml).
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import dagster as dg
import sqlalchemy as sa
from dagster._core.events import DagsterEventType
from dagster._core.storage.event_log import ConsolidatedSqliteEventLogStorage
from dagster._serdes import ConfigurableClassData

from shopease_assets.settings import settings

_BUSY_SECONDS = 60
_MOST_WAITING = 500
#: A range run writes these in bursts, one per partition and check; the step's last event writes them out.
_IN_BURSTS = {
    DagsterEventType.ASSET_CHECK_EVALUATION,
    DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED,
    DagsterEventType.ASSET_MATERIALIZATION,
    DagsterEventType.ASSET_MATERIALIZATION_PLANNED,
}


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
            with self._engine.begin() as self._burst.local.connection:
                try:
                    for event in waiting:
                        super().store_event(event)
                finally:
                    del self._burst.local.connection

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


class _Burst:
    """Events of this process that wait to be written together, and the connection that writes them."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.waiting: list[dg.EventLogEntry] = []
        self.local = threading.local()
        self.tables: set[str] = set()


def _do_not_wait_for_the_disk(connection: Any, _: object) -> None:
    connection.execute("pragma synchronous=normal")
