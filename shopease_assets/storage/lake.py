"""The lake: stage versions of partitions, publish them by moving pointers, read what is published.

Immutable Parquet files in fresh folders; the publication log alone says which of them readers see. Types and
evolution are `schema`'s, writing is `staging`'s, SQL is `log`'s, deleting is `retention`'s.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pyarrow as pa

from shopease_assets.core.errors import NotPublished, ShopEaseError
from shopease_assets.core.layout import TableRef
from shopease_assets.storage.adopting import adopted
from shopease_assets.storage.incoming import Data, Incoming, incoming
from shopease_assets.storage.location import Location
from shopease_assets.storage.log import Outdated, PublicationLog
from shopease_assets.storage.log_queries import listed, vacuumed
from shopease_assets.storage.parquet import StoredFile, WriteOptions
from shopease_assets.storage.partitioning import check_partition_column, check_partition_keys, cut
from shopease_assets.storage.records import Draft, Moment, Move, NewVersion, Publication, PublishedPartition, Snapshot
from shopease_assets.storage.relation import Relation
from shopease_assets.storage.retention import VacuumReport, vacuum
from shopease_assets.storage.rewriting import Rewriter
from shopease_assets.storage.schema import canonical_schema, conform, evolve, staged_schema
from shopease_assets.storage.staging import PartitionWriter, StagedPartition
from shopease_assets.storage.versions import new_version

__all__ = ["Data", "ParquetLake", "Relation", "Staged", "StagedPartition", "VacuumReport"]
Clock = Callable[[], datetime]
Write = Callable[[Mapping[str, str], pa.Schema], None]
"""Writes Parquet files with these columns into the folder (address) of each partition."""


def utc_now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Staged:
    """Written, not visible: one version of some partitions, and the publication its run started from.

    `note` is what the history will say of its publication.
    """

    table: TableRef
    run_id: str
    version: str
    base: int
    schema: pa.Schema
    partitions: Mapping[str, StagedPartition]
    note: str | None = None

    def only(self, partitions: Iterable[str]) -> "Staged":
        """These partitions of it. Raises ShopEaseError for one that was not staged."""
        wanted = set(partitions)
        if unknown := wanted - set(self.partitions):
            raise ShopEaseError(f"{self.table} {listed(unknown)} was not staged by run {self.run_id}; stage it first")
        return replace(self, partitions={key: self.partitions[key] for key in self.partitions if key in wanted})


class ParquetLake:
    """Parquet files on any Arrow filesystem, published through a publication log."""

    def __init__(
        self,
        location: Location,
        log: PublicationLog,
        *,
        clock: Clock = utc_now,
        options: WriteOptions | None = None,
    ) -> None:
        self.location = location
        self.log = log
        self._clock = clock
        self._options = options or WriteOptions()

    @classmethod
    def local(
        cls, root: Path, log: PublicationLog, *, clock: Clock = utc_now, options: WriteOptions | None = None
    ) -> "ParquetLake":
        """A lake in a folder of this machine."""
        return cls(Location.local(root), log, clock=clock, options=options)

    def stage(
        self, table: TableRef, frame: Data, *, partitions: Sequence[str], run_id: str, base: int | None = None
    ) -> Staged:
        """Writes a new version of each listed partition, visible to nobody; without rows, it is an empty version.

        `base` is the log's position when the run started (default: now). Raises ShopEaseError for rows of other
        partitions, SchemaConflict for columns that could never be published.
        """
        check_partition_keys(table, partitions)
        base = self.log.position() if base is None else base
        data = incoming(frame, table.partition_by)
        schema = self._schema_to_write(table, data)
        version = new_version(self._clock(), run_id)
        written = self._write(table, version, partitions, schema, data)
        return Staged(table, run_id, version, base, schema, written)

    def adopt(
        self,
        table: TableRef,
        schema: pa.Schema,
        write: Write,
        *,
        partitions: Sequence[str],
        run_id: str,
        base: int | None = None,
    ) -> Staged:
        """Stages what another engine writes itself: `write` fills the partitions' folders with Parquet files.

        `write` gets the folders' addresses by partition, and the schema files should have; those of other types are
        cast and written anew, and a folder left empty becomes an empty version. `schema` is without the partition
        column. If it fails, what it wrote is left for vacuum.

        Raises SchemaConflict for files that lack a column or hold other kinds of values.
        """
        check_partition_keys(table, partitions)
        base = self.log.position() if base is None else base
        schema = staged_schema(table, self.log.schema(table), canonical_schema(table, schema))
        version = new_version(self._clock(), run_id)
        folders = {key: self.location.version(table, key, version) for key in sorted(set(partitions))}
        write({key: self.location.address(folder) for key, folder in folders.items()}, schema)
        written = adopted(self.location.filesystem, table, folders, schema, self._options)
        return Staged(table, run_id, version, base, schema, written)

    def relation_staged(self, staged: Staged) -> Relation:
        """What was staged, as its readers would see it."""
        files = {
            key: self._addresses(staged.table, key, staged.version, part.files)
            for key, part in staged.partitions.items()
        }
        return self._relation(staged.table, staged.schema, files)

    def scan_staged(self, staged: Staged) -> pl.LazyFrame:
        """The rows that were staged."""
        return self.relation_staged(staged).scan()

    def publish(self, staged: Staged, *, note: str | None = None, drop: Iterable[str] = ()) -> int:
        """Moves the partitions' pointers to what was staged; returns the publication's id.

        Raises PublishConflict when another run published a partition since this one started, SchemaConflict when
        the table's schema cannot become the staged one, NotPublished when staged files are gone.
        """
        table = staged.table
        new = {
            key: NewVersion(staged.version, staged.run_id, part.files, part.rows, part.bytes)
            for key, part in staged.partitions.items()
        }
        self._check_files(table, new)
        rewriter = self._rewriter(table, staged.run_id)
        while True:
            seen = self.log.snapshot(table, partitions=())
            change = evolve(table, seen.schema, staged.schema, drop)
            if change.changed and change.previous is not None:
                seen = self.log.snapshot(table)
                change = evolve(table, seen.schema, staged.schema, drop)
            moves = {
                key: Move(rewriter.fit(key, version, staged.schema, change.schema)) for key, version in new.items()
            }
            moves |= {
                key: Move(rewriter.rewrite(key, live, change), rewrite=True)
                for key, live in seen.pointers.items()
                if key not in new and change.must_rewrite(live.schema)
            }
            with suppress(Outdated):
                return self.log.append(
                    Draft(
                        table=table,
                        kind="publish",
                        run_id=staged.run_id,
                        at=self._clock(),
                        note=note or staged.note,
                        schema=change.schema,
                        moves=moves,
                        seen=seen,
                        base=staged.base,
                        only_if_head=change.changed,
                    )
                )

    def relation(
        self,
        table: TableRef,
        partitions: Iterable[str] | None = None,
        as_of: Moment | None = None,
        *,
        strict: bool = False,
    ) -> Relation:
        """What is published of the partitions (default: all), now or as of a publication or moment.

        Partitions that are not published are left out (and told in `missing`) unless `strict`. Raises
        NotPublished for a table that was never published, and for versions that were vacuumed.
        """
        asked = None if partitions is None else sorted(set(partitions))
        seen = self.log.snapshot(table, asked, as_of)
        if seen.schema is None:
            raise NotPublished(_never_published(table, asked, as_of))
        gone = [key for key, version in seen.pointers.items() if version.removed_at is not None]
        if gone:
            raise NotPublished(vacuumed(table, gone))
        missing = tuple(key for key in asked or () if key not in seen.pointers)
        if missing and strict:
            raise NotPublished(_never_published(table, missing, as_of))
        files = {key: self._addresses(table, key, at.version, at.files) for key, at in seen.pointers.items()}
        uniform = all(schema is seen.schema or schema == seen.schema for schema in _schemas(seen))
        return replace(self._relation(table, seen.schema, files, missing), uniform=uniform)

    def scan(
        self,
        table: TableRef,
        partitions: Iterable[str] | None = None,
        as_of: Moment | None = None,
        *,
        strict: bool = False,
    ) -> pl.LazyFrame:
        """The published rows; see `relation`."""
        return self.relation(table, partitions, as_of, strict=strict).scan()

    def files(self, table: TableRef, partitions: Iterable[str] | None = None, as_of: Moment | None = None) -> list[str]:
        """The published files; see `relation`."""
        return self.relation(table, partitions, as_of).paths

    def history(self, table: TableRef, partition: str | None = None) -> list[Publication]:
        """The publications that moved the table's (or the partition's) pointers, newest first."""
        return self.log.history(table, partition)

    def rollback(
        self,
        table: TableRef,
        to: Moment,
        *,
        partitions: Iterable[str] | None = None,
        run_id: str = "rollback",
        note: str | None = None,
    ) -> int:
        """Moves the pointers (default: of all partitions) to where they stood then, as a new publication.

        Partitions that were not published then are un-published. The schema stays as it is: versions of narrower
        types are rewritten. Raises NotPublished when a version was vacuumed or the table was never published.
        """
        asked = None if partitions is None else set(partitions)
        rewriter = self._rewriter(table, run_id)
        while True:
            seen = self.log.snapshot(table)
            if seen.schema is None:
                raise NotPublished(_never_published(table, asked, None))
            then = self.log.pointers(table, asked, as_of=to)
            moves = self._moves_back(table, seen, then, asked, rewriter)
            with suppress(Outdated):
                return self.log.append(
                    Draft(
                        table=table,
                        kind="rollback",
                        run_id=run_id,
                        at=self._clock(),
                        note=note,
                        schema=seen.schema,
                        moves=moves,
                        seen=seen,
                        only_if_head=True,
                    )
                )

    def vacuum(self, table: TableRef, *, keep: int, grace: timedelta) -> VacuumReport:
        """Deletes versions beyond the `keep` newest of each partition, and staged ones that were never published.

        What was visible or written within the grace stays: it must be longer than the longest run and query.
        """
        return vacuum(self.location, self.log, table, keep=keep, grace=grace, now=self._clock())

    def _schema_to_write(self, table: TableRef, data: Incoming) -> pa.Schema:
        published = self.log.schema(table)
        if data.schema is None:
            if published is None:
                raise ShopEaseError(f"{table}: nothing was staged and no columns are known; stage an empty frame")
            return published
        check_partition_column(table, data.schema)
        rows = data.schema.remove(data.schema.get_field_index(table.partition_by))
        return staged_schema(table, published, canonical_schema(table, rows))

    def _write(
        self, table: TableRef, version: str, partitions: Sequence[str], schema: pa.Schema, data: Incoming
    ) -> dict[str, StagedPartition]:
        folders = {key: self.location.version(table, key, version) for key in sorted(set(partitions))}
        where = self.location
        with PartitionWriter(where.filesystem, folders, schema, self._options, where.writers) as writer:
            for rows in data.tables:
                row_bytes = rows.nbytes / max(1, len(rows))
                cuts = list(cut(table, rows))
                if unlisted := {key for key, _ in cuts} - set(folders):
                    raise ShopEaseError(
                        f"{table}: staged rows belong to {listed(unlisted)}, outside the partitions of this run "
                        f"({listed(folders)}); leave them out, or run those partitions too"
                    )
                for key, part in cuts:
                    writer.add(key, conform(part, schema), len(part) * row_bytes)
                if not data.in_memory:
                    writer.relieve()
            return writer.finish()

    def _moves_back(
        self,
        table: TableRef,
        seen: Snapshot,
        then: Mapping[str, PublishedPartition],
        asked: set[str] | None,
        rewriter: Rewriter,
    ) -> dict[str, Move]:
        now = seen.pointers if asked is None else {key: at for key, at in seen.pointers.items() if key in asked}
        back = {key: at for key, at in then.items() if key not in now or now[key].version != at.version}
        gone = [key for key, at in back.items() if at.removed_at is not None]
        if gone:
            raise NotPublished(vacuumed(table, gone))
        self._check_files(table, back)
        moves = {key: Move(rewriter.restore(key, at, seen.schema)) for key, at in back.items()}
        return moves | {key: Move(None) for key in now if key not in then}

    def _check_files(self, table: TableRef, written: Mapping[str, NewVersion | PublishedPartition]) -> None:
        expected = {
            f"{self.location.version(table, key, version.version)}/{file.name}": (key, file.bytes)
            for key, version in written.items()
            for file in version.files
        }
        found = self.location.filesystem.get_file_info(list(expected))
        broken = {key for info, (key, size) in zip(found, expected.values(), strict=True) if info.size != size}
        if broken:
            raise NotPublished(
                f"{table} {listed(broken)}: files of the version are missing or incomplete; run it again"
            )

    def _addresses(self, table: TableRef, key: str, version: str, files: Iterable[StoredFile]) -> tuple[str, ...]:
        folder = self.location.address(self.location.version(table, key, version))
        return tuple(f"{folder}/{file.name}" for file in files)

    def _relation(
        self,
        table: TableRef,
        schema: pa.Schema,
        files: Mapping[str, tuple[str, ...]],
        missing: tuple[str, ...] = (),
    ) -> Relation:
        whole = schema.append(pa.field(table.partition_by, pa.date32()))
        location = self.location
        return Relation(table, whole, files, missing, location.storage_options, filesystem=location.reader)

    def _rewriter(self, table: TableRef, run_id: str) -> Rewriter:
        return Rewriter(self.location, table, run_id, self._clock, self._options)


def _never_published(table: TableRef, partitions: Iterable[str] | None, as_of: Moment | None) -> str:
    keys = sorted(partitions or ())
    what = f"{table} {listed(keys)}" if keys else str(table)
    when = "" if as_of is None else f" as of {as_of}"
    source = f"silver/{table.name}" if table.layer == "quarantine" else table.path
    span = f"--from {keys[0]} --to {keys[-1]}" if keys else "--from <day> --to <day>"
    return f"{what} is not published{when}; run: shopease run --table {source} {span}"


def _schemas(seen: Snapshot) -> Iterable[pa.Schema]:
    """The schemas its versions were written with, each once: versions share them."""
    return {id(pointer.schema): pointer.schema for pointer in seen.pointers.values()}.values()
