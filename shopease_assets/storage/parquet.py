"""How the lake's Parquet files are encoded and written: smaller and faster than pyarrow's defaults.

Encodings and one file at a time. Which rows go to which file is `staging`'s.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.types as pt
from pyarrow import fs

MAX_ROW_GROUP_ROWS = 262_144
_DELTA = "DELTA_BINARY_PACKED"


@dataclass(frozen=True)
class WriteOptions:
    """Encoding and memory of a stage. `delta` off is for readers that lack DELTA_BINARY_PACKED."""

    delta: bool = True
    buffer_bytes: int = 16 << 20
    open_files: int = 64  # an open S3 upload holds 10 MB

    def __post_init__(self) -> None:
        """Checks the numbers."""
        if self.buffer_bytes <= 0 or self.open_files <= 0:
            raise ValueError(f"{self}: buffer_bytes and open_files must be positive")


@dataclass(frozen=True)
class StoredFile:
    """A file of a version: its name in the version's folder, and its size."""

    name: str
    bytes: int


def encoding(schema: pa.Schema, *, delta: bool) -> dict[str, Any]:
    """The arguments of a ParquetWriter: ids and timestamps as deltas, a dictionary for everything else."""
    deltas = {field.name for field in schema if delta and _is_delta(field)}
    return {
        "compression": "zstd",
        "compression_level": 1,
        "store_decimal_as_integer": True,
        "store_schema": False,  # what Parquet cannot say itself, the publication log knows
        "use_dictionary": [path for field in schema if field.name not in deltas for path in _leaves(field)],
        "column_encoding": dict.fromkeys(deltas, _DELTA) or None,
    }


class ParquetFile:
    """One Parquet file being written, a table at a time."""

    def __init__(self, filesystem: fs.FileSystem, path: str, schema: pa.Schema, options: WriteOptions) -> None:
        self._filesystem = filesystem
        self._path = path
        self._sink = filesystem.open_output_stream(path)
        self._writer = pq.ParquetWriter(self._sink, schema, **encoding(schema, delta=options.delta))

    def write(self, rows: pa.Table) -> None:
        """Adds the rows as row groups of their own."""
        self._writer.write_table(rows, row_group_size=MAX_ROW_GROUP_ROWS)

    def close(self) -> int:
        """Finishes the file; returns its size in bytes."""
        self._writer.close()
        size = int(self._sink.tell())
        self._sink.close()
        return size

    def abandon(self) -> None:
        """Lets go of the file without finishing it, and deletes what was written."""
        self._writer.is_open = False  # else its destructor writes a footer to the closed file
        try:
            self._filesystem.delete_file(self._path)  # before it is closed, which uploads it
        finally:
            self._sink.close()


def empty_file(schema: pa.Schema, options: WriteOptions) -> pa.Buffer:
    """The bytes of a Parquet file without rows."""
    sink = pa.BufferOutputStream()
    pq.ParquetWriter(sink, schema, **encoding(schema, delta=options.delta)).close()
    return sink.getvalue()


def _is_delta(field: pa.Field) -> bool:
    is_id = field.name == "id" or field.name.endswith("_id")
    return bool(pt.is_timestamp(field.type) or (is_id and pt.is_integer(field.type)))


def _leaves(field: pa.Field, prefix: str = "") -> Iterator[str]:
    path = prefix + field.name
    if pt.is_struct(field.type):
        for child in field.type:
            yield from _leaves(child, f"{path}.")
    elif pt.is_map(field.type):
        yield from _leaves(pa.field("key", field.type.key_type), f"{path}.key_value.")
        yield from _leaves(pa.field("value", field.type.item_type), f"{path}.key_value.")
    elif pt.is_list(field.type) or pt.is_large_list(field.type):
        yield from _leaves(pa.field("element", field.type.value_type), f"{path}.list.")
    else:
        yield path
