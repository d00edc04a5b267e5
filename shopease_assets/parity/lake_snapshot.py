"""The lake as of one publication: what is published while a verification runs is not seen by it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from shopease_assets.core.layout import TableRef
from shopease_assets.storage.lake import ParquetLake
from shopease_assets.storage.records import PublishedPartition
from shopease_assets.storage.relation import Relation


@dataclass(frozen=True)
class LakeSnapshot:
    """What readers saw right after `publication`."""

    lake: ParquetLake
    publication: int

    @classmethod
    def now(cls, lake: ParquetLake) -> Self:
        """What readers see now."""
        return cls(lake, lake.log.position())

    def has(self, table: TableRef) -> bool:
        """Whether the table was ever published."""
        return self.lake.log.snapshot(table, (), self.publication).schema is not None

    def pointers(
        self, table: TableRef, partitions: Iterable[str] | None = None, as_of: int | None = None
    ) -> dict[str, PublishedPartition]:
        """What is published of the partitions (default: all), also `as_of` an earlier publication."""
        return self.lake.log.pointers(table, partitions, self.publication if as_of is None else as_of)

    def relation(self, table: TableRef, partitions: Iterable[str] | None = None) -> Relation:
        """The rows of it.

        Raises:
            NotPublished: the table was never published.
        """
        return self.lake.relation(table, partitions, self.publication)
