"""Arrow types as DuckDB names them, and the cast that gives a result its contract's types. No SQL is run here."""

from collections.abc import Mapping
from typing import TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from shopease_assets.core.errors import QueryError

TableSchema: TypeAlias = pa.Schema | Mapping[str, str]
"""Columns of a table: an Arrow schema, or names with DuckDB types."""

_DUCKDB_TYPES: dict[pa.DataType, str] = {
    pa.bool_(): "BOOLEAN",
    pa.int8(): "TINYINT",
    pa.int16(): "SMALLINT",
    pa.int32(): "INTEGER",
    pa.int64(): "BIGINT",
    pa.uint8(): "UTINYINT",
    pa.uint16(): "USMALLINT",
    pa.uint32(): "UINTEGER",
    pa.uint64(): "UBIGINT",
    pa.float32(): "FLOAT",
    pa.float64(): "DOUBLE",
    pa.string(): "VARCHAR",
    pa.large_string(): "VARCHAR",
    pa.string_view(): "VARCHAR",
    pa.binary(): "BLOB",
    pa.large_binary(): "BLOB",
    pa.date32(): "DATE",
    pa.time64("us"): "TIME",
    pa.timestamp("s"): "TIMESTAMP_S",
    pa.timestamp("ms"): "TIMESTAMP_MS",
    pa.timestamp("us"): "TIMESTAMP",
    pa.timestamp("ns"): "TIMESTAMP_NS",
}


def quoted(identifier: str) -> str:
    """An identifier as SQL takes it literally."""
    return '"' + identifier.replace('"', '""') + '"'


def duckdb_columns(schema: TableSchema) -> dict[str, str]:
    """Column names with their DuckDB types."""
    if isinstance(schema, pa.Schema):
        return {field.name: duckdb_type(field.type) for field in schema}
    return dict(schema)


def duckdb_type(arrow: pa.DataType) -> str:
    """The DuckDB type that holds an Arrow type without loss; zoned timestamps of any unit are TIMESTAMPTZ."""
    if arrow in _DUCKDB_TYPES:
        return _DUCKDB_TYPES[arrow]
    if pa.types.is_timestamp(arrow):
        return "TIMESTAMPTZ"
    if pa.types.is_decimal(arrow):
        return f"DECIMAL({arrow.precision}, {arrow.scale})"
    if pa.types.is_dictionary(arrow):
        return duckdb_type(arrow.value_type)
    if pa.types.is_list(arrow) or pa.types.is_large_list(arrow):
        return f"{duckdb_type(arrow.value_type)}[]"
    if pa.types.is_struct(arrow):
        return "STRUCT(" + ", ".join(f"{quoted(f.name)} {duckdb_type(f.type)}" for f in arrow) + ")"
    raise QueryError(f"Arrow type {arrow} has no DuckDB type here; cast the column in its contract")


def cast_to(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """The table with exactly the schema's columns, order and types; a value that would change raises."""
    compare_columns(table.schema.names, schema.names, "result")
    columns = [_cast(table.column(field.name), field) for field in schema]
    return pa.Table.from_arrays(columns, schema=schema)


def compare_columns(found: list[str], contract: list[str], subject: str) -> None:
    """Refuses columns the contract does not know, and a result that lacks one of the contract's."""
    missing = [name for name in contract if name not in found]
    unknown = [name for name in found if name not in contract]
    if missing:
        raise QueryError(f"{subject}: column {missing[0]!r} of the contract is missing; select it")
    if unknown:
        raise QueryError(f"{subject}: column {unknown[0]!r} is not in the contract; add it there or drop it")
    repeated = [name for name in contract if found.count(name) > 1]
    if repeated:
        raise QueryError(f"{subject}: column {repeated[0]!r} is selected twice; keep one")


def _cast(column: pa.ChunkedArray, field: pa.Field) -> pa.ChunkedArray:
    if column.type == field.type:
        return column
    try:
        cast = column.cast(field.type, safe=True)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise QueryError(_cast_message(column, field, " ".join(str(error).split()))) from error
    if _may_round(column.type, field.type) and not cast.cast(column.type).equals(column):
        changed = pc.filter(column, pc.fill_null(pc.not_equal(cast.cast(column.type), column), False))
        raise QueryError(_cast_message(column, field, f"{changed[0].as_py()} would be rounded"))
    return cast


def _may_round(source: pa.DataType, target: pa.DataType) -> bool:
    """Where Arrow's safe cast rounds silently: floats to decimals and narrower floats, timestamps to days."""
    if pa.types.is_timestamp(source):
        return bool(pa.types.is_date(target))
    return bool(pa.types.is_floating(source) and (pa.types.is_decimal(target) or pa.types.is_floating(target)))


def _cast_message(column: pa.ChunkedArray, field: pa.Field, reason: str) -> str:
    return f"column {field.name!r} is {column.type} and does not fit the contract's {field.type}: {reason}"
