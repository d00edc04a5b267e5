"""Arrow's types in the words of Glue (Hive's) and of Athena's SQL (Trino's)."""

from collections.abc import Callable

import pyarrow as pa
import pyarrow.types as pt

from shopease_assets.core.errors import CatalogError
from shopease_assets.core.layout import TableRef

_HIVE = {
    pa.bool_(): "boolean", pa.int8(): "tinyint", pa.int16(): "smallint", pa.int32(): "int", pa.int64(): "bigint",
    pa.float32(): "float", pa.float64(): "double", pa.string(): "string", pa.binary(): "binary", pa.date32(): "date",
}  # fmt: skip
_TRINO = {"int": "integer", "float": "real", "string": "varchar", "binary": "varbinary"}  # where it differs from Hive's


def glue_columns(table: TableRef, schema: pa.Schema) -> dict[str, str]:
    """Column → Hive type, as Glue keeps them; names in lower case, as Hive has them.

    Raises CatalogError for names that differ by case only, and for types Athena cannot read (times of day, unsigned).
    """
    columns = {field.name.lower(): _typed(table, field, hive_type) for field in schema}
    if len(columns) < len(schema):
        raise CatalogError(f"{table}: Athena does not tell {', '.join(schema.names)} apart by case; rename one")
    return columns


def trino_columns(table: TableRef, schema: pa.Schema) -> dict[str, str]:
    """Column → type as Athena's SQL calls it; otherwise as `glue_columns`."""
    return {field.name.lower(): _typed(table, field, trino_type) for field in schema}


def hive_type(type_: pa.DataType) -> str:
    """`decimal(12,2)`, `array<string>`, `struct<city:string>`. Raises KeyError for what Hive has no word for."""
    if pt.is_decimal(type_):
        return f"decimal({type_.precision},{type_.scale})"
    if pt.is_timestamp(type_):
        return "timestamp"
    if pt.is_list(type_):
        return f"array<{hive_type(type_.value_type)}>"
    if pt.is_map(type_):
        return f"map<{hive_type(type_.key_type)},{hive_type(type_.item_type)}>"
    if pt.is_struct(type_):
        return f"struct<{','.join(f'{child.name.lower()}:{hive_type(child.type)}' for child in type_)}>"
    return _HIVE[type_]


def trino_type(type_: pa.DataType) -> str:
    """`decimal(12,2)`, `array(varchar)`, `row(city varchar)`. Raises KeyError as `hive_type` does."""
    if pt.is_list(type_):
        return f"array({trino_type(type_.value_type)})"
    if pt.is_map(type_):
        return f"map({trino_type(type_.key_type)}, {trino_type(type_.item_type)})"
    if pt.is_struct(type_):
        return f"row({', '.join(f'{child.name.lower()} {trino_type(child.type)}' for child in type_)})"
    hive = hive_type(type_)
    return _TRINO.get(hive, hive)


def _typed(table: TableRef, field: pa.Field, type_of: Callable[[pa.DataType], str]) -> str:
    try:
        return type_of(field.type)
    except KeyError:
        raise CatalogError(
            f"{table}: column {field.name} is {field.type}, which Athena cannot read; publish it as another type"
        ) from None
