"""The publication log: which version of which partition readers see, now and at any earlier moment.

Rows in SQLite or PostgreSQL; it never touches the lake's files. `log_tables` holds the tables and connections,
`records` the values, `lake` decides what to append.
"""

import dataclasses
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from shopease_assets.core.errors import CatalogError
from shopease_assets.core.layout import Layer, TableRef
from shopease_assets.storage import log_queries as queries
from shopease_assets.storage.log_tables import alone, connect, publications, quality, reading, tables, versions, writing
from shopease_assets.storage.records import (
    Draft,
    Moment,
    Moved,
    Publication,
    PublishedPartition,
    QualityResult,
    Snapshot,
)


class Outdated(Exception):
    """The table changed after it was seen: the caller looks again and decides anew."""


class PublicationLog:
    """Append-only, except for the pointers, which are derived. Safe to use from threads, forks and pickles."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connected = connect(url)
        self._process = os.getpid()

    @classmethod
    def open(cls, url: str) -> "PublicationLog":
        """The log behind a SQLAlchemy URL; its tables are made when missing.

        Raises SettingsError for a URL that is neither a SQLite file nor PostgreSQL.
        """
        return cls(url)

    def __reduce__(self) -> tuple[type["PublicationLog"], tuple[str]]:
        """Pickles as its URL."""
        return PublicationLog, (self._url,)

    def close(self) -> None:
        """Closes the connections; the next use opens new ones."""
        self._engine.dispose()

    def position(self) -> int:
        """The newest publication of any table, 0 at first: what a run notes at its start."""
        with reading(self._engine) as connection:
            return connection.scalar(sa.select(sa.func.max(publications.c.id))) or 0

    def tables(self) -> list[TableRef]:
        """Every table that was ever published."""
        with reading(self._engine) as connection:
            rows = connection.execute(
                sa.select(tables.c.layer, tables.c.name, tables.c.partition_by).where(tables.c.head > 0)
            )
            return sorted(TableRef(*row) for row in rows)

    def schema(self, table: TableRef) -> pa.Schema | None:
        """The table's schema without its partition column, or None when it was never published."""
        return self.snapshot(table, partitions=()).schema

    def pointers(
        self, table: TableRef, partitions: Iterable[str] | None = None, as_of: Moment | None = None
    ) -> dict[str, PublishedPartition]:
        """What readers see of the partitions (default: all), now or as of a publication or moment."""
        return dict(self.snapshot(table, partitions, as_of).pointers)

    def snapshot(
        self, table: TableRef, partitions: Iterable[str] | None = None, as_of: Moment | None = None
    ) -> Snapshot:
        """Schema and pointers of one moment.

        Raises NotPublished when `as_of` is a publication that does not exist yet.
        """
        with reading(self._engine) as connection:
            known = queries.known_table(connection, table)
            if known is None:
                return Snapshot(0, None, None, {})
            at = None if as_of is None else queries.publication_at(connection, as_of)
            schema_id, schema = queries.schema_at(connection, known.id, at)
            shown = queries.published(connection, known.id, partitions, at)
            return Snapshot(known.head, schema_id, schema, shown)

    def moved(self, table: TableRef, since: int) -> Moved:
        """What publications after `since` have moved (0: everything there ever was), as of one moment."""
        with reading(self._engine) as connection:
            known = queries.known_table(connection, table)
            if known is None:
                return Moved(Snapshot(0, None, None, {}), frozenset(), None)
            partitions = queries.moved_since(connection, known.id, since)
            schema_id, schema = queries.schema_at(connection, known.id, None)
            shown = queries.published(connection, known.id, partitions, None)
            now = Snapshot(known.head, schema_id, schema, shown)
            return Moved(now, frozenset(partitions), queries.newest_partition(connection, known.id))

    def mirrored(self, table: TableRef, database: str) -> int:
        """The publication up to which a database of Glue shows the table; 0 for none."""
        with reading(self._engine) as connection:
            known = queries.known_table(connection, table)
            return 0 if known is None else queries.mirrored_until(connection, known.id, database)

    def mark_mirrored(self, table: TableRef, database: str, publication: int) -> None:
        """Notes that a database of Glue shows the table as of that publication; for who is `alone` with the table."""
        with writing(self._engine) as connection:
            known = queries.register_table(connection, table)
            queries.mark_mirrored(connection, known.id, database, publication)

    @contextmanager
    def alone(self, table: TableRef) -> Iterator[None]:
        """Keeps others out who would mirror the same table; who is killed in here lets them in.

        Raises CatalogError when another is at it for too long.
        """
        with writing(self._engine) as connection:
            known = queries.register_table(connection, table)
        try:
            with alone(self._engine, known.id):
                yield
        except TimeoutError:
            raise CatalogError(
                f"{table}: another process has been mirroring it for too long; see to it, then: shopease catalog repair"
            ) from None

    def history(self, table: TableRef, partition: str | None = None) -> list[Publication]:
        """The publications that moved the table's (or the partition's) pointers, newest first."""
        with reading(self._engine) as connection:
            known = queries.known_table(connection, table)
            return [] if known is None else queries.history(connection, table, known.id, partition)

    def append(self, draft: Draft) -> int:
        """Moves the pointers, in one transaction; returns the new publication's id.

        Raises PublishConflict when another run published a partition after `base`, NotPublished when a version
        was vacuumed, Outdated when the table is no longer as it was seen.
        """
        try:
            return self._append(draft)
        except sa.exc.DBAPIError as error:
            if not error.connection_invalidated:
                raise
            return self._append(draft, answer_lost=True)

    def _append(self, draft: Draft, *, answer_lost: bool = False) -> int:
        with writing(self._engine) as connection:
            known = queries.register_table(connection, draft.table)
            if answer_lost and (done := queries.appended(connection, draft, known.id)):
                return done
            if known.schema_id != draft.seen.schema_id or (draft.only_if_head and known.head != draft.seen.head):
                raise Outdated
            decided = queries.check_conflicts(connection, draft, known.id)
            queries.check_removed(connection, draft, known.id)
            return queries.write(connection, draft, known, decided)

    def kept(self, table: TableRef) -> set[tuple[str, str]]:
        """The (partition, version) that were published and not given up."""
        with reading(self._engine) as connection:
            known = queries.known_table(connection, table)
            asked = sa.select(versions.c.partition, versions.c.version).where(versions.c.removed_at.is_(None))
            rows = connection.execute(asked.where(versions.c.table_id == known.id)) if known else ()
            return {(row.partition, row.version) for row in rows}

    def give_up(
        self, table: TableRef, *, keep: int, before: datetime, at: datetime, stray: Iterable[tuple[str, str]]
    ) -> set[tuple[str, str]]:
        """Marks versions whose files may then be deleted; returns all (partition, version) given up by now.

        Kept are the `keep` newest of each partition, what readers see, and what they saw until `before`. `stray`
        versions the log has never seen are marked too, so that the run that lost them cannot publish them.
        """
        with writing(self._engine) as connection:
            known = queries.register_table(connection, table)
            asked = sa.select(versions.c.partition, versions.c.version).where(versions.c.table_id == known.id)
            published = {(row.partition, row.version) for row in connection.execute(asked)}
            old = queries.superseded(connection, known.id, keep, before)
            queries.mark_removed(connection, known.id, [*old, *(set(stray) - published)], at)
            gone = connection.execute(asked.where(versions.c.removed_at.is_not(None)))
            return {(row.partition, row.version) for row in gone}

    def record_quality(self, results: Sequence[QualityResult]) -> None:
        """Appends the outcomes of checks."""
        if results:
            with writing(self._engine) as connection:
                connection.execute(quality.insert(), [_quality_row(result) for result in results])

    def quality(self, table: TableRef | None = None, partitions: Iterable[str] | None = None) -> list[QualityResult]:
        """The newest outcome of each check on each partition."""
        asked: list[sa.ColumnElement[bool]] = [sa.true()]
        if table is not None:
            asked += [quality.c.layer == table.layer, quality.c.name == table.name]
        if partitions is not None:
            asked.append(quality.c.partition.in_(list(partitions)))
        newest = (
            sa.select(sa.func.max(quality.c.id))
            .where(*asked)
            .group_by(quality.c.layer, quality.c.name, quality.c.partition, quality.c.check)
        )
        with reading(self._engine) as connection:
            rows = connection.execute(sa.select(quality).where(quality.c.id.in_(newest)).order_by(quality.c.id))
            return [_quality_result(row) for row in rows]

    def failing(self) -> list[tuple[QualityResult, datetime]]:
        """The newest outcome of each blocking check that failed, and since when it has done nothing else."""
        with reading(self._engine) as connection:
            return [(_quality_result(row), row.since) for row in connection.execute(queries.failing())]

    def newest_partitions(self) -> dict[TableRef, str]:
        """Each published table's last partition."""
        with reading(self._engine) as connection:
            rows = connection.execute(queries.newest_partitions())
            return {TableRef(row.layer, row.name, row.partition_by): row.newest for row in rows}

    def newest_audits(self, layer: Layer) -> dict[str, datetime]:
        """Partition → when a check of a table of the layer last looked at it."""
        asked = sa.select(quality.c.partition, sa.func.max(quality.c.checked_at)).where(quality.c.layer == layer)
        with reading(self._engine) as connection:
            return {row[0]: row[1] for row in connection.execute(asked.group_by(quality.c.partition))}

    @property
    def _engine(self) -> sa.Engine:
        if self._process != os.getpid():  # a fork must not use its parent's connections
            self._connected.dispose(close=False)
            self._process = os.getpid()
        return self._connected


def _quality_row(result: QualityResult) -> dict[str, Any]:
    row = {name: getattr(result, name) for name in _RESULT_COLUMNS}
    return row | {
        "layer": result.table.layer,
        "name": result.table.name,
        "partition_by": result.table.partition_by,
        "details": dict(result.details),
    }


def _quality_result(row: Any) -> QualityResult:
    values = {name: getattr(row, name) for name in _RESULT_COLUMNS}
    return QualityResult(table=TableRef(row.layer, row.name, row.partition_by), details=row.details, **values)


_RESULT_COLUMNS = [field.name for field in dataclasses.fields(QualityResult) if field.name not in {"table", "details"}]
