"""What a step may hand over to be staged, as one thing: a schema and a stream of Arrow tables.

Frames and streams only; cutting, casting and writing them is for `partitioning`, `schema` and `staging`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import TypeAlias

import polars as pl
import pyarrow as pa

Data: TypeAlias = pl.DataFrame | pl.LazyFrame | pa.Table | pa.RecordBatchReader | Iterable[pa.RecordBatch]
_GATHER_ROWS = 131_072
_GATHER_BYTES = 16 << 20


@dataclass(frozen=True)
class Incoming:
    """Rows on their way in. `schema` is None for a stream that ended before its first batch."""

    schema: pa.Schema | None
    tables: Iterable[pa.Table]
    in_memory: bool = False


def incoming(data: Data, partition_column: str) -> Incoming:
    """The data as Arrow tables, large enough to be cut into partitions cheaply."""
    if isinstance(data, pl.DataFrame):
        table = _grouped(data, partition_column).to_arrow()
        return Incoming(table.schema, [table], in_memory=True)
    if isinstance(data, pl.LazyFrame):
        schema = pl.DataFrame(schema=data.collect_schema()).to_arrow().schema
        return Incoming(schema, (frame.to_arrow() for frame in data.collect_batches(chunk_size=_GATHER_ROWS)))
    if isinstance(data, pa.Table):
        return Incoming(data.schema, [data], in_memory=True)
    if isinstance(data, pa.RecordBatchReader):
        return Incoming(data.schema, _gathered(data))
    batches = iter(data)
    first = next(batches, None)
    return Incoming(None, []) if first is None else Incoming(first.schema, _gathered(chain([first], batches)))


def _grouped(frame: pl.DataFrame, column: str) -> pl.DataFrame:
    """The frame with each partition's rows side by side, in their order; itself when they already are."""
    if column not in frame.columns or frame.height == 0:
        return frame
    runs = int(frame.select((pl.col(column) != pl.col(column).shift()).sum()).item()) + 1
    return frame if runs <= frame[column].n_unique() else frame.sort(column, maintain_order=True)


def _gathered(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Small batches put together: cutting costs per slice, not per row."""
    waiting: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in batches:
        waiting.append(batch)
        rows, size = rows + batch.num_rows, size + batch.nbytes
        if rows >= _GATHER_ROWS or size >= _GATHER_BYTES:
            yield pa.Table.from_batches(waiting)
            waiting, rows, size = [], 0, 0
    if waiting:
        yield pa.Table.from_batches(waiting)
