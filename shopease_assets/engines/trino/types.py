"""Trino's types: what lake columns have in Athena, and what operators make of two of them. Nothing is translated here.

Formulas: trino.io, "Data types", "Decimal functions and operators" and "Conversion functions".
"""

import pyarrow as pa
from sqlglot import exp

from shopease_assets.core.errors import QueryError

Type = exp.DataType

BOOLEAN = Type.build("boolean")
TINYINT, SMALLINT, INTEGER, BIGINT = (Type.build(name) for name in ("tinyint", "smallint", "int", "bigint"))
REAL, DOUBLE = Type.build("float"), Type.build("double")
VARCHAR, VARBINARY = Type.build("varchar"), Type.build("varbinary")
DATE, TIMESTAMP, TIMESTAMP_TZ = Type.build("date"), Type.build("timestamp"), Type.build("timestamptz")
LOCAL = Type.build("timestampltz")
"""The value of AT TIME ZONE: an instant shown in a zone. DuckDB has no such type, so it holds the zone's wall clock,
and only what reads the wall clock may use it."""
INTERVAL = Type.build("interval")
NULL = Type.build("null")
UNKNOWN = Type.build("unknown")

INTEGERS = (TINYINT, SMALLINT, INTEGER, BIGINT)
_DIGITS = dict(zip(INTEGERS, (3, 5, 10, 19), strict=True))
_MOMENTS = (DATE, TIMESTAMP, TIMESTAMP_TZ)
_MOST_DIGITS = 38
_NAMES = {
    INTEGER: "integer",
    REAL: "real",
    TIMESTAMP_TZ: "timestamp with time zone",
    LOCAL: "timestamp at a named time zone",
    INTERVAL: "interval",
    NULL: "unknown",
}
_ARROW = {
    pa.bool_(): BOOLEAN,
    pa.int8(): TINYINT,
    pa.int16(): SMALLINT,
    pa.int32(): INTEGER,
    pa.int64(): BIGINT,
    pa.float32(): REAL,
    pa.float64(): DOUBLE,
    pa.date32(): DATE,
    pa.binary(): VARBINARY,
    pa.large_binary(): VARBINARY,
}


def decimal(precision: int, scale: int) -> Type:
    """decimal(p, s); digits beyond 38 are cut from the front, as Trino does (such a value overflows)."""
    return Type.build(f"decimal({min(_MOST_DIGITS, precision)}, {scale})")


def array(item: Type) -> Type:
    """array(item)."""
    return Type(this=exp.DType.ARRAY, expressions=[item.copy()], nested=True)


def athena_type(arrow: pa.DataType) -> Type:
    """The type Athena reads a lake column with. A timestamp has milliseconds there, and no zone: it is in UTC."""
    if arrow in _ARROW:
        return _ARROW[arrow]
    if pa.types.is_timestamp(arrow):
        return TIMESTAMP
    if pa.types.is_decimal(arrow):
        return decimal(arrow.precision, arrow.scale)
    if pa.types.is_dictionary(arrow):
        return athena_type(arrow.value_type)
    if pa.types.is_list(arrow) or pa.types.is_large_list(arrow):
        return array(athena_type(arrow.value_type))
    if pa.types.is_string(arrow) or pa.types.is_large_string(arrow) or pa.types.is_string_view(arrow):
        return VARCHAR
    raise QueryError(f"Arrow type {arrow} is not translated for Athena; cast the column in its contract")


def written(type_: Type) -> Type:
    """A type as a cast names it, in this module's words: timestamps of any precision are one type."""
    match type_.this:
        case exp.DType.DECIMAL:
            digits = [int(parameter.name) for parameter in type_.expressions]
            return decimal(*(digits + [38, 0][len(digits) :]))
        case exp.DType.ARRAY:
            return array(written(type_.expressions[0]))
        case exp.DType.TEXT:
            return VARCHAR
        case kind:
            plain = Type(this=kind, nested=False)
            known = (BOOLEAN, *INTEGERS, REAL, DOUBLE, VARCHAR, VARBINARY, *_MOMENTS)
            found = [one for one in known if one.this == plain.this]
            if not found:
                raise QueryError(f"type {type_.sql(dialect='trino').lower()} is not translated; cast to another")
            return found[0]


def digits(type_: Type) -> tuple[int, int]:
    """Precision and scale of a decimal, or of the decimal an integer becomes beside one."""
    if type_ in _DIGITS:
        return _DIGITS[type_], 0
    precision, scale = (int(parameter.name) for parameter in type_.expressions)
    return precision, scale


def is_decimal(type_: Type) -> bool:
    """Whether it is decimal(p, s)."""
    return bool(type_.this == exp.DType.DECIMAL)


def is_array(type_: Type) -> bool:
    """Whether it is array(…)."""
    return bool(type_.this == exp.DType.ARRAY)


def is_exact(type_: Type) -> bool:
    """Whether it is an integer or a decimal."""
    return type_ in INTEGERS or is_decimal(type_)


def is_number(type_: Type) -> bool:
    """Whether one can calculate with it."""
    return is_exact(type_) or type_ in (REAL, DOUBLE)


def common(left: Type, right: Type) -> Type | None:
    """The type both become where they meet; None where Athena refuses to compare them."""
    if right in (left, NULL):
        return left
    if left == NULL:
        return right
    if is_number(left) and is_number(right):
        return _common_number(left, right)
    if left in _MOMENTS and right in _MOMENTS:
        return max(left, right, key=_MOMENTS.index)
    if is_array(left) and is_array(right):
        item = common(left.expressions[0], right.expressions[0])
        return array(item) if item else None
    return None


def _common_number(left: Type, right: Type) -> Type:
    if DOUBLE in (left, right):
        return DOUBLE
    if REAL in (left, right):
        return REAL
    if left in INTEGERS and right in INTEGERS:
        return max(left, right, key=INTEGERS.index)
    (p, s), (q, r) = digits(left), digits(right)
    return decimal(max(p - s, q - r) + max(s, r), max(s, r))


def arithmetic(operator: type[exp.Expr], left: Type, right: Type) -> Type | None:
    """The type of left + - * / % right for numbers; None where there is none."""
    if not (is_number(left) and is_number(right)):
        return None
    if not (is_exact(left) and is_exact(right)) or (left in INTEGERS and right in INTEGERS):
        return common(left, right)
    (p, s), (q, r) = digits(left), digits(right)
    if operator is exp.Mul:
        return decimal(p + q, s + r)
    if operator is exp.Div:
        return decimal(p + r + max(0, r - s), max(s, r))
    if operator is exp.Mod:
        return decimal(min(p - s, q - r) + max(s, r), max(s, r))
    return decimal(1 + max(p - s, q - r) + max(s, r), max(s, r))


def named(type_: Type) -> str:
    """The type as Athena's messages write it."""
    if is_array(type_):
        return f"array({named(type_.expressions[0])})"
    return _NAMES.get(type_) or type_.sql(dialect="trino").lower().replace(" ", "")


def duckdb_type(type_: Type) -> str:
    """The DuckDB type that holds it."""
    if is_array(type_):
        return f"{duckdb_type(type_.expressions[0])}[]"
    return "BLOB" if type_ == VARBINARY else type_.sql(dialect="duckdb")
