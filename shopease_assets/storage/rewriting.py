"""Copies versions into other types: what was published narrower than the table has become."""

from collections.abc import Callable
from datetime import datetime

import pyarrow as pa
import pyarrow.parquet as pq

from shopease_assets.core.layout import TableRef
from shopease_assets.storage.location import Location
from shopease_assets.storage.parquet import MAX_ROW_GROUP_ROWS, WriteOptions
from shopease_assets.storage.records import NewVersion, PublishedPartition
from shopease_assets.storage.schema import Evolution, conform, is_narrower
from shopease_assets.storage.staging import PartitionWriter
from shopease_assets.storage.versions import new_version


class Rewriter:
    """Rewrites versions of one table; asked again for the same one, it has it ready."""

    def __init__(
        self, location: Location, table: TableRef, run_id: str, clock: Callable[[], datetime], options: WriteOptions
    ) -> None:
        self._location = location
        self._table = table
        self._run_id = run_id
        self._clock = clock
        self._options = options
        self._done: dict[tuple[str, str, bytes], NewVersion] = {}

    def rewrite(self, key: str, live: PublishedPartition, change: Evolution) -> NewVersion:
        """A published version as the table's new schema wants it; a column that comes back starts with nulls."""
        known = live.schema.names if change.previous is None else change.previous.names
        return self._rewritten(key, live, [name for name in live.schema.names if name in known], change.schema)

    def fit(self, key: str, staged: NewVersion, written: pa.Schema, schema: pa.Schema) -> NewVersion:
        """A staged version, cast up if the table was widened after it was written."""
        if not is_narrower(self._table, written, schema):
            return staged
        return self._rewritten(key, staged, written.names, schema)

    def restore(self, key: str, old: PublishedPartition, schema: pa.Schema) -> NewVersion | str:
        """An old version by its name, or cast up if the table was widened since.

        Raises SchemaConflict when a column has become another type altogether.
        """
        if not is_narrower(self._table, old.schema, schema):
            return old.version
        return self._rewritten(key, old, old.schema.names, schema)

    def _rewritten(
        self, key: str, old: PublishedPartition | NewVersion, columns: list[str], schema: pa.Schema
    ) -> NewVersion:
        ready = (key, old.version, schema.serialize().to_pybytes())
        if ready not in self._done:
            self._done[ready] = self._copy(key, old, [name for name in columns if name in schema.names], schema)
        return self._done[ready]

    def _copy(
        self, key: str, old: PublishedPartition | NewVersion, columns: list[str], schema: pa.Schema
    ) -> NewVersion:
        filesystem = self._location.filesystem
        name = new_version(self._clock(), self._run_id)
        here, there = (self._location.version(self._table, key, version) for version in (old.version, name))
        with PartitionWriter(filesystem, {key: there}, schema, self._options, threads=1) as writer:
            for file in old.files:
                with filesystem.open_input_file(f"{here}/{file.name}") as source:
                    for batch in pq.ParquetFile(source).iter_batches(MAX_ROW_GROUP_ROWS, columns=columns):
                        rows = conform(pa.Table.from_batches([batch]), schema)
                        writer.add(key, rows, rows.nbytes)
                        writer.relieve()
            written = writer.finish()[key]
        return NewVersion(name, old.run_id, written.files, written.rows, written.bytes)
