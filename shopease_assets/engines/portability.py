"""What a model may use so that DuckDB, Athena and Spark give the same answer. Translation itself is sqlglot's."""

from sqlglot import exp

from shopease_assets.core.errors import QueryError

portable_functions = frozenset(
    {
        "ABS", "AND", "CASE", "CAST", "CEIL", "COALESCE", "COUNT", "DATEDIFF", "DATE_TRUNC", "DAY", "DENSE_RANK",
        "EXISTS", "EXP", "EXTRACT", "FIRST_VALUE", "FLOOR", "IF", "LAG", "LAST_VALUE", "LEAD", "LENGTH", "LN",
        "LOWER", "MAX", "MD5", "MIN", "MONTH", "NTILE", "NULLIF", "OR", "PERCENT_RANK", "POWER", "RANK", "ROUND",
        "ROW_NUMBER", "SIGN", "SQRT", "SUBSTRING", "SUM", "TIMESTAMP_TRUNC", "TRIM", "UPPER", "YEAR",
    }
)  # fmt: skip
"""Functions equal on DuckDB, Trino and Spark, by the names sqlglot gives them. Left out with reason: `avg` (decimals
keep another scale on each), `greatest` and `least` (a null wins on Trino and is ignored elsewhere)."""

_CALENDAR_UNITS = frozenset({"DAY", "MONTH", "YEAR"})
_INTERVAL_UNITS = _CALENDAR_UNITS | {"MINUTE"}
_WITHOUT_EQUIVALENT: dict[type[exp.Expr], str] = {
    exp.Bracket: "subscripts",
    exp.Lambda: "lambdas",
    exp.Pivot: "PIVOT",
    exp.Qualify: "QUALIFY (rank in a CTE, filter in the next)",
    exp.Star: "select * (name the columns)",
    exp.TableSample: "samples",
    exp.Unnest: "UNNEST",
}


def refuse_unportable(query: exp.Expr, model: str) -> None:
    """Raises for the first thing in the query that the engines do not agree on."""
    for node in query.walk():
        reason = _unportable(node)
        if reason:
            raise QueryError(f"{model}: {reason} is not portable to Athena and Spark")


def _unportable(node: exp.Expr) -> str | None:
    if isinstance(node, exp.Func) and _function(node) not in portable_functions:
        return f"function {_function(node)}"
    if isinstance(node, exp.Join) and (node.method or node.kind in {"SEMI", "ANTI", "POSITIONAL"}):
        return f"{node.method or node.kind} join"
    if isinstance(node, exp.Group) and node.args.get("all"):
        return "group by all (name the columns)"
    if isinstance(node, exp.Star) and isinstance(node.parent, exp.Count):
        return None
    if isinstance(node, exp.MD5) and not isinstance(node.this, exp.Cast):
        return "md5 of a value that is not cast to varchar"
    return _WITHOUT_EQUIVALENT.get(type(node)) or _unportable_date(node)


def _unportable_date(node: exp.Expr) -> str | None:
    """Date traps: units that engines count differently, and results whose type they do not agree on."""
    unit = str(node.args.get("unit")).upper()
    if isinstance(node, exp.Extract) and node.name.upper() not in _CALENDAR_UNITS:
        return f"extract of {node.name.lower()}"
    if isinstance(node, exp.DateDiff) and unit != "DAY":
        return f"date_diff in {unit.lower()} (count days, or truncate and subtract)"
    if isinstance(node, exp.Interval) and unit not in _INTERVAL_UNITS:
        return f"an interval in {unit.lower()}"
    if isinstance(node, exp.DateTrunc | exp.TimestampTrunc | exp.Interval) and not _is_cast(node):
        return f"{node.sql(dialect='duckdb')} without a cast around it"
    return None


def _is_cast(node: exp.Expr) -> bool:
    parent = node.parent
    while isinstance(parent, exp.Add | exp.Sub | exp.Paren):
        parent = parent.parent
    return isinstance(parent, exp.Cast)


def _function(node: exp.Func) -> str:
    return node.name.upper() if isinstance(node, exp.Anonymous) else node.sql_name()
