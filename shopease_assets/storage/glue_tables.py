"""What Glue is told of a table, its partitions and its views: plain values in, Glue's own structures out.

No call is made here; `glue` compares these with what Glue shows, and sends them.
"""

import json
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from shopease_assets.core.layout import GLUE_CATALOG, TableRef
from shopease_assets.storage.glue_types import glue_columns, trino_columns

_OURS = "shopease.table"  # tells our tables and views from others in the same databases
_PERSONAL = "personal"
_DESCRIPTION, _COMMENT = 2048, 255  # characters Glue keeps
_PARQUET = {
    "InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
    "OutputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
    "SerdeInfo": {
        "SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
        "Parameters": {"serialization.format": "1"},
    },
}
Input = dict[str, Any]


@dataclass(frozen=True)
class TableDocument:
    """What people should know of a table: told by those who declare it.

    `comments` and `personal` are of columns; `schema` is what the table promises, None for one that promises nothing.
    """

    description: str = ""
    owner: str = ""
    comments: Mapping[str, str] = field(default_factory=dict)
    personal: frozenset[str] = frozenset()
    schema: pa.Schema | None = None


Documents = Callable[[TableRef], TableDocument]


def table_input(table: TableRef, schema: pa.Schema, document: TableDocument, folder: str) -> Input:
    """The external table, as CreateTable and UpdateTable take it; `folder` is its address."""
    types = glue_columns(table, schema)
    personal = document.personal & types.keys()
    columns = [
        {"Name": name, "Type": type_, "Comment": _short(document.comments.get(name, ""), _COMMENT)}
        | ({"Parameters": {_PERSONAL: "true"}} if name in personal else {})
        for name, type_ in types.items()
    ]
    told = {
        "Name": table.name,
        "Description": _short(document.description, _DESCRIPTION),
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {
            "EXTERNAL": "TRUE",
            "classification": "parquet",
            _OURS: str(table),
            _PERSONAL: str(bool(personal)).lower(),
        },
        "PartitionKeys": [{"Name": table.partition_by, "Type": "date"}],
        "StorageDescriptor": {"Columns": columns, "Location": f"{folder}/", **_PARQUET},
    }
    return told | ({"Owner": document.owner} if document.owner else {})


def partition_input(table: TableRef, key: str, schema: pa.Schema, folder: str) -> Input:
    """A partition whose files lie in `folder` and hold exactly the columns of `schema`."""
    columns = [{"Name": name, "Type": type_} for name, type_ in glue_columns(table, schema).items()]
    return {"Values": [key], "StorageDescriptor": {"Columns": columns, "Location": f"{folder}/", **_PARQUET}}


def view_input(table: TableRef, schema: pa.Schema, database: str, name: str, sql: str) -> Input:
    """A view over a table, written as Athena writes those of CREATE VIEW."""
    hive, trino = glue_columns(table, schema), trino_columns(table, schema)
    definition = {
        "originalSql": sql,
        "catalog": GLUE_CATALOG,
        "schema": database,
        "columns": [{"name": column, "type": type_} for column, type_ in trino.items()],
    }
    encoded = b64encode(json.dumps(definition).encode()).decode()
    return {
        "Name": name,
        "TableType": "VIRTUAL_VIEW",
        "Parameters": {"presto_view": "true", "comment": "Presto View", _OURS: str(table)},
        "PartitionKeys": [],
        "ViewOriginalText": f"/* Presto View: {encoded} */",
        "ViewExpandedText": "/* Presto View */",
        "StorageDescriptor": {
            "Columns": [{"Name": column, "Type": type_, "Comment": ""} for column, type_ in hive.items()],
            "Location": "",
            "SerdeInfo": {},
        },
    }


def is_ours(shown: Mapping[str, Any]) -> bool:
    """Whether it is a table of the lake: no view, and nobody else's."""
    return shown.get("TableType") == "EXTERNAL_TABLE" and _OURS in shown.get("Parameters", {})


def says(shown: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether Glue shows what is wanted; it adds defaults and dates of its own, and others their parameters."""
    return all(_same(shown.get(name), value) for name, value in wanted.items() if name != "Parameters") and (
        wanted.get("Parameters", {}).items() <= shown.get("Parameters", {}).items()
    )


def keeping_others(shown: Mapping[str, Any], wanted: Input) -> Input:
    """What is wanted, with the parameters others have set: an update replaces all of them."""
    return {**wanted, "Parameters": {**shown.get("Parameters", {}), **wanted["Parameters"]}}


def _same(shown: Any, wanted: Any) -> bool:
    if isinstance(wanted, list):
        held = shown or []
        return len(held) == len(wanted) and all(_same(a, b) for a, b in zip(held, wanted, strict=True))
    if isinstance(wanted, dict) and "Type" in wanted:  # a column, exactly
        return _column(shown) == _column(wanted)
    if isinstance(wanted, dict):
        return says(shown or {}, wanted)
    return bool((shown or "") == wanted)


def _column(said: Mapping[str, Any]) -> tuple[Any, ...]:
    return said["Name"], said.get("Type"), said.get("Comment", ""), said.get("Parameters", {})


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
