"""A local Athena: SELECTs of Athena (Trino), answered from the published partitions by DuckDB as Athena would.

What cannot be answered alike is refused by name. Gold models and proofs are written for DuckDB and do not come here.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

import pyarrow as pa
from sqlglot import exp

from shopease_assets.core.errors import QueryError
from shopease_assets.core.layout import LAYERS
from shopease_assets.engines import duckdb
from shopease_assets.engines.duckdb import InputRelation
from shopease_assets.engines.parsing import lake_tables
from shopease_assets.engines.trino.analysis import typed
from shopease_assets.engines.trino.grammar import parse
from shopease_assets.engines.trino.pruning import Partitions, needed
from shopease_assets.engines.trino.translation import translated

__all__ = ["Catalog", "Partitions", "PublishedTable", "answer"]


@dataclass(frozen=True)
class PublishedTable:
    """A table as its readers know it: all columns, and what is published of it."""

    schema: pa.Schema
    partitions: Partitions


class Catalog(Protocol):
    """What a query needs of the lake."""

    def table(self, layer: str, name: str) -> PublishedTable:
        """The table. Raises QueryError if nothing of that name is published."""

    def view(self, layer: str, name: str) -> str | None:
        """The SELECT of the view of that name, if there is one."""

    def relation(self, layer: str, name: str, partitions: Collection[str]) -> InputRelation:
        """These partitions of the table, as files."""


def answer(sql: str, catalog: Catalog, *, environment: str, now: datetime | None = None) -> pa.Table:
    """What Athena answers to one SELECT over the published tables; files of other partitions are not opened.

    Tables are `gold.x`, or `shopease_<environment>_gold.x` as in Athena; `now` (default: the clock) is its
    current_timestamp.

    Raises:
        QueryError: it is no SELECT of Athena's, cannot be answered alike, or names an unknown table or column.
    """
    moment = now or datetime.now(UTC)
    with _named("query"):
        query = parse(sql, LAYERS, environment)
        for table in list(query.find_all(exp.Table)):
            if select := catalog.view(table.db, table.name):
                table.replace(_in_place_of(table, parse(select, LAYERS, environment)))
        tables = {table: catalog.table(*table) for table in lake_tables(query, LAYERS, "query")}
        schemas = {table: published.schema for table, published in tables.items()}
        whole = typed(query, schemas)
        ours = translated(whole, schemas, moment)
        wanted = needed(whole, {table: published.partitions for table, published in tables.items()}, moment)
    return duckdb.query(ours, {table: catalog.relation(*table, wanted[table]) for table in tables})


def _in_place_of(table: exp.Table, view: exp.Query) -> exp.Subquery:
    """The view's rows under the name the query has for them."""
    named = table.args.get("alias") or exp.TableAlias(this=exp.to_identifier(table.name))
    return exp.Subquery(this=view, alias=named.copy())


@contextmanager
def _named(subject: str) -> Iterator[None]:
    """Opens every refusal with the subject, once."""
    try:
        yield
    except QueryError as error:
        raise QueryError(f"{subject}: {str(error).removeprefix(f'{subject}: ')}") from error
