"""A gold table's query: its inputs, lineage and static check, and its text for other engines. It runs nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property, partial
from pathlib import Path
from typing import Literal

import pyarrow as pa
import sqlglot
from sqlglot import ErrorLevel, exp
from sqlglot.errors import SqlglotError
from sqlglot.lineage import Node, lineage
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import build_scope, traverse_scope

from shopease_assets.core.errors import QueryError
from shopease_assets.engines.arrow_types import TableSchema, compare_columns, duckdb_columns
from shopease_assets.engines.parsing import Input, column_message, lake_tables, parse_select
from shopease_assets.engines.portability import refuse_unportable
from shopease_assets.engines.session import create_empty_tables, session

LAYERS = ("bronze", "silver", "gold")
AS_OF = "as_of"
"""The one parameter a model may have: the last day it sees, a DATE."""

Schemas = Mapping[Input, TableSchema]


@dataclass(frozen=True)
class SqlModel:
    """One SELECT in DuckDB's dialect that computes the table `name` from lake tables."""

    name: str
    sql: str

    def __post_init__(self) -> None:
        unknown = {str(parameter.name) for parameter in self._parameters} - {AS_OF}
        if unknown:
            raise QueryError(f"{self.name}: ${min(unknown)} is not a parameter; only ${AS_OF} is")
        if not self.inputs:
            raise QueryError(f"{self.name}: it reads no lake table; name one as layer.table")

    @classmethod
    def load(cls, path: Path) -> "SqlModel":
        """The model in `<name>.sql`."""
        return cls(path.stem, path.read_text(encoding="utf-8"))

    @cached_property
    def inputs(self) -> tuple[Input, ...]:
        """The lake tables the query reads, sorted."""
        return lake_tables(self._query, LAYERS, self.name)

    @property
    def docs(self) -> str:
        """The comment the file opens with."""
        lines = [line.strip() for line in self.sql.strip().splitlines()]
        end = next((i for i, line in enumerate(lines) if not line.startswith("--")), len(lines))
        return "\n".join(line.removeprefix("--").strip() for line in lines[:end])

    @property
    def needs_as_of(self) -> bool:
        """Whether the query gives a state as of a day, and cannot run without that day."""
        return bool(self._parameters)

    def lineage(self, schemas: Schemas) -> dict[str, list[tuple[str, str, str]]]:
        """For each output column the input columns (layer, table, column) its value is computed from."""
        query = self._qualified(schemas)
        columns = lineage(None, query, self._names(schemas), dialect="duckdb", scope=build_scope(query))
        if isinstance(columns, Node):
            columns = {columns.name: columns}
        return {name: sorted(set(_leaves(node))) for name, node in columns.items()}

    def columns_of(self, table: Input, schemas: Schemas) -> list[str]:
        """The columns of one input that the query reads anywhere (filters and joins too), in schema order."""
        read = {
            column.name
            for scope in traverse_scope(self._qualified(schemas))
            for column in scope.columns
            if _input(scope.sources.get(column.table)) == table
        }
        return [name for name in duckdb_columns(schemas[table]) if name in read]

    def output_types(self, schemas: Schemas) -> dict[str, str]:
        """The result's columns with the types DuckDB's binder gives them; no data is read."""
        self._qualified(schemas)
        with session(self.name) as connection:
            create_empty_tables(connection, schemas, self.inputs)
            parameters = {AS_OF: date(2000, 1, 1)} if self.needs_as_of else None
            result = connection.sql(self.sql, params=parameters)
            return dict(zip(result.columns, map(str, result.types), strict=True))

    def check(self, schemas: Schemas, contract: pa.Schema) -> None:
        """Refuses a model that does not bind, or whose columns are not the contract's."""
        compare_columns(list(self.output_types(schemas)), contract.names, self.name)

    def transpile(
        self,
        dialect: Literal["athena", "spark"],
        *,
        as_of: date | None = None,
        sources: Mapping[Input, str] | None = None,
    ) -> str:
        """The query as Athena or Spark reads it, `$as_of` written as a date.

        `sources` are SELECTs in that dialect, to be read in place of the lake tables.
        """
        refuse_unportable(self._query, self.name)
        query = self._query.copy()
        if sources is not None:
            read = partial(sqlglot.parse, dialect=dialect)
            for table in [table for table in query.find_all(exp.Table) if table.db]:
                source = parse_select(sources[table.db.lower(), table.name.lower()], self.name, read)
                alias = exp.TableAlias(this=exp.to_identifier(table.alias_or_name))
                table.replace(exp.Subquery(this=source, alias=alias))
        for parameter in query.find_all(exp.Placeholder):
            if as_of is None:
                raise QueryError(f"{self.name}: the query is a state as of a day; give as_of")
            parameter.replace(exp.cast(exp.Literal.string(as_of.isoformat()), "date"))
        try:
            return query.sql(dialect, pretty=True, comments=False, unsupported_level=ErrorLevel.RAISE)
        except SqlglotError as error:
            raise QueryError(f"{self.name}: {dialect} cannot run it: {' '.join(str(error).split())}") from error

    @cached_property
    def _query(self) -> exp.Expr:
        return parse_select(self.sql, self.name)

    @cached_property
    def _parameters(self) -> list[exp.Placeholder]:
        return list(self._query.find_all(exp.Placeholder))

    def _names(self, schemas: Schemas) -> dict[str, object]:
        unknown = [f"{layer}.{table}" for layer, table in self.inputs if (layer, table) not in schemas]
        if unknown:
            raise QueryError(f"{self.name}: the schema of its input {unknown[0]} is not known; give it")
        tables: dict[str, dict[str, dict[str, str]]] = {}
        for layer, table in self.inputs:
            tables.setdefault(layer, {})[table] = duckdb_columns(schemas[layer, table])
        return dict(tables)

    def _qualified(self, schemas: Schemas) -> exp.Expr:
        """Every column with its table. An alias used again beside its definition is refused: Trino cannot."""
        names = self._names(schemas)
        try:
            return qualify(self._query.copy(), schema=names, dialect="duckdb", expand_alias_refs=False)
        except SqlglotError as error:
            known = [column for table in self.inputs for column in duckdb_columns(schemas[table])]
            raise QueryError(f"{self.name}: {column_message(str(error), known)}") from error


def _leaves(node: Node) -> list[tuple[str, str, str]]:
    leaves = []
    for leaf in node.walk():
        table = _input(leaf.expression)
        if table:
            leaves.append((*table, exp.to_column(leaf.name).name))
    return leaves


def _input(source: object) -> Input | None:
    return (source.db, source.name) if isinstance(source, exp.Table) and source.db else None
