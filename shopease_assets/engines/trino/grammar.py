"""Athena's grammar: one SELECT as a tree in which every function has the name it was written with.

What sqlglot would read and Athena would not is refused here, and so is every node and function that has no translation:
nothing reaches DuckDB unseen.
"""

import re
from collections.abc import Callable, Collection
from typing import Any, ClassVar

from sqlglot import exp
from sqlglot.dialects.trino import Trino
from sqlglot.parsers.trino import TrinoParser
from sqlglot.tokenizer_core import Token, TokenType

from shopease_assets.core.errors import QueryError
from shopease_assets.core.layout import GLUE_CATALOG, glue_database
from shopease_assets.engines.parsing import parse_select
from shopease_assets.engines.trino.analysis import TYPED
from shopease_assets.engines.trino.functions import FUNCTIONS, KNOWN_REFUSED


class _Athena(TrinoParser):
    """Leaves every function with the name it was written with."""

    FUNCTIONS: ClassVar[dict[str, Callable[..., exp.Expr]]] = {}
    FUNCTION_PARSERS: ClassVar[dict[str, Callable[..., exp.Expr]]] = {
        name: parser
        for name, parser in TrinoParser.FUNCTION_PARSERS.items()
        if name in ("CAST", "TRY_CAST", "EXTRACT", "POSITION", "SUBSTRING", "TRIM", "LISTAGG")
    }


def parse(sql: str, layers: Collection[str], environment: str) -> exp.Query:
    """The tree of one SELECT of Athena; a table is `layer.name`, wherever its database `shopease_<env>_<layer>` stood.

    Raises:
        QueryError: it is no SELECT, or uses what Athena's grammar does not have.
    """
    query = parse_select(sql, "query", _read)
    if isinstance(query, exp.Values):
        query = _selected(query)
    assert isinstance(query, exp.Query)  # noqa: S101  # parse_select refuses all else
    for call in list(query.find_all(exp.Anonymous)):
        if call.name.lower() == "date" and len(call.expressions) == 1:  # Athena's alias of the cast
            call.replace(exp.Cast(this=call.expressions[0].copy(), to=exp.DataType.build("date")))
    for node in query.walk():
        if isinstance(node, exp.Table | exp.Column):
            _localise(node, layers, environment)
        _refuse_unknown(node)
    for select in query.find_all(exp.Select):
        _name_columns(select)
    return query


def _selected(values: exp.Values) -> exp.Select:
    """VALUES by itself, as a select of its rows."""
    first = values.expressions[0]
    width = len(first.expressions) if isinstance(first, exp.Tuple) else 1
    columns = [exp.to_identifier(f"_col{position}") for position in range(width)]
    values.set("alias", exp.TableAlias(this=exp.to_identifier("rows"), columns=columns))
    return exp.select("*").from_(values)


def _name_columns(select: exp.Select) -> None:
    """A value without a name is `_col` and its position in Athena."""
    for position, output in enumerate(list(select.expressions)):
        if not isinstance(output, exp.Column | exp.Alias | exp.Star):
            output.replace(exp.alias_(output.copy(), f"_col{position}", quoted=True))


def _read(sql: str) -> list[exp.Expr | None]:
    tokens = Trino().tokenize(sql)
    _refuse_foreign(tokens)
    parsed: list[exp.Expr | None] = _Athena(dialect="trino").parse(tokens, sql)
    return parsed


def _refuse_foreign(tokens: list[Token]) -> None:
    """Refuses what sqlglot would read and Athena would not."""
    for token, before in zip(tokens, [None, *tokens], strict=False):
        follows = before.token_type if before else None
        if token.text in _FOREIGN:
            raise QueryError(f"{token.text} is not Athena's SQL; {_FOREIGN[token.text]}")
        if token.text == "/" and before and before.text == "/":
            raise QueryError("// is not Athena's SQL; integers divide to integers with /")
        if token.token_type == TokenType.ILIKE:
            raise QueryError("ilike is not Athena's SQL; write lower(x) like '…'")
        if token.token_type == TokenType.NUMBER and follows == TokenType.INTERVAL:
            raise QueryError(f"interval {token.text} is not Athena's SQL; write interval '{token.text}' day")
        if token.token_type == TokenType.FROM and follows in (None, TokenType.L_PAREN):
            raise QueryError("a query opens with SELECT in Athena")
        if token.token_type == TokenType.L_BRACKET and follows != TokenType.ARRAY:
            raise QueryError("[ ] is not translated; write array[…] for a list and element_at(list, 1) for a member")
    _refuse_late_offset(tokens)


_FOREIGN = {
    "::": "write cast(x as type)",
    "==": "write =",
    "**": "write power(x, y)",
    "#": "write the column's name or its number",
    "->>": "write json_extract_scalar",
    "{": "write map(…) or separate columns",
}


def _refuse_late_offset(tokens: list[Token]) -> None:
    limits = [False]
    for token in tokens:
        match token.token_type:
            case TokenType.L_PAREN:
                limits.append(False)
            case TokenType.R_PAREN if len(limits) > 1:
                limits.pop()
            case TokenType.LIMIT:
                limits[-1] = True
            case TokenType.OFFSET if limits[-1]:
                raise QueryError("OFFSET comes before LIMIT in Athena")


def _localise(node: exp.Table | exp.Column, layers: Collection[str], environment: str) -> None:
    """`awsdatacatalog.shopease_dev_gold.x` → `gold.x`."""
    database = (node.args.get("db") or exp.Identifier(this="")).name.lower()
    prefix = glue_database(environment, "").lower()
    if database.startswith(prefix) and database.removeprefix(prefix) in layers:
        node.set("db", exp.to_identifier(database.removeprefix(prefix)))
    catalog = node.args.get("catalog")
    if catalog is not None and catalog.name.lower() == GLUE_CATALOG:
        node.set("catalog", None)
    if isinstance(node, exp.Column) and node.args.get("db"):
        node.set("db", None)  # gold.sales.dt: its table's name is enough


_STRUCTURE: tuple[type[exp.Expr], ...] = (
    exp.Select, exp.SetOperation, exp.Subquery, exp.With, exp.CTE, exp.From, exp.Join, exp.Where, exp.Group, exp.Having,
    exp.Order, exp.Ordered, exp.Limit, exp.Fetch, exp.LimitOptions, exp.Offset, exp.Values, exp.Tuple, exp.Table,
    exp.TableAlias, exp.Identifier, exp.Star, exp.Rollup, exp.Cube, exp.GroupingSets, exp.WindowSpec, exp.Unnest,
    exp.Var, exp.DataType, exp.DataTypeParam,
)  # fmt: skip


def _refuse_unknown(node: exp.Expr) -> None:
    if isinstance(node, exp.Anonymous):
        name = node.name.lower()
        if name not in FUNCTIONS and name != "now":
            instead = KNOWN_REFUSED.get(name)
            said = f"is not translated; {instead}" if instead else "is not a function that is translated from Athena"
            raise QueryError(f"{name} {said}")
    elif not isinstance(node, _STRUCTURE) and type(node) not in TYPED:
        raise QueryError(f"{_words(type(node))} is not translated: {node.sql(dialect='trino')}")
    _refuse_shape(node)


def _refuse_shape(node: exp.Expr) -> None:
    for kind, found, message in _SHAPES:
        if isinstance(node, kind) and found(node):
            raise QueryError(message)
    if isinstance(node, exp.Interval):
        _refuse_interval(node)


_SHAPES: tuple[tuple[type[exp.Expr], Callable[[Any], object], str], ...] = (
    (
        exp.Star,
        lambda node: any(node.args.get(key) for key in ("except_", "except", "replace", "rename")),
        "select * except is not Athena's SQL; name the columns",
    ),
    (
        exp.Join,
        lambda node: node.method or node.kind not in ("", "INNER", "CROSS", "OUTER"),
        "semi, anti, natural and asof join is not Athena's SQL; use exists, or join … on",
    ),
    (exp.Distinct, lambda node: node.args.get("on"), "distinct on is not Athena's SQL; rank the rows and filter"),
    (exp.Group, lambda node: node.args.get("all"), "group by all is not Athena's SQL; name the columns"),
    (
        exp.Unnest,
        lambda node: len(node.expressions) != 1 or node.args.get("offset"),
        "unnest of several arrays, or with ordinality, is not translated; unnest one array",
    ),
    (
        exp.Unnest,
        lambda node: not node.alias_column_names,
        "unnest without column names is not translated; write unnest(…) as t(x)",
    ),
    (exp.SetOperation, lambda node: node.args.get("by_name"), "union by name is not Athena's SQL; name the columns"),
    (
        exp.Table,
        lambda node: node.args.get("sample") or node.args.get("pivots"),
        "samples and pivots are not translated; use where, or case when",
    ),
    (exp.Limit, lambda node: not isinstance(node.expression, exp.Literal), "limit takes a number"),
)
"""Nodes that may be there, but not so."""


def _refuse_interval(node: exp.Interval) -> None:
    unit = (node.args.get("unit") or exp.Var(this="")).name.lower()
    if unit not in ("second", "minute", "hour", "day", "month", "year"):
        raise QueryError(
            f"an interval in {unit or 'no unit'} is not translated; use days or months, as in interval '7' day"
        )
    if not re.fullmatch(r"[+-]?\d+", node.name):
        raise QueryError(f"interval {node.name!r} is not translated; write a whole number, as in interval '7' day")


def _words(kind: type) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", kind.__name__).lower()
