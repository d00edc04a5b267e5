"""The I/O manager: the only way assets read or write lake tables.

Reads follow published pointers only. Writes publish what a step has staged and audited, unless another run
published one of its partitions since this run started.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

import dagster as dg
import polars as pl

from shopease_assets.core.errors import CatalogError, CatalogUnavailable, NotPublished, PublishConflict, SchemaConflict
from shopease_assets.core.layout import TableRef
from shopease_assets.core.masking import values_withheld
from shopease_assets.storage.lake import ParquetLake, Relation, Staged

if TYPE_CHECKING:
    from shopease_assets.storage.glue import GlueMirror

#: Metadata of an input: handed over as a lazy frame (the default), or as typed file lists for a SQL engine.
HAND_OVER = "shopease/hand_over"
#: Metadata of an input: which partitions are read.
READS = "shopease/reads"
#: "partition", the default: the same ones, all of which must be published. "history": days up to the end of the
#: partition, gaps allowed. "every version": all there are, for a source that overwrites shows a customer's only
#: version long after the first order; this is no AllPartitionMapping, for then the UI would take a backfill of three
#: days of everything for one of all days.
Reads = Literal["partition", "history", "every version"]
#: Metadata of a failed step: the partitions that kept it from publishing, when there were others.
BLOCKED = "blocked"
#: Metadata of a failed step: the input that was not there; the step itself has nothing to mend.
NOT_PUBLISHED = "not_published"
OnPublish = Callable[[Staged], None]


class LakeIOManager(dg.IOManager):
    """Reads published partitions, publishes staged ones; made anew for each run, whose start it remembers."""

    def __init__(
        self, lake: ParquetLake, *, mirror: "GlueMirror | None" = None, on_publish: OnPublish | None = None
    ) -> None:
        self.lake = lake
        self.started_at_position = lake.log.position()
        self._mirror = mirror
        self._on_publish = on_publish

    def load_input(self, context: dg.InputContext) -> pl.LazyFrame | Relation:
        """The published rows of the partitions the input reads.

        Raises:
            Failure: the table, or a partition that is needed, is not published; not worth a retry.
        """
        told = context.definition_metadata or {}
        reads: Reads = told.get(READS, "partition")
        table = table_of(context.asset_key, context.asset_partitions_def)
        wanted = None if reads == "every version" else context.asset_partition_keys
        try:
            relation = self.lake.relation(table, partitions=wanted, strict=reads == "partition")
        except NotPublished as missing:
            published = self.lake.log.pointers(table, wanted)
            gaps = [key for key in wanted or [] if key not in published]
            metadata = {BLOCKED: dg.MetadataValue.json(gaps), NOT_PUBLISHED: dg.MetadataValue.text(str(table))}
            raise dg.Failure(str(missing), metadata=metadata, allow_retries=False) from None
        return relation if told.get(HAND_OVER) == "relation" else relation.scan()

    def handle_output(self, context: dg.OutputContext, obj: Staged) -> None:  # noqa: ARG002  # Dagster's signature
        """Publish what the step staged."""
        self.publish(obj)

    def publish(self, *staged: Staged) -> None:
        """Move the pointers to what was staged, then have Glue follow; where it cannot, the step's log says so.

        Raises:
            Failure: another run published one of the partitions since this run started; not worth a retry.
        """
        try:
            for one in staged:
                with values_withheld(one.table, one.schema.names, passing=dg.Failure):
                    self.lake.publish(one)
                self._follow(one.table)
                if self._on_publish:
                    self._on_publish(one)
        except (PublishConflict, SchemaConflict) as conflict:
            raise dg.Failure(str(conflict), allow_retries=False) from None

    def _follow(self, table: TableRef) -> None:
        if self._mirror is None:
            return
        try:
            self._mirror.sync(table)
        except CatalogError as behind:  # what is published stays published; the next sync takes it along
            dg.get_dagster_logger().warning(str(behind))
            if isinstance(behind, CatalogUnavailable):
                self._mirror = None  # waiting for it at every table would hold up the run


def table_of(key: dg.AssetKey, partitions: dg.PartitionsDefinition[str] | None) -> TableRef:
    """The lake table of an asset: `silver/orders`, partitioned by day or month."""
    layer, name = key.path
    return TableRef(layer, name, "month" if isinstance(partitions, dg.MonthlyPartitionsDefinition) else "dt")  # type: ignore[arg-type]  # asset keys are our own
