"""What the publication log asks of its tables, one function per question; all run in a transaction of `log`'s."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from itertools import groupby
from typing import Any, NamedTuple

import pyarrow as pa
import sqlalchemy as sa

from shopease_assets.core.errors import NotPublished, PublishConflict, SchemaConflict, ShopEaseError
from shopease_assets.core.layout import TableRef
from shopease_assets.storage.log_tables import (
    changes,
    mirrored,
    pointers,
    publications,
    quality,
    schemas,
    tables,
    versions,
)
from shopease_assets.storage.parquet import StoredFile
from shopease_assets.storage.records import Draft, Moment, NewVersion, Publication, PublishedPartition


class KnownTable(NamedTuple):
    """A table's row in the log."""

    id: int
    head: int
    schema_id: int | None


def known_table(connection: sa.Connection, table: TableRef) -> KnownTable | None:
    """The table's row, or None before its first publication. Raises SchemaConflict for other partitions."""
    asked = sa.select(tables).where(tables.c.layer == table.layer, tables.c.name == table.name)
    row = connection.execute(asked).one_or_none()
    if row is None:
        return None
    if row.partition_by != table.partition_by:
        raise SchemaConflict(
            f"{table} is partitioned by {row.partition_by}, not by {table.partition_by}: "
            "change it back, or give the table another name"
        )
    return KnownTable(row.id, row.head, row.schema_id)


def register_table(connection: sa.Connection, table: TableRef) -> KnownTable:
    """The table's row, made when missing."""
    found = known_table(connection, table)
    if found is not None:
        return found
    row = {"layer": table.layer, "name": table.name, "partition_by": table.partition_by, "head": 0}
    return KnownTable(_new_id(connection.execute(tables.insert(), row)), 0, None)


def publication_at(connection: sa.Connection, moment: Moment) -> int:
    """The newest publication of that moment. Raises NotPublished for one that does not exist yet."""
    newest = connection.scalar(sa.select(sa.func.max(publications.c.id))) or 0
    if isinstance(moment, datetime):
        if moment.tzinfo is None:
            raise ShopEaseError(f"{moment} has no time zone; write it like {moment.isoformat()}+00:00")
        until = sa.select(publications.c.id).where(publications.c.published_at <= moment)
        return connection.scalar(until.order_by(publications.c.id.desc()).limit(1)) or 0
    if not 0 <= moment <= newest:
        raise NotPublished(f"there is no publication {moment}: the newest is {newest}; see the table's history")
    return moment


def schema_at(connection: sa.Connection, table_id: int, publication: int | None) -> tuple[int | None, pa.Schema | None]:
    """The schema in force (and its id) as of a publication, or now."""
    asked = sa.select(schemas.c.id, schemas.c.arrow).where(schemas.c.table_id == table_id)
    if publication is not None:
        asked = asked.where(schemas.c.publication_id <= publication)
    row = connection.execute(asked.order_by(schemas.c.publication_id.desc()).limit(1)).one_or_none()
    return (None, None) if row is None else (row.id, _read_schema(row.arrow))


def published(
    connection: sa.Connection, table_id: int, partitions: Iterable[str] | None, publication: int | None
) -> dict[str, PublishedPartition]:
    """Where the pointers stand as of a publication, or now."""
    if publication is None:
        shown = sa.select(pointers).where(pointers.c.table_id == table_id).subquery()
    else:
        newest = (
            sa.select(changes.c.partition, sa.func.max(changes.c.publication_id).label("publication_id"))
            .where(changes.c.table_id == table_id, changes.c.publication_id <= publication)
            .group_by(changes.c.partition)
            .subquery()
        )
        same = sa.and_(
            changes.c.table_id == table_id,
            changes.c.partition == newest.c.partition,
            changes.c.publication_id == newest.c.publication_id,
        )
        shown = sa.select(changes).join(newest, same).subquery()
    asked = (
        sa.select(versions, shown.c.decided_by)
        .join(
            shown,
            sa.and_(
                versions.c.table_id == table_id,
                versions.c.partition == shown.c.partition,
                versions.c.version == shown.c.version,
            ),
        )
        .order_by(versions.c.partition)
    )
    if partitions is not None:
        asked = asked.where(shown.c.partition.in_(list(partitions)))
    rows = connection.execute(asked).all()
    written = _schemas(connection, {row.schema_id for row in rows})
    return {
        row.partition: PublishedPartition(
            partition=row.partition,
            version=row.version,
            files=tuple(StoredFile(*file) for file in row.files),
            rows=row.rows,
            bytes=row.bytes,
            publication=row.decided_by,
            run_id=row.run_id,
            schema=written[row.schema_id],
            removed_at=row.removed_at,
        )
        for row in rows
    }


def moved_since(connection: sa.Connection, table_id: int, publication: int) -> list[str]:
    """The partitions whose pointers were moved after a publication."""
    asked = sa.select(changes.c.partition).distinct()
    asked = asked.where(changes.c.table_id == table_id, changes.c.publication_id > publication)
    return list(connection.scalars(asked))


def newest_partition(connection: sa.Connection, table_id: int) -> str | None:
    """The newest partition that readers see."""
    asked = sa.select(sa.func.max(pointers.c.partition))
    newest: str | None = connection.scalar(
        asked.where(pointers.c.table_id == table_id, pointers.c.version.is_not(None))
    )
    return newest


def mirrored_until(connection: sa.Connection, table_id: int, database: str) -> int:
    """The publication up to which a database of Glue shows the table; 0 for none."""
    asked = sa.select(mirrored.c.publication_id)
    return connection.scalar(asked.where(mirrored.c.table_id == table_id, mirrored.c.database == database)) or 0


def mark_mirrored(connection: sa.Connection, table_id: int, database: str, publication: int) -> None:
    """From now on `mirrored_until` says so."""
    connection.execute(mirrored.delete().where(mirrored.c.table_id == table_id, mirrored.c.database == database))
    row = {"table_id": table_id, "database": database, "publication_id": publication}
    connection.execute(mirrored.insert(), row)


def history(connection: sa.Connection, table: TableRef, table_id: int, partition: str | None) -> list[Publication]:
    """The publications that moved the table's (or the partition's) pointers, newest first."""
    asked = (
        sa.select(publications, changes.c.partition, changes.c.version)
        .outerjoin(changes, changes.c.publication_id == publications.c.id)
        .where(publications.c.table_id == table_id)
        .order_by(publications.c.id.desc(), changes.c.partition)
    )
    if partition is not None:
        asked = asked.where(changes.c.partition == partition)
    found = []
    for _, group in groupby(connection.execute(asked), key=lambda row: row.id):
        rows = list(group)
        moved = {row.partition: row.version for row in rows if row.partition is not None}
        first = rows[0]
        found.append(Publication(first.id, table, first.kind, first.run_id, first.published_at, first.note, moved))
    return found


def check_conflicts(connection: sa.Connection, draft: Draft, table_id: int) -> dict[str, int]:
    """The publication each partition's content comes from.

    Raises PublishConflict when that is another run's, later than what the draft is based on.
    """
    asked = (
        sa.select(pointers.c.partition, pointers.c.decided_by, publications.c.run_id)
        .join(publications, publications.c.id == pointers.c.decided_by)
        .where(pointers.c.table_id == table_id, pointers.c.partition.in_(list(draft.moves)))
        .order_by(pointers.c.partition)
    )
    rows = connection.execute(asked).all()
    lost = [
        row
        for row in rows
        if draft.base is not None
        and row.decided_by > draft.base
        and row.run_id != draft.run_id
        and not draft.moves[row.partition].rewrite
    ]
    if lost:
        raise PublishConflict(_conflict(draft, lost))
    return {row.partition: row.decided_by for row in rows}


def check_removed(connection: sa.Connection, draft: Draft, table_id: int) -> None:
    """Raises NotPublished when vacuum has given up a version the draft moves to."""
    names = {move.version for move in draft.moves.values() if move.version is not None}
    asked = sa.select(versions.c.partition, versions.c.version).where(
        versions.c.table_id == table_id,
        versions.c.partition.in_(list(draft.moves)),
        versions.c.version.in_(names),
        versions.c.removed_at.is_not(None),
    )
    gone = [row.partition for row in connection.execute(asked) if draft.moves[row.partition].version == row.version]
    if gone:
        raise NotPublished(vacuumed(draft.table, gone))


def vacuumed(table: TableRef, partitions: list[str]) -> str:
    """The message for versions whose files are gone."""
    return (
        f"{table} {listed(partitions)}: the version was vacuumed; "
        "choose a later publication from the table's history, or run it again"
    )


def listed(partitions: Iterable[str]) -> str:
    """A few partitions by name, the rest by number: `2025-03-01, 2025-03-02 and 5 more`."""
    shown, few = sorted(partitions), 3
    rest = f" and {len(shown) - few} more" if len(shown) > few else ""
    return ", ".join(shown[:few]) + rest


def write(connection: sa.Connection, draft: Draft, table: KnownTable, decided: Mapping[str, int]) -> int:
    """Appends the draft and moves the pointers; returns the publication's id."""
    publication = _new_id(
        connection.execute(
            publications.insert(),
            {
                "table_id": table.id,
                "kind": draft.kind,
                "run_id": draft.run_id,
                "published_at": _not_before_the_last(connection, draft.at),
                "note": draft.note,
            },
        )
    )
    schema_id = table.schema_id
    if schema_id is None or draft.seen.schema is None or not draft.schema.equals(draft.seen.schema):
        row = {"table_id": table.id, "publication_id": publication, "arrow": draft.schema.serialize().to_pybytes()}
        schema_id = _new_id(connection.execute(schemas.insert(), row))
    connection.execute(tables.update().where(tables.c.id == table.id).values(head=publication, schema_id=schema_id))
    new = [
        {
            "table_id": table.id,
            "partition": partition,
            "version": move.to.version,
            "schema_id": schema_id,
            "run_id": move.to.run_id,
            "files": [[file.name, file.bytes] for file in move.to.files],
            "rows": move.to.rows,
            "bytes": move.to.bytes,
        }
        for partition, move in draft.moves.items()
        if isinstance(move.to, NewVersion)
    ]
    moved = [
        {
            "table_id": table.id,
            "partition": partition,
            "version": move.version,
            "decided_by": decided[partition] if move.rewrite else publication,
        }
        for partition, move in draft.moves.items()
    ]
    if new:
        connection.execute(versions.insert(), new)
    if moved:
        connection.execute(changes.insert(), [{**row, "publication_id": publication} for row in moved])
        connection.execute(
            pointers.delete().where(pointers.c.table_id == table.id, pointers.c.partition.in_(list(draft.moves)))
        )
        connection.execute(pointers.insert(), moved)
    return publication


def appended(connection: sa.Connection, draft: Draft, table_id: int) -> int | None:
    """The publication that the draft has become, when its transaction was committed and nobody said so."""
    asked = (
        sa.select(publications.c.id, changes.c.partition, changes.c.version)
        .outerjoin(changes, changes.c.publication_id == publications.c.id)
        .where(
            publications.c.table_id == table_id,
            publications.c.id > draft.seen.head,
            publications.c.run_id == draft.run_id,
            publications.c.kind == draft.kind,
        )
        .order_by(publications.c.id)
    )
    moves = {partition: move.version for partition, move in draft.moves.items()}
    for publication, group in groupby(connection.execute(asked), key=lambda row: row.id):
        if {row.partition: row.version for row in group if row.partition is not None} == moves:
            return int(publication)
    return None


def superseded(connection: sa.Connection, table_id: int, keep: int, before: datetime) -> list[tuple[str, str]]:
    """Versions that are not among the `keep` newest of their partition, and that no reader was shown since `before`."""
    asked = (
        sa.select(changes.c.partition, changes.c.version, publications.c.published_at, versions.c.removed_at)
        .join(publications, publications.c.id == changes.c.publication_id)
        .outerjoin(
            versions,
            sa.and_(
                versions.c.table_id == table_id,
                versions.c.partition == changes.c.partition,
                versions.c.version == changes.c.version,
            ),
        )
        .where(changes.c.table_id == table_id)
        .order_by(changes.c.partition, changes.c.publication_id.desc())
    )
    found = []
    for partition, group in groupby(connection.execute(asked), key=lambda row: row.partition):
        seen: set[str] = set()
        shown_until = datetime.max.replace(tzinfo=UTC)  # the first is what readers see now
        for row in group:
            if row.version is not None and row.removed_at is None and row.version not in seen:
                if len(seen) >= keep and shown_until <= before:
                    found.append((partition, row.version))
                seen.add(row.version)
            shown_until = row.published_at
    return found


def mark_removed(connection: sa.Connection, table_id: int, gone: Iterable[tuple[str, str]], at: datetime) -> None:
    """Gives up versions, known to the log or not."""
    rows = [{"of": partition, "named": version} for partition, version in gone]
    if not rows:
        return
    known = connection.execute(
        sa.select(versions.c.partition, versions.c.version).where(versions.c.table_id == table_id)
    )
    names = {(row.partition, row.version) for row in known}
    to_mark = [row for row in rows if (row["of"], row["named"]) in names]
    to_add = [
        {
            "table_id": table_id,
            "partition": row["of"],
            "version": row["named"],
            "run_id": "",
            "files": [],
            "rows": 0,
            "bytes": 0,
            "removed_at": at,
        }
        for row in rows
        if (row["of"], row["named"]) not in names
    ]
    if to_mark:
        marked = versions.update().where(
            versions.c.table_id == table_id,
            versions.c.partition == sa.bindparam("of"),
            versions.c.version == sa.bindparam("named"),
        )
        connection.execute(marked.values(removed_at=at), to_mark)
    if to_add:
        connection.execute(versions.insert(), to_add)


def _not_before_the_last(connection: sa.Connection, at: datetime) -> datetime:
    """Clocks differ between machines; the log's moments follow its order all the same."""
    newest = sa.select(publications.c.published_at).order_by(publications.c.id.desc()).limit(1)
    return max(at, connection.scalar(newest) or at)


def _conflict(draft: Draft, lost: list[Any]) -> str:
    partitions = [row.partition for row in lost]
    return (
        f"{draft.table} {listed(partitions)}: run {lost[0].run_id} published it (publication {lost[0].decided_by}) "
        f"after run {draft.run_id} had started (at {draft.base}); the older run gives way. Start it again: "
        f"shopease run --table {draft.table.path} --from {min(partitions)} --to {max(partitions)}"
    )


def _schemas(connection: sa.Connection, ids: set[int]) -> dict[int, pa.Schema]:
    rows = connection.execute(sa.select(schemas.c.id, schemas.c.arrow).where(schemas.c.id.in_(ids)))
    return {row.id: _read_schema(row.arrow) for row in rows}


def _read_schema(arrow: bytes) -> pa.Schema:
    return pa.ipc.read_schema(pa.py_buffer(arrow))


def _new_id(result: sa.CursorResult[Any]) -> int:
    key = result.inserted_primary_key
    assert key is not None  # noqa: S101 - always so after an insert of one row
    return int(key[0])


def failing() -> sa.Select[Any]:
    """The newest row of each blocking check that failed last, and in `since` its first failure after it last passed."""
    later = quality.alias()
    same = [later.c[name] == quality.c[name] for name in ("layer", "name", "partition", "check")]
    passed_since = sa.exists().where(*same, later.c.id > quality.c.id, later.c.passed)
    runs = (
        sa.select(sa.func.max(quality.c.id).label("id"), sa.func.min(quality.c.checked_at).label("since"))
        .where(~quality.c.passed, quality.c.blocking, ~passed_since)
        .group_by(quality.c.layer, quality.c.name, quality.c.partition, quality.c.check)
        .subquery()
    )
    return sa.select(quality, runs.c.since).join(runs, runs.c.id == quality.c.id).order_by(quality.c.id)


def newest_partitions() -> sa.Select[Any]:
    """Layer, name, partition_by and the last partition (`newest`) of each table that shows one."""
    return (
        sa.select(
            tables.c.layer, tables.c.name, tables.c.partition_by, sa.func.max(pointers.c.partition).label("newest")
        )
        .join(pointers, pointers.c.table_id == tables.c.id)
        .where(pointers.c.version.is_not(None))
        .group_by(tables.c.layer, tables.c.name, tables.c.partition_by)
    )
