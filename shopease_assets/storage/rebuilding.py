"""A publication log that was lost, filled again from what Glue shows and what the files say of themselves.

Readers then see what Athena sees. History, notes, quality results and what was published but never mirrored are gone.
"""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
from pyarrow import fs

from shopease_assets.core.errors import CatalogError
from shopease_assets.core.layout import LAYERS, TableRef
from shopease_assets.storage.catalog import footer
from shopease_assets.storage.glue import GlueMirror
from shopease_assets.storage.lake import ParquetLake
from shopease_assets.storage.location import Location
from shopease_assets.storage.parquet import StoredFile
from shopease_assets.storage.records import Draft, Move, NewVersion
from shopease_assets.storage.schema import canonical_schema
from shopease_assets.storage.versions import run_of, written_at

_NOTE = "rebuilt from Glue"
_FILES_AT_ONCE = 16


@dataclass(frozen=True)
class Rebuilt:
    """What was restored of a table, and which of Glue's partitions have no version to show."""

    table: TableRef
    partitions: int
    rows: int
    lost: tuple[str, ...]


@dataclass(frozen=True)
class _Found:
    version: NewVersion
    schema: pa.Schema


def rebuild_log(lake: ParquetLake, mirror: GlueMirror, *, now: datetime) -> list[Rebuilt]:
    """Fills the lake's empty log, a publication for each shape a table's files have; the newest shape last.

    Raises CatalogError for a log that is not empty, and when Glue cannot be asked.
    """
    if lake.log.tables():
        raise CatalogError("the publication log is not empty; set SHOPEASE_CATALOG_URL to a new one, then rebuild that")
    return [_rebuilt(lake, mirror, table, now) for layer in LAYERS for table in mirror.tables(layer)]


def _rebuilt(lake: ParquetLake, mirror: GlueMirror, table: TableRef, now: datetime) -> Rebuilt:
    addresses = mirror.addresses(table)
    with ThreadPoolExecutor(_FILES_AT_ONCE) as pool:
        looked_at = pool.map(lambda key: _found(lake.location, table, key, addresses[key]), addresses)
        found = {key: one for key, one in zip(addresses, looked_at, strict=True) if one is not None}
    shapes: dict[pa.Schema, dict[str, _Found]] = {}
    for key, one in sorted(found.items(), key=lambda item: item[1].version.version):
        shapes.setdefault(one.schema, {})[key] = one
    for schema, of_shape in sorted(shapes.items(), key=lambda item: len(item[0])):
        _append(lake, table, schema, of_shape, now)
    last = lake.log.schema(table)
    newest = _schema_of(mirror.columns(table), list(shapes))
    if last is not None and last != newest:
        _append(lake, table, newest, {}, now)
    rows = sum(one.version.rows for one in found.values())
    return Rebuilt(table, len(found), rows, tuple(sorted(addresses.keys() - found.keys())))


def _found(location: Location, table: TableRef, key: str, address: str) -> _Found | None:
    version = address.rstrip("/").rpartition("/")[2]
    folder = location.version(table, key, version)
    if location.path(address) != folder or written_at(version) is None:
        return None
    selector = fs.FileSelector(folder, allow_not_found=True)
    infos = sorted(location.filesystem.get_file_info(selector), key=lambda info: info.path)
    footers = [footer(location, info.path) for info in infos]
    if not footers:
        return None
    files = tuple(StoredFile(info.base_name, info.size) for info in infos)
    rows, size = sum(said.num_rows for said in footers), sum(file.bytes for file in files)
    schema = canonical_schema(table, footers[0].schema.to_arrow_schema())
    return _Found(NewVersion(version, run_of(version), files, rows, size), schema)


def _append(lake: ParquetLake, table: TableRef, schema: pa.Schema, found: Mapping[str, _Found], now: datetime) -> None:
    lake.log.append(
        Draft(
            table=table,
            kind="publish",
            run_id="rebuild-log",
            at=now,
            note=_NOTE,
            schema=schema,
            moves={key: Move(one.version) for key, one in found.items()},
            seen=lake.log.snapshot(table, ()),
        )
    )


def _schema_of(columns: list[str], shapes: list[pa.Schema]) -> pa.Schema:
    """Glue's columns with the types the files have, the newest first."""
    fields = {field.name.lower(): field for schema in shapes for field in schema}
    return pa.schema([fields[name] for name in columns if name in fields])
