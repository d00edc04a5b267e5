"""DuckDB over the lake: runs gold models and analysts' queries on the Parquet files it is given, and no others."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from typing import Protocol, runtime_checkable

import duckdb
import pyarrow as pa
from pyarrow import fs

from shopease_assets.core.errors import QueryError
from shopease_assets.core.layout import LAYERS
from shopease_assets.engines.arrow_types import cast_to, duckdb_columns, quoted
from shopease_assets.engines.parsing import Input, lake_tables, parse_select
from shopease_assets.engines.session import MEMORY_LIMIT, session
from shopease_assets.engines.sql_model import AS_OF, SqlModel

__all__ = ["InputRelation", "RemoteRelation", "cast_to", "query", "run"]

PARTITION_COLUMNS = ("dt", "month")
_PATTERN = re.compile(r"[*?\[]")


class InputRelation(Protocol):
    """A lake table as published: what a query sees of it, and the Parquet files that hold it."""

    @property
    def schema(self) -> pa.Schema:
        """All columns, with the partition column, which is in the files' paths only."""

    @property
    def paths(self) -> list[str]:
        """Files `…/dt=2025-03-01/<version>/part-0.parquet`; their columns may be older than the schema."""


@runtime_checkable
class RemoteRelation(InputRelation, Protocol):
    """A relation whose paths are on an Arrow filesystem: DuckDB's S3 reader is a download, Arrow's is not."""

    @property
    def filesystem(self) -> fs.FileSystem | None:
        """Where the paths are; None: on this machine."""


Resolve = Callable[[str, str], InputRelation]
Ask = Callable[[str], pa.Table]


def run(
    model: SqlModel,
    relations: Mapping[Input, InputRelation],
    *,
    as_of: date | None = None,
    memory_limit: str = MEMORY_LIMIT,
    threads: int | None = None,
) -> pa.Table:
    """The model's result over its inputs, with DuckDB's types: `cast_to` gives it the contract's."""
    if model.needs_as_of and as_of is None:
        raise QueryError(f"{model.name}: the query is a state as of a day; give as_of")
    parameters = {AS_OF: as_of} if model.needs_as_of else None
    attached = {table: given(relations, table, model.name) for table in model.inputs}
    with session(model.name, memory_limit=memory_limit, threads=threads) as connection:
        _attach(connection, attached)
        return connection.sql(model.sql, params=parameters).to_arrow_table()


def query(
    sql: str,
    resolve: Resolve | Mapping[Input, InputRelation],
    *,
    memory_limit: str = MEMORY_LIMIT,
    threads: int | None = None,
) -> pa.Table:
    """The result of one SELECT over the lake tables it names; `resolve("silver", "orders")` gives each."""
    tables = lake_tables(parse_select(sql, "query"), LAYERS, "query")
    attached = {
        table: given(resolve, table, "query") if isinstance(resolve, Mapping) else resolve(*table) for table in tables
    }
    with asking(attached, memory_limit=memory_limit, threads=threads) as ask:
        return ask(sql)


@contextmanager
def asking(
    relations: Mapping[Input, InputRelation], *, memory_limit: str = MEMORY_LIMIT, threads: int | None = None
) -> Iterator[Ask]:
    """Hands out a function that answers SELECTs over these tables, as they were when it was opened.

    For a notebook or a dashboard: the tables are attached once, and a further question costs what it reads.
    """
    with session("query", memory_limit=memory_limit, threads=threads) as connection:
        _attach(connection, relations)
        _lock(connection, [path for relation in relations.values() for path in relation.paths])

        def ask(sql: str) -> pa.Table:
            for table in lake_tables(parse_select(sql, "query"), LAYERS, "query"):
                given(relations, table, "query")
            return connection.sql(sql).to_arrow_table()

        yield ask


def given(relations: Mapping[Input, InputRelation], table: Input, subject: str) -> InputRelation:
    """The table of that name. Raises QueryError, which opens with `subject`, when it was not given."""
    if table not in relations:
        known = ", ".join(sorted(".".join(one) for one in relations)) or "none"
        raise QueryError(f"{subject}: {'.'.join(table)} is not among the tables given: {known}")
    return relations[table]


def _attach(connection: duckdb.DuckDBPyConnection, relations: Mapping[Input, InputRelation]) -> None:
    for layer in sorted({layer for layer, _ in relations}):
        connection.execute(f"create schema {quoted(layer)}")
    for (layer, table), relation in relations.items():
        source, found = _source(connection, f"{layer}.{table}", relation)
        columns = ", ".join(
            f"cast({quoted(name) if name in found else 'null'} as {kind}) as {quoted(name)}"
            for name, kind in duckdb_columns(relation.schema).items()
        )
        connection.execute(f"create view {quoted(layer)}.{quoted(table)} as select {columns} {source}")


def _source(connection: duckdb.DuckDBPyConnection, name: str, relation: InputRelation) -> tuple[str, set[str]]:
    """Where a view reads from, and the columns that are there."""
    if not relation.paths:
        return "where false", set()
    if isinstance(relation, RemoteRelation) and relation.filesystem is not None:
        connection.register(name, _arrow_dataset(relation))
        return f"from {quoted(name)}", set(relation.schema.names)
    if getattr(relation, "uniform", False):
        return f"from {_parquet(relation, by_name=False)}", set(relation.schema.names)
    source = f"from {_parquet(relation, by_name=True)}"
    return source, {str(row[0]) for row in connection.execute(f"describe select * {source}").fetchall()}


def _parquet(relation: InputRelation, *, by_name: bool) -> str:
    files = ", ".join(_literal(_literal_path(path)) for path in relation.paths)
    partition = [column for column in PARTITION_COLUMNS if f"/{column}=" in relation.paths[0]]
    types = ", ".join(f"{_literal(column)}: DATE" for column in partition)
    hive = f"hive_partitioning = true, hive_types = {{{types}}}" if partition else "hive_partitioning = false"
    return f"read_parquet([{files}], {hive}, union_by_name = {str(by_name).lower()})"


def _arrow_dataset(relation: RemoteRelation) -> object:
    from pyarrow import dataset  # noqa: PLC0415 - costs 50 ms that local lakes need not pay

    keys = [column for column in PARTITION_COLUMNS if f"/{column}=" in relation.paths[0]]
    return dataset.dataset(
        [path.removeprefix("s3://") for path in relation.paths],
        schema=relation.schema,
        format="parquet",
        filesystem=relation.filesystem,
        partitioning=dataset.partitioning(pa.schema([(key, pa.date32()) for key in keys]), flavor="hive"),
    )


def _lock(connection: duckdb.DuckDBPyConnection, paths: list[str]) -> None:
    """From here on the connection reads the attached files and nothing else of this machine."""
    allowed = ", ".join(_literal(path) for path in {*paths, *map(_literal_path, paths)})
    connection.execute(f"set allowed_paths = [{allowed}]")
    connection.execute("set enable_external_access = false")
    connection.execute("set lock_configuration = true")


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _literal_path(path: str) -> str:
    """A path in which DuckDB finds no pattern."""
    return _PATTERN.sub(r"[\g<0>]", path)
