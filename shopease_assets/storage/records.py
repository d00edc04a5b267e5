"""What the publication log remembers, as plain values: publications, published partitions, quality results."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import pyarrow as pa

from shopease_assets.core.layout import TableRef
from shopease_assets.storage.parquet import StoredFile

Kind = Literal["publish", "rollback"]
Moment = int | datetime  # a publication, or a time


@dataclass(frozen=True)
class PublishedPartition:
    """The version of a partition that readers see. `publication` is the one its content was published by."""

    partition: str
    version: str
    files: tuple[StoredFile, ...]
    rows: int
    bytes: int
    publication: int
    run_id: str
    schema: pa.Schema
    removed_at: datetime | None = None


@dataclass(frozen=True)
class Publication:
    """One move of a table's pointers: partition → the version from then on, None when it was un-published."""

    id: int
    table: TableRef
    kind: Kind
    run_id: str
    published_at: datetime
    note: str | None
    partitions: Mapping[str, str | None]


@dataclass(frozen=True)
class Snapshot:
    """A table as of one moment. `head` is its newest publication; `schema` is None before the first."""

    head: int
    schema_id: int | None
    schema: pa.Schema | None
    pointers: Mapping[str, PublishedPartition]


@dataclass(frozen=True)
class Moved:
    """What was moved since a publication: the table now, with the pointers of the `partitions` that were moved.

    Those without a pointer were un-published. `newest` is the newest partition that readers see, moved or not.
    """

    now: Snapshot
    partitions: frozenset[str]
    newest: str | None


@dataclass(frozen=True)
class NewVersion:
    """A version that was written and is not in the log yet."""

    version: str
    run_id: str
    files: tuple[StoredFile, ...]
    rows: int
    bytes: int


@dataclass(frozen=True)
class Move:
    """Where a partition's pointer goes: to a new version, to a known one, or (None) nowhere.

    A rewrite holds the same content in other types: it does not count as another run's publication.
    """

    to: NewVersion | str | None
    rewrite: bool = False

    @property
    def version(self) -> str | None:
        """The version's name."""
        return self.to.version if isinstance(self.to, NewVersion) else self.to


@dataclass(frozen=True)
class Draft:
    """A publication to be appended: what it does, and what it was decided on."""

    table: TableRef
    kind: Kind
    run_id: str
    at: datetime
    note: str | None
    schema: pa.Schema
    moves: Mapping[str, Move]
    seen: Snapshot
    base: int | None = None  # partitions another run published after this publication are a conflict
    only_if_head: bool = False  # nothing at all may have been published to the table since it was seen


@dataclass(frozen=True)
class QualityResult:
    """The outcome of one check on one partition. A score is the share of good rows, where a check has one."""

    table: TableRef
    partition: str
    check: str
    passed: bool
    rows: int
    failed_rows: int
    run_id: str
    checked_at: datetime
    blocking: bool = True
    score: float | None = None
    threshold: float | None = None
    details: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuses negative counts and moments without a time zone."""
        if min(self.rows, self.failed_rows) < 0:
            raise ValueError(f"{self.table} {self.partition} {self.check}: {self.failed_rows} of {self.rows} failed")
        if self.checked_at.tzinfo is None:
            raise ValueError(f"{self.table} {self.partition} {self.check}: checked_at needs a time zone")
