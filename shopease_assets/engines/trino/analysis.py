"""The types of a query's values, found as Athena finds them: what it would refuse is refused with a cure."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.annotate_types import TypeAnnotator
from sqlglot.optimizer.qualify import qualify
from sqlglot.schema import MappingSchema

from shopease_assets.core.errors import QueryError
from shopease_assets.engines.parsing import Input, column_message
from shopease_assets.engines.trino import types as t
from shopease_assets.engines.trino.functions import AGGREGATES, EXTRACTS, FUNCTIONS, WINDOWS, common_type, cure
from shopease_assets.engines.trino.types import Type


class _Annotator(TypeAnnotator):
    """sqlglot's walk through scopes with Trino's types."""

    def __init__(self, schema: MappingSchema) -> None:
        super().__init__(schema, {kind: {"annotator": _annotator(rule)} for kind, rule in _TYPES.items()})
        self._supports_null_type = True

    def _maybe_coerce(self, type1: Any, type2: Any) -> Type:
        return t.common(exp.DataType.build(type1), exp.DataType.build(type2)) or t.UNKNOWN


def typed(query: exp.Query, schemas: Mapping[Input, pa.Schema]) -> exp.Query:
    """The query with every name qualified and every value typed as Athena types it.

    Raises:
        QueryError: a column is unknown or ambiguous, or Athena would refuse the types.
    """
    names: dict[str, Any] = {}
    for (layer, table), schema in schemas.items():
        names.setdefault(layer, {})[table] = {field.name: t.athena_type(field.type) for field in schema}
    try:
        known = MappingSchema(names, dialect="trino")
        whole = _having_as(exp.Where, query.copy())
        whole = _having_as(exp.Having, qualify(whole, schema=known, dialect="trino", expand_alias_refs=False))
        _Annotator(known).annotate(whole)
    except SqlglotError as error:
        columns = [column for schema in schemas.values() for column in schema.names]
        raise QueryError(column_message(str(error), columns)) from error
    except QueryError as error:
        raise QueryError(str(error)) from error
    for node in whole.walk():
        _check_typed(node)
    for output in whole.selects:
        if output.type in (t.LOCAL, t.INTERVAL):
            raise QueryError(f"{output.alias_or_name} is a {t.named(output.type)}; cast it to timestamp or date")
    return whole


def _having_as(kind: type[exp.Expr], query: exp.Query) -> exp.Query:
    """sqlglot leaves columns in HAVING alone, since they may be aliases; in Athena they are not, as in WHERE."""
    for select in query.find_all(exp.Select):
        if select.args.get("having"):
            select.set("having", kind(this=select.args["having"].this))
    return query


def _annotator(rule: Callable[[Any], Type]) -> Callable[[TypeAnnotator, exp.Expr], None]:
    def annotate(annotator: TypeAnnotator, node: exp.Expr) -> None:
        unknown = any(isinstance(child, exp.Condition) and child.type == t.UNKNOWN for child in node.iter_expressions())
        annotator._set_type(node, t.UNKNOWN if unknown else rule(node).copy())  # noqa: SLF001 - how annotators answer

    return annotate


def _check_typed(node: exp.Expr) -> None:
    is_value = isinstance(node, exp.Column | exp.Func | exp.Binary | exp.Unary | exp.Between | exp.In)
    if is_value and not node.is_star and node.type == t.UNKNOWN:
        raise QueryError(f"the type of {node.sql(dialect='trino')} is not known; cast it")
    condition = node.this if isinstance(node, exp.Where | exp.Having) else node.args.get("on")
    if isinstance(node, exp.Where | exp.Having | exp.Join) and condition is not None:
        _boolean(condition)
    if isinstance(node, exp.SetOperation):
        for left, right in zip(node.this.selects, node.expression.selects, strict=False):
            _mixed(left, right)


def _mixed(left: exp.Expr, right: exp.Expr) -> Type:
    try:
        return common_type([left, right])
    except QueryError as error:
        raise QueryError(str(error)) from error


def type_of(node: exp.Expr) -> Type:
    return node.type or t.UNKNOWN


def _literal(node: exp.Literal) -> Type:
    text = node.name.lower()
    if node.is_string:
        return t.VARCHAR
    if text.isdigit():
        if int(text) >= 2**63:
            raise QueryError(f"{text} is beyond bigint; write decimal '{text}'")
        return t.INTEGER if int(text) < 2**31 else t.BIGINT
    if "e" in text:
        return t.DOUBLE
    whole, _, fraction = text.partition(".")
    return t.decimal(max(1, len(whole.lstrip("0") + fraction)), len(fraction))


def _comparison(node: exp.Binary) -> Type:
    common_type([node.this, node.expression])
    return t.BOOLEAN


def _in(node: exp.In) -> Type:
    query = node.args.get("query")
    common_type([node.this, *([query] if query is not None else node.expressions)])
    return t.BOOLEAN


def _between(node: exp.Between) -> Type:
    common_type([node.this, node.args["low"], node.args["high"]])
    return t.BOOLEAN


def _like(node: exp.Like) -> Type:
    if {type_of(node.this), type_of(node.expression)} - {t.VARCHAR, t.NULL}:
        raise QueryError(f"like compares varchar in Athena: {node.sql(dialect='trino')}; cast it to varchar")
    return t.BOOLEAN


def _conditions(node: exp.Expr) -> Type:
    for child in node.iter_expressions():
        _boolean(child)
    return t.BOOLEAN


def _boolean(node: exp.Expr) -> None:
    if type_of(node) not in (t.BOOLEAN, t.NULL):
        said = node.sql(dialect="trino")
        raise QueryError(f"a condition is boolean in Athena, not {t.named(type_of(node))}: {said}")


def _calculated(node: exp.Binary) -> Type:
    left, right = type_of(node.this), type_of(node.expression)
    if t.NULL in (left, right):
        return right if left == t.NULL else left
    if isinstance(node, exp.Add | exp.Sub):
        moment = _moved(node, left, right)
        if moment is not None:
            return moment
    found = t.arithmetic(type(node), left, right)
    if found is None:
        hint = (
            "use date_diff('day', …)" if {left, right} <= {t.DATE, t.TIMESTAMP, t.TIMESTAMP_TZ} else cure(left, right)
        )
        if t.DATE in (left, right) and {left, right} & set(t.INTEGERS):
            hint = "write interval '1' day, or date_add"
        said = f"{t.named(left)} {_operator(node)} {t.named(right)} is not translated: {node.sql(dialect='trino')}"
        raise QueryError(f"{said}; {hint}")
    return found


def _operator(node: exp.Binary) -> str:
    signs: dict[type[exp.Expr], str] = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/", exp.Mod: "%"}
    return signs[type(node)]


def _moved(node: exp.Binary, left: Type, right: Type) -> Type | None:
    """The type of a moment ± an interval."""
    interval, type_ = node.expression, left
    if left == t.INTERVAL and isinstance(node, exp.Add):
        interval, type_ = node.this, right
    if type_of(interval) != t.INTERVAL or type_ not in (t.DATE, t.TIMESTAMP, t.TIMESTAMP_TZ):
        return None
    unit = next(interval.find_all(exp.Interval)).args["unit"].name.lower()
    if type_ == t.DATE and unit not in ("day", "month", "year"):
        raise QueryError(f"a date moves by days, months or years in Athena, not by {unit}s; cast it to timestamp")
    return type_


def _case(node: exp.Case) -> Type:
    branches = node.args["ifs"]
    if node.this is not None:
        common_type([node.this, *(branch.this for branch in branches)])
    default = node.args.get("default")
    return common_type([*(branch.args["true"] for branch in branches), *([default] if default is not None else [])])


def _if(node: exp.If) -> Type:
    if not isinstance(node.parent, exp.Case) and type_of(node.this) != t.BOOLEAN:
        raise QueryError(f"if() takes a boolean: {node.sql(dialect='trino')}")
    return common_type([node.args["true"], *([node.args["false"]] if node.args.get("false") is not None else [])])


def _cast(node: exp.Cast) -> Type:
    source, target = type_of(node.this), t.written(node.to)
    if node.args.get("format"):
        raise QueryError("cast with a format is not translated; use date_parse")
    digits = node.to.expressions[0].name if node.to.expressions and target in (t.TIMESTAMP, t.TIMESTAMP_TZ) else "3"
    if digits not in ("3", "6") and not isinstance(node.this, exp.Literal):
        raise QueryError(f"a cast to timestamp({digits}) is not translated; use date_trunc")
    if target == t.TIMESTAMP_TZ and isinstance(node.this, exp.Literal) and UTC_TEXT.fullmatch(node.this.name):
        return target
    if (source, target) not in _REFUSED_CASTS and _castable(source, target):
        return target
    hint = _REFUSED_CASTS.get((source, target), "there is no such cast in Athena")
    raise QueryError(f"a cast of {t.named(source)} to {t.named(target)} is not translated; {hint}")


UTC_TEXT = re.compile(r"(\d{4}-\d\d-\d\d(?: \d\d:\d\d(?::\d\d(?:\.\d+)?)?)?) ?(?:UTC|Z|\+00:00)")
"""A timestamp literal in UTC; of one in another zone DuckDB forgets the zone."""

_REFUSED_CASTS = {
    (t.DOUBLE, t.VARCHAR): "Athena writes 1.0E0; cast it to a decimal first",
    (t.REAL, t.VARCHAR): "Athena writes 1.0E0; cast it to a decimal first",
    (t.TIMESTAMP, t.VARCHAR): "use date_format",
    (t.TIMESTAMP_TZ, t.VARCHAR): "use date_format",
    (t.LOCAL, t.VARCHAR): "use date_format",
    (t.VARCHAR, t.BOOLEAN): "compare the text: x = 'true'",
    (t.VARCHAR, t.TIMESTAMP_TZ): "write it in UTC: timestamp '2026-01-01 00:00:00 UTC'",
    (t.LOCAL, t.TIMESTAMP_TZ): "cast it to timestamp",
    (t.VARCHAR, t.VARBINARY): "use to_utf8",
}


def _castable(source: Type, target: Type) -> bool:
    moments = (t.DATE, t.TIMESTAMP, t.TIMESTAMP_TZ, t.LOCAL)
    return (
        source in (t.NULL, target)
        or (t.is_number(source) and (t.is_number(target) or target in (t.BOOLEAN, t.VARCHAR)))
        or (source == t.BOOLEAN and (t.is_number(target) or target == t.VARCHAR))
        or (source in moments and (target in moments or target == t.VARCHAR))
        or (source == t.VARCHAR and (t.is_number(target) or target in moments))
        or (t.is_array(source) and t.is_array(target) and source == target)
    )


def _zoned(node: exp.AtTimeZone) -> Type:
    if type_of(node.this) not in (t.TIMESTAMP, t.TIMESTAMP_TZ) or not isinstance(node.args["zone"], exp.Literal):
        raise QueryError("at time zone takes a timestamp and the name of a zone, as in x at time zone 'Asia/Kolkata'")
    return t.LOCAL


def _called(node: exp.Anonymous) -> Type:
    name = node.name.lower()
    if name == "now":
        return t.TIMESTAMP_TZ
    function, arguments = FUNCTIONS[name], values(node)
    wrapped = [argument for argument in node.expressions if isinstance(argument, exp.Distinct | exp.Order)]
    if wrapped and (name not in AGGREGATES or "(_0)" not in str(function.duckdb).replace("_args", "_0")):
        raise QueryError(f"{name} with distinct or order by is not translated; do that in a subquery")
    if name in WINDOWS and not isinstance(outermost(node), exp.Window):
        raise QueryError(f"{name} needs a window in Athena: {name}(…) over (order by …)")
    return function.type_of(name, arguments)


def values(node: exp.Anonymous) -> list[exp.Expr]:
    """The arguments without the DISTINCT or ORDER BY of an aggregate."""
    found: list[exp.Expr] = []
    for argument in node.expressions:
        match argument:
            case exp.Distinct():
                found.extend(argument.expressions)
            case exp.Order():
                found.append(argument.this)
            case exp.Star():
                continue
            case _:
                found.append(argument)
    return found


WRAPPERS = (exp.Filter, exp.IgnoreNulls, exp.RespectNulls, exp.Window)
"""What goes around the call of an aggregate or a window function."""


def outermost(call: exp.Expr) -> exp.Expr:
    """An aggregate with its FILTER, IGNORE NULLS and OVER."""
    while (
        isinstance(call.parent, exp.Filter | exp.IgnoreNulls | exp.RespectNulls | exp.Window) and call.arg_key == "this"
    ):
        call = call.parent
    return call


def _fixed(name: str, *keys: str) -> Callable[[exp.Expr], Type]:
    """The type of SQL's own spelling of a function, such as substring(x from 1)."""
    return lambda node: FUNCTIONS[name].type_of(
        name, [node.args[key] for key in keys if node.args.get(key) is not None]
    )


def _field(node: exp.Extract) -> Type:
    name = node.name.lower()
    if name not in EXTRACTS:
        raise QueryError(f"extract({name} from …) is not translated; take one of {', '.join(sorted(EXTRACTS))}")
    return FUNCTIONS[name].type_of(name, [node.expression])


def _unnested(node: exp.Unnest) -> Type:
    (source,) = node.expressions
    if not t.is_array(type_of(source)):
        raise QueryError(f"unnest takes an array, not {t.named(type_of(source))}")
    item: Type = type_of(source).expressions[0]
    return item


def _first(node: exp.Expr) -> Type:
    return type_of(node.this if node.args.get("this") is not None else node.expressions[0])


def _only_column(node: exp.Subquery) -> Type:
    query = node.unnest()
    outputs = query.selects if isinstance(query, exp.Query) else []
    return type_of(outputs[0]) if len(outputs) == 1 else t.UNKNOWN


def _always(type_: Type) -> Callable[[exp.Expr], Type]:
    return lambda _: type_


_TYPES: dict[type[exp.Expr], Callable[[Any], Type]] = {
    exp.Literal: _literal,
    exp.Boolean: _always(t.BOOLEAN),
    exp.Null: _always(t.NULL),
    exp.Column: _always(t.UNKNOWN),
    exp.Interval: _always(t.INTERVAL),
    exp.Anonymous: _called,
    exp.Coalesce: lambda node: common_type([node.this, *node.expressions]),
    exp.Cast: _cast,
    exp.TryCast: _cast,
    exp.Case: _case,
    exp.If: _if,
    exp.Extract: _field,
    exp.AtTimeZone: _zoned,
    exp.CurrentDate: _always(t.DATE),
    exp.CurrentTimestamp: _always(t.TIMESTAMP_TZ),
    exp.Localtimestamp: _always(t.TIMESTAMP),
    exp.Substring: _fixed("substr", "this", "start", "length"),
    exp.StrPosition: _fixed("strpos", "this", "substr"),
    exp.Trim: _fixed("trim", "this"),
    exp.GroupConcat: _always(t.VARCHAR),
    exp.DPipe: lambda node: FUNCTIONS["concat"].type_of("||", [node.this, node.expression]),
    exp.Array: lambda node: t.array(common_type(node.expressions)),
    exp.Unnest: _unnested,
    exp.Subquery: _only_column,
    exp.Select: lambda node: type_of(node.selects[0]) if len(node.selects) == 1 else t.UNKNOWN,
    exp.Exists: _always(t.BOOLEAN),
    exp.In: _in,
    exp.Between: _between,
    exp.Like: _like,
    exp.Escape: _first,
    exp.Is: _always(t.BOOLEAN),
    exp.Not: _conditions,
    exp.And: _conditions,
    exp.Or: _conditions,
    **dict.fromkeys((exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.NullSafeEQ, exp.NullSafeNEQ), _comparison),
    **dict.fromkeys((exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod), _calculated),
    **dict.fromkeys(
        (exp.Neg, exp.Paren, exp.Alias, exp.Filter, exp.Window, exp.IgnoreNulls, exp.RespectNulls, exp.Ordered), _first
    ),
    exp.Distinct: lambda node: _first(node) if node.expressions else t.UNKNOWN,
    exp.Order: lambda node: type_of(node.this) if node.args.get("this") is not None else t.UNKNOWN,
}
TYPED = frozenset(_TYPES)
"""The nodes that have a type; what is neither one of them nor part of a query's frame is not translated."""
