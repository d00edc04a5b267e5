"""A lake's published partitions in Glue, written there by hand: what Athena is to see of them."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import pyarrow as pa

from shopease_assets import aws
from shopease_assets.core.layout import TableRef, glue_database
from shopease_assets.storage.lake import ParquetLake

ENVIRONMENT = "dev"
_TYPES = {
    pa.int64(): "bigint",
    pa.string(): "string",
    pa.date32(): "date",
    pa.bool_(): "boolean",
    pa.float64(): "double",
    pa.timestamp("us", "UTC"): "timestamp",
}


def mirror(lake: ParquetLake, *tables: TableRef, environment: str = ENVIRONMENT) -> None:
    """Every published partition of the tables (default: all), at the location of its published version."""
    for table in tables or lake.log.tables():
        mirror_partitions(lake, table, list(lake.log.pointers(table)), environment)


def mirror_partitions(lake: ParquetLake, table: TableRef, keys: Sequence[str], environment: str = ENVIRONMENT) -> None:
    """These partitions of the table."""
    glue, home = aws.client("glue"), glue_database(environment, table.layer)
    described = _described(lake, table)
    with suppress(glue.exceptions.AlreadyExistsException):
        glue.create_database(DatabaseInput={"Name": home})
    try:
        glue.create_table(DatabaseName=home, TableInput=described)
    except glue.exceptions.AlreadyExistsException:
        glue.update_table(DatabaseName=home, TableInput=described)
    for key, pointer in lake.log.pointers(table, keys).items():
        location = lake.location.address(lake.location.version(table, key, pointer.version)) + "/"
        storage = {**described["StorageDescriptor"], "Location": location}
        partition = {"Values": [key], "StorageDescriptor": storage}
        try:
            glue.create_partition(DatabaseName=home, TableName=table.name, PartitionInput=partition)
        except glue.exceptions.AlreadyExistsException:
            glue.update_partition(
                DatabaseName=home, TableName=table.name, PartitionValueList=[key], PartitionInput=partition
            )


def _described(lake: ParquetLake, table: TableRef) -> dict[str, Any]:
    schema = lake.log.schema(table)
    assert schema is not None
    return {
        "Name": table.name,
        "TableType": "EXTERNAL_TABLE",
        "PartitionKeys": [{"Name": table.partition_by, "Type": "date"}],
        "StorageDescriptor": {
            "Columns": [{"Name": field.name, "Type": _glue_type(field.type)} for field in schema],
            "Location": lake.location.address(lake.location.table(table)) + "/",
        },
    }


def _glue_type(kind: pa.DataType) -> str:
    return f"decimal({kind.precision},{kind.scale})" if pa.types.is_decimal(kind) else _TYPES[kind]
