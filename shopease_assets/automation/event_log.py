"""Dagster's SQLite event log with its connection kept open: for a laptop, where a range run writes thousands of events.

The stock class opens a database, compiles its SQL and waits for the disk at every event, which takes most of a
backfill's time (docs/decisions). Production uses PostgreSQL (deploy/dagster.prod.yaml).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from dagster._core.storage.event_log import ConsolidatedSqliteEventLogStorage

_BUSY_SECONDS = 60


class PooledSqliteEventLogStorage(ConsolidatedSqliteEventLogStorage):
    """One database for all runs, one pooled engine per process; safe under kill -9, as SQLite's WAL is."""

    @cached_property
    def _engine(self) -> sa.Engine:
        path = Path(self.get_db_path())  # type: ignore[no-untyped-call]
        path.parent.mkdir(parents=True, exist_ok=True)
        engine = sa.create_engine(f"sqlite:///{path}", connect_args={"timeout": _BUSY_SECONDS})
        sa.event.listen(engine, "connect", _do_not_wait_for_the_disk)
        return engine

    @contextmanager
    def _connect(self) -> Iterator[sa.Connection]:
        with self._engine.begin() as connection:
            yield connection

    def dispose(self) -> None:
        """Close the connections and the file watcher."""
        super().dispose()  # type: ignore[no-untyped-call]
        self._engine.dispose()


def _do_not_wait_for_the_disk(connection: Any, _: object) -> None:
    connection.execute("pragma synchronous=normal")
