"""Cuts Arrow tables into the rows of each partition, without a Python loop over rows.

In: a table with its partition column. Out: zero-copy slices per partition, the column taken off.
"""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.types as pt

from shopease_assets.core.errors import ShopEaseError
from shopease_assets.core.layout import TableRef, partition_date

_EPOCH = date(1970, 1, 1)
_MIN_ROWS_PER_RUN = 64  # below this, sorting a batch is cheaper than many small slices


def cut(table: TableRef, data: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    """The rows of each partition, as runs of neighbouring rows; a partition may come more than once.

    Raises ShopEaseError when the partition column is missing, is no date, or has nulls.
    """
    if len(data) == 0:
        return
    days = _days(table, data)
    rows = data.drop_columns([table.partition_by])
    starts = _starts(days)
    if len(days) < len(starts) * _MIN_ROWS_PER_RUN and len(starts) > len(np.unique(days)):
        order = np.argsort(_compact(days), kind="stable")
        days, rows = days[order], rows.combine_chunks().take(_indices(order))
        starts = _starts(days)
    for start, end in zip(starts, [*starts[1:], len(days)], strict=True):
        yield _key(int(days[start])), rows.slice(start, end - start)


def check_partition_column(table: TableRef, schema: pa.Schema) -> None:
    """Raises ShopEaseError unless the data say, as a date, which partition each row belongs to."""
    if table.partition_by not in schema.names:
        raise ShopEaseError(f"{table}: staged rows need their partition column {table.partition_by}; add it")
    if not pt.is_date(schema.field(table.partition_by).type):
        type_ = schema.field(table.partition_by).type
        raise ShopEaseError(f"{table}: partition column {table.partition_by} is {type_}; cast it to a date")


def check_partition_keys(table: TableRef, partitions: Iterable[str]) -> None:
    """Raises ShopEaseError unless every key is an ISO date, the first of a month where months are the partitions."""
    for key in partitions:
        try:
            day = partition_date(key)
        except ValueError:
            day = None
        if day is None or day.isoformat() != key:
            raise ShopEaseError(f"{table}: partition {key!r} is no date; write it like 2025-03-01")
        if table.partition_by == "month" and day.day != 1:
            raise ShopEaseError(f"{table}: month {key} must be written as its first day, {day.replace(day=1)}")


def _key(day: int) -> str:
    return (_EPOCH + timedelta(days=day)).isoformat()


def _days(table: TableRef, data: pa.Table) -> np.ndarray:
    column = data.column(table.partition_by).cast(pa.date32())
    if column.null_count:
        raise ShopEaseError(
            f"{table}: {column.null_count} staged rows have no {table.partition_by}; "
            "fill it from the row's business date, or leave the rows out"
        )
    # through buffers: to_numpy() imports pandas when it is installed, which costs more than cutting a million rows
    return np.concatenate([_values(chunk) for chunk in column.chunks])


def _values(chunk: pa.Array) -> np.ndarray:
    return np.frombuffer(chunk.buffers()[1], dtype=np.int32)[chunk.offset : chunk.offset + len(chunk)]


def _indices(order: np.ndarray) -> pa.Array:
    return pa.Array.from_buffers(pa.int64(), len(order), [None, pa.py_buffer(order)])


def _starts(days: np.ndarray) -> np.ndarray:
    return np.concatenate(([0], np.flatnonzero(days[1:] != days[:-1]) + 1))


def _compact(days: np.ndarray) -> np.ndarray:
    """The days as small numbers where possible: numpy sorts 16 bits by radix, an order of magnitude faster."""
    lowest = days.min()
    return (days - lowest).astype(np.uint16) if int(days.max()) - int(lowest) < 1 << 16 else days
