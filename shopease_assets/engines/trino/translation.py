"""A typed query of Athena's, rewritten for DuckDB node by node, so that DuckDB gives Athena's answer."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any, ClassVar

import pyarrow as pa
from sqlglot import ErrorLevel, exp
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.parser import Parser
from sqlglot.parsers.duckdb import DuckDBParser

from shopease_assets.core.errors import QueryError
from shopease_assets.engines.arrow_types import quoted
from shopease_assets.engines.parsing import Input
from shopease_assets.engines.trino import types as t
from shopease_assets.engines.trino.analysis import UTC_TEXT, WRAPPERS, outermost, type_of, values
from shopease_assets.engines.trino.functions import FUNCTIONS, Function
from shopease_assets.engines.trino.types import Type


class _Template(DuckDBParser):
    """Reads DuckDB's text as it stands."""

    FUNCTIONS: ClassVar[dict[str, Callable[..., exp.Expr]]] = {}
    FUNCTION_PARSERS: ClassVar[dict[str, Callable[..., exp.Expr]]] = {
        name: parser for name, parser in DuckDBParser.FUNCTION_PARSERS.items() if name in ("CAST", "TRY_CAST")
    }


def translated(query: exp.Expr, schemas: Mapping[Input, pa.Schema], now: datetime) -> str:
    """DuckDB's text of a typed query; `now` is what current_date and its kin say."""
    tree = rewritten(query, now)
    for table in list(tree.find_all(exp.Table)):
        schema = schemas.get((table.db, table.name))
        if schema is not None:
            _as_athena_reads(table, schema)
    return tree.sql(dialect="duckdb", comments=False, unsupported_level=ErrorLevel.RAISE)


def rewritten(query: exp.Expr, now: datetime) -> exp.Expr:
    """The typed tree as DuckDB's."""
    tree = exp.Paren(this=query.copy())
    for average in [call for call in tree.find_all(exp.Anonymous) if call.name.lower() == "avg"]:
        _expand_average(average)
    for node in reversed(list(tree.dfs())):
        replacement = _rewrite(node, now)
        if replacement is not node:
            replacement.type = node.type
            node.replace(replacement)
    result: exp.Expr = tree.this
    result.pop()
    return result


def _rewrite(node: exp.Expr, now: datetime) -> exp.Expr:
    if isinstance(node, exp.CurrentDate | exp.CurrentTimestamp | exp.Localtimestamp):
        return _moment(now, type_of(node))
    if isinstance(node, exp.Anonymous):
        return _whole_sum(node, _call(node, now))
    if isinstance(node, exp.Filter | exp.Window):
        return _whole_sum(node, node)
    rewrite = _SPELLINGS.get(type(node))
    return rewrite(node) if rewrite else _rewrite_operator(node)


def _given(node: exp.Expr, *keys: str) -> list[exp.Expr]:
    return [node.args[key] for key in keys if node.args.get(key) is not None]


def _rewrite_operator(node: exp.Expr) -> exp.Expr:
    match node:
        case exp.Div() if t.is_decimal(type_of(node)):
            return _exact_quotient(node)
        case exp.Div():
            return _template("_0 // _1" if type_of(node) in t.INTEGERS else "_0 / _1", [node.this, node.expression])
        case exp.Add() | exp.Sub() if type_of(node) == t.DATE:
            return exp.cast(exp.paren(node.copy()), "date")
        case exp.Cast():
            return _cast_rewritten(node)
        case exp.AtTimeZone():
            zoned = type_of(node.this) == t.TIMESTAMP_TZ
            local = "_0 at time zone _1" if zoned else "_0 at time zone 'UTC' at time zone _1"
            return _template(local, [node.this, node.args["zone"]])
        case _:
            return node


def _call(node: exp.Anonymous, now: datetime) -> exp.Expr:
    name = node.name.lower()
    if name == "now":
        return _moment(now, t.TIMESTAMP_TZ)
    if any(isinstance(argument, exp.Star) for argument in node.expressions):
        return _template("count(*)", [])
    wrapped: list[exp.Expr] = [part for part in node.expressions if isinstance(part, exp.Distinct | exp.Order)]
    return _template(FUNCTIONS[name].template(values(node)), wrapped or values(node))


def _from(function: Function, arguments: list[exp.Expr]) -> exp.Expr:
    return _template(function.template(arguments), arguments)


def _parsed_select(text: str) -> exp.Select:
    parser: Parser = _Template(dialect="duckdb")
    (select,) = parser.parse(DuckDB().tokenize(f"select {text}"), text)
    assert isinstance(select, exp.Select)  # noqa: S101  # it opens with select
    return select


@cache
def _parsed_template(text: str) -> exp.Expr:
    return _parsed_select(text).selects[0]


def _template(text: str, arguments: list[exp.Expr]) -> exp.Expr:
    """DuckDB's expression with `_0`, `_1` … replaced by the arguments."""
    tree = exp.Paren(this=_parsed_template(text).copy())
    for place in list(tree.find_all(exp.Column)):
        if re.fullmatch(r"_\d+", place.name):
            place.replace(_grouped(arguments[int(place.name[1:])].copy()))
    result: exp.Expr = tree.this
    if isinstance(result, exp.Binary):
        return tree
    result.pop()
    return result


def _grouped(argument: exp.Expr) -> exp.Expr:
    if isinstance(argument, exp.Binary | exp.Unary | exp.Between | exp.In | exp.AtTimeZone | exp.Query):
        return exp.Paren(this=argument) if not isinstance(argument, exp.Paren | exp.Subquery) else argument
    return argument


def _moment(now: datetime, type_: Type | None) -> exp.Expr:
    text = f"{now.astimezone(UTC):%Y-%m-%d}" if type_ == t.DATE else f"{now.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}"[:-3]
    zone = "+00" if type_ == t.TIMESTAMP_TZ else ""
    return exp.cast(exp.Literal.string(text + zone), t.duckdb_type(type_ or t.DATE))


def _trim(node: exp.Trim) -> exp.Expr:
    name = {"LEADING": "ltrim", "TRAILING": "rtrim"}.get(str(node.args.get("position")).upper(), "trim")
    if node.args.get("expression") is not None:
        return _template(f"{name}(_0, _1)", [node.this, node.expression])
    return _from(FUNCTIONS[name], [node.this])


def _listagg(node: exp.GroupConcat) -> exp.Expr:
    """DuckDB wants the order behind the last argument."""
    separator = node.args.get("separator") or exp.Literal.string("")
    if not isinstance(node.this, exp.Order):
        raise QueryError("listagg needs within group (order by …)")
    ordered = exp.Order(this=separator.copy(), expressions=[each.copy() for each in node.this.expressions])
    return exp.Anonymous(this="string_agg", expressions=[node.this.this.copy(), ordered])


def _whole_sum(node: exp.Expr, result: exp.Expr) -> exp.Expr:
    """DuckDB sums integers to hugeint; Athena to bigint, and fails beyond. The cast goes around FILTER and OVER."""
    call = node
    while isinstance(call, WRAPPERS):
        call = call.this
    if outermost(node) is not node or call.name.lower() not in ("sum", "count_if") or type_of(node) != t.BIGINT:
        return result
    return exp.cast(result.copy(), "bigint")


_SKIPPING: dict[str, Callable[..., exp.Expr]] = {
    "lag": lambda value, offset=None, default=None: exp.Lag(this=value, offset=offset, default=default),
    "lead": lambda value, offset=None, default=None: exp.Lead(this=value, offset=offset, default=default),
    "first_value": lambda value: exp.FirstValue(this=value),
    "last_value": lambda value: exp.LastValue(this=value),
    "nth_value": lambda value, offset: exp.NthValue(this=value, offset=offset),
}


def _ignoring_nulls(node: exp.IgnoreNulls) -> exp.Expr:
    """DuckDB has IGNORE NULLS inside the parentheses, and sqlglot puts it there for the functions it knows."""
    if node.this.name.lower() not in _SKIPPING:
        raise QueryError(f"ignore nulls does not go with {node.this.name.lower()}")
    return exp.IgnoreNulls(this=_SKIPPING[node.this.name.lower()](*(each.copy() for each in node.this.expressions)))


def _expand_average(call: exp.Anonymous) -> None:
    """avg of decimals as an exact quotient: DuckDB's is a double."""
    (argument,) = values(call)
    if not t.is_decimal(type_of(argument)):
        return
    whole = outermost(call)
    parts = []
    for name, type_ in (("sum", t.decimal(38, t.digits(type_of(argument))[1])), ("count", t.BIGINT)):
        call.set("this", name)
        part = whole.copy()
        for node in part.walk():
            node.type = node.type or t.UNKNOWN
        part.type = type_
        parts.append(part)
    call.set("this", "avg")
    none = exp.Anonymous(this="nullif", expressions=[parts[1], exp.Literal.number(0)])
    none.type = t.BIGINT
    quotient = exp.Div(this=parts[0], expression=none)
    quotient.type = type_of(argument)
    whole.replace(quotient)


def _exact_quotient(node: exp.Div) -> exp.Expr:
    """left / right as decimals, rounded half up: DuckDB's quotient is a double.

    Both sides become whole numbers; their quotient with one digit more than asked for, cut off, rounds the same way.
    """
    left, right, scale = (t.digits(type_of(each))[1] for each in (node.this, node.expression, node))
    shift = scale - left + right + 1
    whole = f"({_unscaled('_0', left)} * {10**shift}) // {_unscaled('_1', right)}"
    step = "0." + "1".rjust(scale + 1, "0")
    return _template(
        f"cast(cast({whole} as decimal(38, 0)) * cast('{step}' as decimal({scale + 2}, {scale + 1})) "
        f"as {t.duckdb_type(type_of(node))})",
        [node.this, node.expression],
    )


def _unscaled(value: str, scale: int) -> str:
    if scale == 0:
        return f"cast({value} as hugeint)"
    return f"cast({value} * cast({10**scale} as decimal({scale + 1}, 0)) as hugeint)"


_TEXT_FORMS = {
    t.DATE: r"\s*\d{4,}-\d{1,2}-\d{1,2}\s*",
    t.TIMESTAMP: r"\s*\d{4,}-\d{1,2}-\d{1,2}( \d{1,2}:\d{1,2}(:\d{1,2}(\.\d+)?)?)?\s*",
    **dict.fromkeys(t.INTEGERS, r"[+-]?[0-9]+"),
}


def _cast_rewritten(node: exp.Cast) -> exp.Expr:
    source, target = type_of(node.this), type_of(node)
    verb = "try_cast" if isinstance(node, exp.TryCast) else "cast"
    kind = t.duckdb_type(target)
    if source == t.VARCHAR and target in _TEXT_FORMS:
        return _parsed_text(node, verb, kind, _TEXT_FORMS[target])
    text = f"{verb}(_0 as {kind})"
    if source == t.VARCHAR and target == t.TIMESTAMP_TZ:
        instant = UTC_TEXT.sub(r"\1+00", node.this.name)
        text = f"cast('{instant}' as timestamptz)"
    elif source in (t.DOUBLE, t.REAL) and target in t.INTEGERS:
        text = f"{verb}(round(_0) as {kind})"
    elif source in (t.DOUBLE, t.REAL) and t.is_decimal(target):  # Athena rounds the shortest decimal of the double
        text = f"{verb}(cast(_0 as varchar) as {kind})"
    elif target == t.VARCHAR and node.to.expressions:
        text = f"substr({verb}(_0 as varchar), 1, {node.to.expressions[0].name})"
    return _template(text, [node.this])


def _parsed_text(node: exp.Cast, verb: str, kind: str, form: str) -> exp.Expr:
    """Only the forms Athena reads: DuckDB also takes 1.5 for an integer, and a time for a date."""
    if isinstance(node.this, exp.Literal):
        if re.fullmatch(form, node.this.name):
            return _template(f"{verb}(_0 as {kind})", [node.this])
        if verb == "cast" and not any(call.name.lower() == "try" for call in _callers(node)):
            raise QueryError(f"Athena cannot cast {node.this.name!r} to {kind.lower()}")
        return exp.Null()
    fits = f"when regexp_full_match(_0, '{form}') then {verb}(_0 as {kind})"
    otherwise = "" if verb == "try_cast" else f"when _0 is not null then cast('no {kind.lower()}: ' || _0 as {kind})"
    return _template(f"case {fits} {otherwise} end", [node.this])


def _callers(node: exp.Expr) -> Iterator[exp.Anonymous]:
    while node.parent is not None:
        node = node.parent
        if isinstance(node, exp.Anonymous):
            yield node


def _as_athena_reads(table: exp.Table, schema: pa.Schema) -> None:
    """Timestamps without their zone and rounded to milliseconds, as Athena's Hive tables have them."""
    instants = [field.name for field in schema if pa.types.is_timestamp(field.type)]
    if not instants:
        return
    columns = ", ".join(f"cast(cast({name} as timestamp_ms) as timestamp) as {name}" for name in map(quoted, instants))
    source = f"{quoted(table.db)}.{quoted(table.name)}"
    inner = _parsed_select(f"* replace ({columns}) from {source}")
    table.replace(exp.Subquery(this=inner, alias=table.args.get("alias"), joins=table.args.get("joins")))


_SPELLINGS: dict[type[exp.Expr], Callable[[Any], exp.Expr]] = {
    exp.IgnoreNulls: _ignoring_nulls,
    exp.RespectNulls: lambda node: node.this.copy(),
    exp.Extract: lambda node: _from(FUNCTIONS[node.name.lower()], [node.expression]),
    exp.Substring: lambda node: _from(FUNCTIONS["substr"], _given(node, "this", "start", "length")),
    exp.StrPosition: lambda node: _from(FUNCTIONS["strpos"], _given(node, "this", "substr")),
    exp.Trim: _trim,
    exp.GroupConcat: _listagg,
}
"""Functions that SQL spells in its own way."""
