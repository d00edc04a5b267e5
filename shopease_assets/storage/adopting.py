"""Takes over Parquet files that another engine wrote into the folders of a version nobody can see yet.

Files of the table's own schema stay as they are. Others are read, cast and written again by us, and removed, for
readers take every file of the folder.
"""

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from shopease_assets.core.errors import SchemaConflict
from shopease_assets.core.layout import TableRef
from shopease_assets.storage.parquet import MAX_ROW_GROUP_ROWS, StoredFile, WriteOptions
from shopease_assets.storage.schema import canonical_schema, conform
from shopease_assets.storage.staging import PartitionWriter, StagedPartition


def adopted(
    filesystem: fs.FileSystem, table: TableRef, folders: Mapping[str, str], schema: pa.Schema, options: WriteOptions
) -> dict[str, StagedPartition]:
    """What the folders hold, by partition; afterwards every file has exactly this schema and no folder is empty.

    Raises SchemaConflict for a file whose columns are others, or do not fit.
    """
    found = {key: _files(filesystem, folder) for key, folder in folders.items()}
    written = {key: {path: _footer(filesystem, path) for path in files} for key, files in found.items()}
    kept, anew = {}, {}
    for key, files in written.items():
        if files and all(_columns(footer.schema.to_arrow_schema()) == _columns(schema) for footer in files.values()):
            stored = tuple(StoredFile(path.rsplit("/", 1)[1], found[key][path]) for path in files)
            kept[key] = StagedPartition(stored, sum(footer.num_rows for footer in files.values()))
        else:
            anew[key] = folders[key]
    if anew:
        kept |= _rewritten(filesystem, table, anew, {key: list(found[key]) for key in anew}, schema, options)
    return kept


def _rewritten(
    filesystem: fs.FileSystem,
    table: TableRef,
    folders: Mapping[str, str],
    files: Mapping[str, list[str]],
    schema: pa.Schema,
    options: WriteOptions,
) -> dict[str, StagedPartition]:
    with PartitionWriter(filesystem, folders, schema, options, threads=1) as writer:  # it is rare
        for key in folders:
            for path in files[key]:
                with filesystem.open_input_file(path) as source:
                    for batch in _reader(source).iter_batches(MAX_ROW_GROUP_ROWS):
                        rows = _cast(table, path, pa.Table.from_batches([batch]), schema)
                        writer.add(key, rows, rows.nbytes)
                        writer.relieve()
        written = writer.finish()
    for path in (path for paths in files.values() for path in paths):
        filesystem.delete_file(path)
    return written


def _cast(table: TableRef, path: str, rows: pa.Table, schema: pa.Schema) -> pa.Table:
    if missing := set(schema.names) ^ set(rows.schema.names):
        raise SchemaConflict(f"{table}: {path} and the contract do not both have {', '.join(sorted(missing))}")
    canonical_schema(table, rows.schema)
    try:
        return conform(rows, schema)
    except pa.ArrowException:  # which quotes the value
        others = [name for name, kind in _columns(rows.schema) if kind != schema.field(name).type]
        raise SchemaConflict(
            f"{table}: {path} holds values that the types of {', '.join(others)} cannot; cast them in the query"
        ) from None


def _files(filesystem: fs.FileSystem, folder: str) -> dict[str, int]:
    """Path → size, by name."""
    selector = fs.FileSelector(folder, allow_not_found=True)
    return {info.path: info.size for info in sorted(filesystem.get_file_info(selector), key=lambda info: info.path)}


def _footer(filesystem: fs.FileSystem, path: str) -> pq.FileMetaData:
    with filesystem.open_input_file(path) as source:
        return _reader(source).metadata


def _reader(source: pa.NativeFile) -> pq.ParquetFile:
    return pq.ParquetFile(source, coerce_int96_timestamp_unit="us")


def _columns(schema: pa.Schema) -> list[tuple[str, pa.DataType]]:
    return [(field.name, field.type) for field in schema]
