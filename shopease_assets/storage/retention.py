"""Deletes versions nobody can be reading any more: superseded long ago, or staged and never published.

A version is first given up in the log, in a transaction that publish and rollback also pass through; its files
are deleted after. A crash in between leaves files that the next vacuum deletes.
"""

from dataclasses import dataclass, field
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
    found = version_folders(location, table)
    stray = [key for key, entry in found.items() if entry.written_at <= before]
    gone = log.give_up(table, keep=keep, before=before, at=now, stray=stray) if found else set()
    deleted = [entry for key, entry in found.items() if key in gone]
    for entry in deleted:
        location.filesystem.delete_dir(entry.folder)
    return VacuumReport(
        table,
        len(deleted),
        sum(len(entry.files) for entry in deleted),
        sum(sum(entry.files.values()) for entry in deleted),
    )


@dataclass(frozen=True)
class VersionFolder:
    """A version as it lies there, published or not: its files with their sizes, and when it was begun."""

    folder: str
    written_at: datetime
    files: dict[str, int] = field(default_factory=dict)


def version_folders(location: Location, table: TableRef) -> dict[tuple[str, str], VersionFolder]:
    """(partition, version) → what lies there, found by listing the table's folder."""
    selector = fs.FileSelector(location.table(table), allow_not_found=True, recursive=True)
    found: dict[tuple[str, str], VersionFolder] = {}
    for info in location.filesystem.get_file_info(selector):
        below = info.path.removeprefix(location.table(table) + "/").split("/", 2)
        if len(below) < 2 or not below[0].startswith(f"{table.partition_by}="):  # noqa: PLR2004 - partition, version
            continue
        partition, version = below[0].removeprefix(f"{table.partition_by}="), below[1]
        begun = written_at(version)
        if begun is None:
            continue
        there = VersionFolder(location.version(table, partition, version), begun)
        there = found.setdefault((partition, version), there)
        if info.type == fs.FileType.File:
            there.files[below[-1]] = info.size
    return found
