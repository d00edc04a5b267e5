"""Deletes versions nobody can be reading any more: superseded long ago, or staged and never published.

A version is first given up in the log, in a transaction that publish and rollback also pass through; its files
are deleted after. A crash in between leaves files that the next vacuum deletes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from pyarrow import fs

from shopease_assets.core.layout import TableRef
from shopease_assets.storage.location import Location
from shopease_assets.storage.log import PublicationLog
from shopease_assets.storage.versions import written_at


@dataclass(frozen=True)
class VacuumReport:
    """What a vacuum deleted."""

    table: TableRef
    versions: int
    files: int
    bytes: int


def vacuum(
    location: Location, log: PublicationLog, table: TableRef, *, keep: int, grace: timedelta, now: datetime
) -> VacuumReport:
    """Keeps the `keep` newest versions of each partition and whatever was visible or written within the grace.

    The grace must be longer than the longest run and the longest query.
    """
    if keep < 1 or grace < timedelta(0):
        raise ValueError(f"{table}: vacuum needs keep ≥ 1 and grace ≥ 0, not {keep} and {grace}")
    before = now - grace
    found = {(entry.partition, entry.version): entry for entry in _version_folders(location, table)}
    stray = [key for key, entry in found.items() if entry.written_at <= before]
    gone = log.give_up(table, keep=keep, before=before, at=now, stray=stray) if found else set()
    deleted = [entry for key, entry in found.items() if key in gone]
    for entry in deleted:
        location.filesystem.delete_dir(entry.folder)
    return VacuumReport(
        table, len(deleted), sum(entry.files for entry in deleted), sum(entry.bytes for entry in deleted)
    )


@dataclass
class _VersionFolder:
    partition: str
    version: str
    folder: str
    written_at: datetime
    files: int = 0
    bytes: int = 0


def _version_folders(location: Location, table: TableRef) -> Iterator[_VersionFolder]:
    selector = fs.FileSelector(location.table(table), allow_not_found=True, recursive=True)
    folders: dict[str, _VersionFolder] = {}
    for info in location.filesystem.get_file_info(selector):
        below = info.path.removeprefix(location.table(table) + "/").split("/")
        if len(below) < 2 or not below[0].startswith(f"{table.partition_by}="):  # noqa: PLR2004 - partition, version
            continue
        begun = written_at(below[1])
        if begun is None:
            continue
        partition = below[0].removeprefix(f"{table.partition_by}=")
        folder = folders.setdefault(
            f"{below[0]}/{below[1]}",
            _VersionFolder(partition, below[1], location.version(table, partition, below[1]), begun),
        )
        if info.type == fs.FileType.File:
            folder.files += 1
            folder.bytes += info.size
    yield from folders.values()
