"""What readers are given: the files of the published versions, and the schema they all fit."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl
import pyarrow as pa
from pyarrow import fs

from shopease_assets.core.layout import TableRef

_CASTS = pl.ScanCastOptions(integer_cast="upcast", float_cast="upcast", missing_struct_fields="insert")


@dataclass(frozen=True)
class Relation:
    """A table's partitions as files. `schema` ends with the partition column, a date that only the paths hold.

    `missing` are the partitions that were asked for and are not published. `uniform` says that every file was written
    with this very schema, so that readers need not look into each. `filesystem` opens files that
    are not this machine's.
    """

    table: TableRef
    schema: pa.Schema
    files: Mapping[str, tuple[str, ...]]
    missing: tuple[str, ...] = ()
    storage_options: Mapping[str, str | int] = field(default_factory=dict)
    uniform: bool = False
    filesystem: fs.FileSystem | None = None

    def __hash__(self) -> int:
        """By its files, which never change: what was read of them can be kept."""
        return hash((self.table, *self.paths))

    @property
    def paths(self) -> list[str]:
        """All files, by partition."""
        return [path for partition in sorted(self.files) for path in self.files[partition]]

    @property
    def polars_schema(self) -> pl.Schema:
        """The schema in Polars' words."""
        return pl.Schema(self.schema)

    def scan(self) -> pl.LazyFrame:
        """The rows, with exactly the columns of `schema`, in its order."""
        schema = self.polars_schema
        if not self.files:
            return pl.LazyFrame(schema=schema)
        partition_column = self.table.partition_by
        return pl.scan_parquet(
            self.paths,
            schema={name: type_ for name, type_ in schema.items() if name != partition_column},
            hive_partitioning=True,
            hive_schema={partition_column: pl.Date},
            missing_columns="insert",
            extra_columns="ignore",
            cast_options=_CASTS,
            glob=False,
            storage_options=dict(self.storage_options) or None,
        ).select(schema.names())
