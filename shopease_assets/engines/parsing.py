"""Reads SQL text: one SELECT, and the lake tables it names. Nothing is bound or run here."""

from collections.abc import Callable, Collection, Iterator
from difflib import get_close_matches
from re import search

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError, SqlglotError

from shopease_assets.core.errors import QueryError

Input = tuple[str, str]
"""A lake table as SQL names it: `("silver", "orders")`."""

_DIALECT = "duckdb"

Read = Callable[[str], list[exp.Expr | None]]


def _duckdb(sql: str) -> list[exp.Expr | None]:
    return sqlglot.parse(sql, dialect=_DIALECT)


def parse_select(sql: str, subject: str, read: Read = _duckdb) -> exp.Expr:
    """The syntax tree of the one SELECT in `sql`; anything else is refused. `subject` opens every error.

    `read` parses another dialect than DuckDB's.
    """
    try:
        parsed = read(sql)
    except (SqlglotError, RecursionError) as error:
        raise QueryError(f"{subject}: {_parse_message(error)}") from error
    statements = [statement for statement in parsed if statement and not isinstance(statement, exp.Semicolon)]
    if len(statements) != 1:
        raise QueryError(f"{subject}: write exactly one SELECT statement, not {len(statements)}")
    statement = statements[0]
    if not isinstance(statement, exp.Query | exp.Values) or statement.find(exp.DML, exp.DDL, exp.Into):
        raise QueryError(f"{subject}: only SELECT is allowed; {_opening(sql)} is not a query")
    return statement


def lake_tables(query: exp.Expr, layers: Collection[str], subject: str) -> tuple[Input, ...]:
    """The tables of `layers` that the query reads, sorted; any other table is an error that names it."""
    return tuple(sorted(set(_lake_tables(query, layers, subject))))


def _lake_tables(query: exp.Expr, layers: Collection[str], subject: str) -> Iterator[Input]:
    defined_here = {cte.alias.lower() for cte in query.find_all(exp.CTE)}
    for table in query.find_all(exp.Table):
        if isinstance(table.this, exp.GenerateSeries):
            continue
        name = _without_alias(table).sql(dialect=_DIALECT, comments=False)
        if not isinstance(table.this, exp.Identifier):
            raise QueryError(f"{subject}: {name} is not a lake table; read {_qualified('table', layers)}")
        if not table.db and table.name.lower() in defined_here:
            continue
        if not table.db:
            raise QueryError(f"{subject}: {name} names no layer; write {_qualified(table.name, layers)}")
        if table.catalog or table.db.lower() not in layers:
            raise QueryError(f"{subject}: {name} is not in the lake; its layers are {', '.join(layers)}")
        yield table.db.lower(), table.name.lower()


def column_message(message: str, known: list[str]) -> str:
    """What sqlglot says of a column that is not there, with the names that were meant."""
    found = search(r"(?:Column '|Unknown column: )(\w+)", message)
    if not found:
        return " ".join(message.split())
    if found[1] in known:
        return f"column {found[1]!r} is ambiguous or not in scope; write it with its table"
    close = get_close_matches(found[1], sorted(set(known)))
    cure = f"did you mean {' or '.join(close)}?" if close else f"the inputs have {', '.join(sorted(set(known)))}"
    return f"column {found[1]!r} is in none of its inputs; {cure}"


def _without_alias(table: exp.Table) -> exp.Table:
    bare = table.copy()
    bare.set("alias", None)
    return bare


def _qualified(table: str, layers: Collection[str]) -> str:
    return " or ".join(f"{layer}.{table}" for layer in layers)


def _parse_message(error: Exception) -> str:
    if isinstance(error, ParseError) and error.errors:
        first = error.errors[0]
        return f"{first['description']} near {first['highlight']!r}, line {first['line']} column {first['col']}"
    if isinstance(error, RecursionError):
        return "the query is nested too deeply; split it into CTEs"
    return " ".join(str(error).split())


def _opening(sql: str) -> str:
    return repr(" ".join(sql.split())[:40])
