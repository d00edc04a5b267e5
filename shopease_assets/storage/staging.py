"""Writes Arrow rows into one fresh folder per partition, in any order, in bounded memory, on a few threads.

Knows nothing of versions, schema evolution or the log: `lake` decides those.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import pyarrow as pa
from pyarrow import fs

from shopease_assets.storage.parquet import ParquetFile, StoredFile, WriteOptions, empty_file


@dataclass(frozen=True)
class StagedPartition:
    """What was written for one partition."""

    files: tuple[StoredFile, ...]
    rows: int

    @property
    def bytes(self) -> int:
        """The size of all files."""
        return sum(file.bytes for file in self.files)


@dataclass
class _Partition:
    folder: str
    waiting: list[pa.Table] = field(default_factory=list)
    waiting_bytes: float = 0
    touched: int = 0
    file: ParquetFile | None = None
    files: list[StoredFile] = field(default_factory=list)
    rows: int = 0

    @property
    def next_name(self) -> str:
        return f"part-{len(self.files)}.parquet"

    def take(self) -> pa.Table:
        rows, self.waiting, self.waiting_bytes = pa.concat_tables(self.waiting), [], 0
        return rows.combine_chunks()


class PartitionWriter:
    """Buffers rows per partition; when the buffers outgrow their budget, the largest become row groups.

    Use as a context manager: leaving it by an exception deletes what was written.
    """

    def __init__(
        self,
        filesystem: fs.FileSystem,
        folders: Mapping[str, str],
        schema: pa.Schema,
        options: WriteOptions,
        threads: int,
    ) -> None:
        self._filesystem = filesystem
        self._schema = schema
        self._options = options
        self._partitions = {key: _Partition(folder) for key, folder in folders.items()}
        self._round = 0  # counts the tables that came
        self._open: dict[int, _Partition] = {}  # the least recently written first
        self._pool = ThreadPoolExecutor(threads) if len(folders) > 1 else None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool:
            self._pool.shutdown()
        if error is not None:
            self._abandon()

    def add(self, key: str, rows: pa.Table, size: float) -> None:
        """Takes rows of a partition; `size` is about what they hold in memory."""
        partition = self._partitions[key]
        partition.waiting.append(rows)
        partition.waiting_bytes += size
        partition.rows += len(rows)
        partition.touched = self._round

    def relieve(self) -> None:
        """Writes buffers, when all together are over the budget, until half of it is free.

        First those the last table did not touch: a source in order is done with them, and nothing is left to copy.
        """
        self._round += 1
        done = self._round - 1
        by_size = sorted(
            (partition for partition in self._partitions.values() if partition.waiting),
            key=lambda partition: (partition.touched == done, -partition.waiting_bytes),
        )
        waiting = sum(partition.waiting_bytes for partition in by_size)
        if waiting <= self._options.buffer_bytes:
            return
        largest = []
        for partition in by_size:
            if waiting <= self._options.buffer_bytes / 2 and partition.touched == done:
                break
            largest.append(partition)
            waiting -= partition.waiting_bytes
        for start in range(0, len(largest), self._options.open_files):
            batch = largest[start : start + self._options.open_files]
            self._make_room(batch)
            self._each(self._write, batch)
        self._compact()

    def finish(self) -> dict[str, StagedPartition]:
        """Writes what waits and closes all files; partitions without rows get a file without rows."""
        empty = empty_file(self._schema, self._options)

        def close(partition: _Partition) -> None:
            if partition.waiting:
                self._write(partition)
            if partition.file:
                self._close(partition)
            if not partition.files:
                self._write_empty(partition, empty)

        self._each(close, list(self._partitions.values()))
        return {key: StagedPartition(tuple(part.files), part.rows) for key, part in self._partitions.items()}

    def _write(self, partition: _Partition) -> None:
        rows = partition.take()
        if partition.file is None:
            self._filesystem.create_dir(partition.folder, recursive=True)
            path = f"{partition.folder}/{partition.next_name}"
            partition.file = ParquetFile(self._filesystem, path, rows.schema, self._options)
        partition.file.write(rows)

    def _write_empty(self, partition: _Partition, content: pa.Buffer) -> None:
        self._filesystem.create_dir(partition.folder, recursive=True)
        with self._filesystem.open_output_stream(f"{partition.folder}/{partition.next_name}") as sink:
            sink.write(content)
        partition.files.append(StoredFile(partition.next_name, content.size))

    def _close(self, partition: _Partition) -> None:
        if partition.file is not None:
            size = partition.file.close()
            partition.files.append(StoredFile(partition.next_name, size))
            partition.file = None

    def _make_room(self, coming: Sequence[_Partition]) -> None:
        """Closes the files longest not written to, so that those of the coming partitions fit."""
        for partition in coming:
            self._open.pop(id(partition), None)
        too_many = len(self._open) + len(coming) - self._options.open_files
        for partition in list(self._open.values())[: max(0, too_many)]:
            self._close(self._open.pop(id(partition)))
        self._open.update({id(partition): partition for partition in coming})

    def _compact(self) -> None:
        """Copies what still waits: its slices would keep whole batches alive."""
        waiting = [partition for partition in self._partitions.values() if partition.waiting]
        if not waiting:
            return
        together = pa.concat_tables([rows for partition in waiting for rows in partition.waiting]).combine_chunks()
        start = 0
        for partition in waiting:
            count = sum(len(rows) for rows in partition.waiting)
            partition.waiting = [together.slice(start, count)]
            start += count

    def _each(self, act: Callable[[_Partition], None], partitions: Sequence[_Partition]) -> None:
        # list() waits for all and raises the first error
        list((self._pool.map if self._pool else map)(act, partitions))

    def _abandon(self) -> None:
        """What cannot be deleted now, vacuum will find."""
        written = [partition for partition in self._partitions.values() if partition.file or partition.files]
        for partition in written:
            with suppress(OSError, pa.ArrowException):
                if partition.file:
                    partition.file.abandon()
        with suppress(OSError, pa.ArrowException):
            for partition in written:
                self._filesystem.delete_dir(partition.folder)
