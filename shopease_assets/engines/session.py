"""A DuckDB connection that downloads nothing, spills to a folder of its own and speaks in QueryErrors."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from tempfile import TemporaryDirectory

import duckdb

from shopease_assets.core.errors import QueryError
from shopease_assets.engines.arrow_types import TableSchema, duckdb_columns, quoted
from shopease_assets.engines.parsing import Input

MEMORY_LIMIT = "1GB"
"""Enough for a month of state marts; a larger query spills to disk."""


@contextmanager
def session(
    subject: str, *, memory_limit: str = MEMORY_LIMIT, threads: int | None = None
) -> Iterator[duckdb.DuckDBPyConnection]:
    """An in-memory database in UTC. Errors of DuckDB raised inside become one line that opens with `subject`."""
    with TemporaryDirectory(prefix="shopease-duckdb-") as spill:
        config: dict[str, str | bool | int | float | list[str]] = {
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "memory_limit": memory_limit,
            "python_enable_replacements": False,
            "temp_directory": spill,
        }
        if threads:
            config["threads"] = threads
        try:
            with duckdb.connect(":memory:", config=config) as connection:
                connection.execute("set TimeZone = 'UTC'")
                connection.execute("set parquet_metadata_cache = true")
                yield connection
        except duckdb.Error as error:
            raise QueryError(f"{subject}: {one_line(error)}") from error


def one_line(error: duckdb.Error) -> str:
    """DuckDB's message without its kind, its excerpt of the query and its line breaks."""
    message = re.sub(r"^\w[\w ]* Error: ", "", str(error).split("\n\nLINE ")[0])
    return " ".join(message.split())


def create_empty_tables(
    connection: duckdb.DuckDBPyConnection, schemas: Mapping[Input, TableSchema], inputs: tuple[Input, ...]
) -> None:
    """The inputs as empty tables, to bind a query against."""
    for layer in sorted({layer for layer, _ in inputs}):
        connection.execute(f"create schema {quoted(layer)}")
    for layer, table in inputs:
        columns = duckdb_columns(schemas[layer, table]).items()
        listed = ", ".join(f"{quoted(name)} {kind}" for name, kind in columns)
        connection.execute(f"create table {quoted(layer)}.{quoted(table)} ({listed})")
