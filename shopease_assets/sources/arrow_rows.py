"""Arrow batches as they come from PostgreSQL, brought to the lake's types without losing a row.

What a type cannot hold (NaN, infinity, a number too long) is nulled and kept as text in `_unreadable`, for silver to
refuse by rule.
"""

import json
from collections.abc import Mapping
from datetime import date
from decimal import Decimal, InvalidOperation

import pyarrow as pa
import pyarrow.compute as pc

from shopease_assets.sources.postgres_table import Shape, lake_type

UNREADABLE = "_unreadable"
#: What ADBC makes of ±infinity lies far outside these years; so does no instant a shop could mean.
YEARS = (1, 9999)


def typed(batch: pa.RecordBatch, shape: Shape, constants: Mapping[str, pa.Scalar]) -> pa.RecordBatch:
    """The batch in the lake's types, with what does not fit told in `_unreadable`."""
    refused: dict[str, pa.Array] = {}
    columns: dict[str, pa.Array] = {"dt": batch.column("dt")}
    for name, kind in shape.types.items():
        columns[name], bad = _cast(batch.column(name), lake_type(kind))
        if bad is not None:
            refused[name] = bad
    columns[UNREADABLE] = _told(refused, batch.num_rows)
    columns |= {name: _repeated(value, batch.num_rows) for name, value in constants.items()}
    return pa.RecordBatch.from_pydict(columns)


def _repeated(value: pa.Scalar, rows: int) -> pa.Array:
    """The value in every row; a text once, with an index per row: 1 byte instead of 30."""
    if not pa.types.is_string(value.type):
        return pa.repeat(value, rows)
    return pa.DictionaryArray.from_arrays(pa.repeat(pa.scalar(0, pa.int8()), rows), pa.repeat(value, 1))


def _cast(column: pa.Array, kind: pa.DataType | None) -> tuple[pa.Array, pa.Array | None]:
    """The column in the lake's type, and where it does not fit the original as text."""
    if pa.types.is_temporal(column.type):
        return _finite(column if column.type == kind else column.cast(kind))
    if not pa.types.is_decimal(kind):
        return (column if column.type == kind else column.cast(kind)), None
    try:
        return column.cast(kind), None
    except pa.ArrowInvalid:
        fits = pa.array([_fits(value, kind) for value in column.to_pylist()])
        refused = pc.if_else(fits, pa.scalar(None, pa.string()), column)
        return pc.if_else(fits, column, pa.scalar(None, pa.string())).cast(kind), refused


def _fits(value: str | None, kind: pa.Decimal128Type) -> bool:
    if value is None:
        return True
    try:
        number = Decimal(value)
    except InvalidOperation:
        return False
    return (
        number.is_finite() and abs(number) < 10 ** (kind.precision - kind.scale) and number == round(number, kind.scale)
    )


def _finite(column: pa.Array) -> tuple[pa.Array, pa.Array | None]:
    bounds = pc.min_max(column)
    low, high = (pa.scalar(date(year, 1, 1)).cast(column.type) for year in YEARS)
    if not bounds["min"].is_valid or (
        pc.less_equal(low, bounds["min"]).as_py() and pc.less_equal(bounds["max"], high).as_py()
    ):
        return column, None
    finite = pc.and_(pc.less_equal(low, column), pc.less_equal(column, high))
    refused = pc.if_else(finite, pa.scalar(None, pa.string()), pa.scalar("infinity"))
    return pc.if_else(finite, column, pa.scalar(None, column.type)), refused


def _told(refused: Mapping[str, pa.Array], rows: int) -> pa.Array:
    if not refused:
        return pa.nulls(rows, pa.string())
    told = (
        {name: value for name, value in zip(refused, values, strict=True) if value is not None}
        for values in zip(*(column.to_pylist() for column in refused.values()), strict=True)
    )
    return pa.array([json.dumps(entry) if entry else None for entry in told], pa.string())
