"""Whether publication log, objects, Parquet footers, contracts and Glue agree; and making Glue agree again.

Nothing here changes data or the log. Filling a log that was lost is `rebuilding`'s.
"""

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from shopease_assets.core.errors import CatalogError
from shopease_assets.core.layout import LAYERS, TableRef
from shopease_assets.storage.glue_tables import Documents
from shopease_assets.storage.glue_types import glue_columns
from shopease_assets.storage.lake import ParquetLake
from shopease_assets.storage.location import Location
from shopease_assets.storage.records import PublishedPartition, Snapshot
from shopease_assets.storage.retention import VersionFolder, version_folders

if TYPE_CHECKING:
    from shopease_assets.storage.glue import Difference, GlueMirror

_FILES_AT_ONCE = 16
_REPAIR = "shopease catalog repair"


class Kind(StrEnum):
    """What a finding is about; `cure` says what to do."""

    MISSING = "partitions Glue lacks"
    STALE = "partitions Glue shows as they were"
    UNPUBLISHED = "partitions Glue still shows, which nobody publishes any more"
    ORPHAN = "partitions Glue shows and the log has never heard of"
    DEFINITION = "tables and views Glue describes otherwise"
    UNKNOWN_TABLE = "tables in Glue the log has never heard of"
    UNREADABLE = "tables Athena cannot read"
    FILES = "published files that are missing or cut short"
    TYPES = "published files of other columns than they should have"
    CONTRACT = "tables published with other types than their contract promises"
    STRAY = "versions nobody published, or that were given up"

    @property
    def cure(self) -> str:
        """What to do about it."""
        return _CURES[self]


_LOST_LOG = "if the log was lost: shopease catalog rebuild-log, with a new SHOPEASE_CATALOG_URL; otherwise "
_CURES = {
    **dict.fromkeys((Kind.MISSING, Kind.STALE, Kind.UNPUBLISHED, Kind.DEFINITION), _REPAIR),
    Kind.ORPHAN: f"{_LOST_LOG}{_REPAIR} (it keeps those whose files are there)",
    Kind.UNKNOWN_TABLE: f"{_LOST_LOG}delete them from Glue",
    Kind.UNREADABLE: "publish the column as another type",
    Kind.FILES: "shopease run for these partitions, or shopease rollback",
    Kind.TYPES: "shopease run for these partitions, and find out who wrote the files",
    Kind.CONTRACT: "shopease run for the newest partition: publishing widens the others",
    Kind.STRAY: "shopease vacuum",
}


@dataclass(frozen=True, order=True)
class Finding:
    """Something that does not agree; `partition` is empty where it concerns the whole table."""

    kind: Kind
    table: TableRef
    partition: str
    says: str = ""


def check(
    lake: ParquetLake,
    mirror: "GlueMirror | None",
    documents: Documents,
    *,
    now: datetime,
    grace: timedelta,
    tables: Iterable[TableRef] | None = None,
) -> list[Finding]:
    """Everything that does not agree, of all tables (or these); each published file's footer is read.

    Versions written within the grace may be those of a run at work. A table that is being published may be found
    stale in Glue. Raises CatalogError when Glue cannot be asked.
    """
    known = lake.log.tables()
    chosen = known if tables is None else list(tables)
    found = [
        finding
        for table in chosen
        for finding in (
            *_files(lake, table, now - grace),
            *_promises(lake, table, documents),
            *(_glue(mirror, table) if mirror else ()),
        )
    ]
    if mirror and tables is None:
        shown = [table for layer in LAYERS for table in mirror.tables(layer)]
        found += [Finding(Kind.UNKNOWN_TABLE, table, "") for table in shown if table not in known]
    return sorted(found)


def repair(lake: ParquetLake, mirror: "GlueMirror") -> list["Difference"]:
    """Makes Glue show what the log says; returns what it mended, by table. A second time there is nothing to do.

    Orphans whose files are there stay: they may be all that is left of a log that was lost.
    """

    def has_files(address: str) -> bool:
        path = lake.location.path(address)
        return path is not None and bool(_listed(lake.location, path))

    repaired = (mirror.repair(table, keep=has_files) for table in lake.log.tables())
    return [mended for mended in repaired if mended.to_mend]


def footer(location: Location, path: str) -> pq.FileMetaData:
    """What a Parquet file says of itself. Raises OSError or pyarrow's exceptions when it says nothing."""
    with location.filesystem.open_input_file(path) as file:
        return pq.read_metadata(file)


def _files(lake: ParquetLake, table: TableRef, before: datetime) -> Iterator[Finding]:
    there = version_folders(lake.location, table)
    seen = lake.log.snapshot(table)
    whole: list[tuple[str, PublishedPartition, str]] = []
    for key, at in seen.pointers.items():
        held = there.get((key, at.version), VersionFolder("", before)).files
        for file in at.files:
            if held.get(file.name) == file.bytes:
                whole.append((key, at, f"{lake.location.version(table, key, at.version)}/{file.name}"))
            else:
                size = f"has {held[file.name]} of {file.bytes} bytes" if file.name in held else "is gone"
                yield Finding(Kind.FILES, table, key, f"{at.version}/{file.name} {size}")
    with ThreadPoolExecutor(_FILES_AT_ONCE) as pool:
        for (key, _, _), says in zip(
            whole, pool.map(lambda one: _mistyped(lake.location, table, seen, *one[1:]), whole), strict=True
        ):
            if says:
                yield Finding(Kind.TYPES, table, key, says)
    kept = lake.log.kept(table)
    for (key, version), folder in there.items():
        if (key, version) not in kept and folder.written_at <= before:
            yield Finding(Kind.STRAY, table, key, version)


def _mistyped(location: Location, table: TableRef, seen: Snapshot, at: PublishedPartition, path: str) -> str:
    try:
        held = glue_columns(table, footer(location, path).schema.to_arrow_schema())
        told, now = glue_columns(table, at.schema), glue_columns(table, seen.schema or at.schema)
    except (OSError, pa.ArrowException, CatalogError) as error:
        return f"{path}: {error}"
    return _differing(held, told) or _differing({name: held[name] for name in held if name in now}, now, some=True)


def _differing(held: Mapping[str, str], wanted: Mapping[str, str], *, some: bool = False) -> str:
    """`amount is double, not decimal(12,2)`; with `some`, columns may be missing."""
    names = held if some else {**held, **wanted}
    return ", ".join(
        f"{name} is {held.get(name, 'missing')}, not {wanted.get(name, 'there')}"
        for name in names
        if held.get(name) != wanted.get(name)
    )


def _promises(lake: ParquetLake, table: TableRef, documents: Documents) -> Iterator[Finding]:
    promised, published = documents(table).schema, lake.log.schema(table)
    if published is None:
        return
    try:
        held = glue_columns(table, published)
    except CatalogError as error:
        yield Finding(Kind.UNREADABLE, table, "", str(error))
        return
    if promised is not None:
        wanted = glue_columns(table, promised)
        if says := _differing({name: held[name] for name in wanted if name in held}, wanted):
            yield Finding(Kind.CONTRACT, table, "", says)


def _glue(mirror: "GlueMirror", table: TableRef) -> Iterator[Finding]:
    found = mirror.compare(table)
    yield from (Finding(Kind.DEFINITION, table, "", one.name) for one in found.definitions)
    yield from (Finding(Kind.MISSING, table, key) for key in found.create)
    yield from (Finding(Kind.STALE, table, key) for key in found.update)
    yield from (Finding(Kind.UNPUBLISHED, table, key) for key in found.delete)
    yield from (Finding(Kind.ORPHAN, table, key, address) for key, address in found.orphans.items())


def _listed(location: Location, folder: str) -> list[fs.FileInfo]:
    selector = fs.FileSelector(folder, allow_not_found=True, recursive=True)
    return [info for info in location.filesystem.get_file_info(selector) if info.type == fs.FileType.File]
