"""The functions of Athena that are translated: what each takes and gives, and the DuckDB expression that equals it.

What is not listed is refused by name. Sources: trino.io, the pages of "Functions and operators" the groups are named
after. A template's `_0`, `_1` … are the translated arguments.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlglot import exp

from shopease_assets.core.errors import QueryError
from shopease_assets.engines.trino import types as t
from shopease_assets.engines.trino.types import Type

_MOMENTS = (t.DATE, t.TIMESTAMP, t.TIMESTAMP_TZ, t.LOCAL)
_CLOCKS = (t.TIMESTAMP, t.TIMESTAMP_TZ, t.LOCAL)
_KINDS: dict[str, Callable[[Type], bool]] = {
    "any": lambda _: True,
    "boolean": lambda type_: type_ == t.BOOLEAN,
    "integer": lambda type_: type_ in t.INTEGERS,
    "number": t.is_number,
    "varchar": lambda type_: type_ == t.VARCHAR,
    "varbinary": lambda type_: type_ == t.VARBINARY,
    "date": lambda type_: type_ == t.DATE,
    "instant": lambda type_: type_ in (t.TIMESTAMP, t.TIMESTAMP_TZ),
    "timestamp": lambda type_: type_ in _CLOCKS,
    "moment": lambda type_: type_ in _MOMENTS,
    "array": t.is_array,
}

Arguments = Sequence[exp.Expr]
"""The arguments of a call before translation; each carries its type."""

TypeOf = Callable[[Arguments], Type]
Template = Callable[[Arguments], str]


@dataclass(frozen=True)
class Function:
    """A function: its arguments by kind, the type of its value, its DuckDB template.

    `takes` names a kind per argument; `?` marks one that may be left out, `+` one that may repeat, `=` one that must be
    a literal. `gives` is a type or follows from the arguments. `differs` says in what DuckDB's own function differs,
    for the documentation.
    """

    takes: str
    gives: Type | TypeOf
    duckdb: str | Template
    differs: str = ""

    def type_of(self, name: str, arguments: Arguments) -> Type:
        """The type of a call. Raises QueryError for arguments Athena would refuse."""
        kinds = self.takes.split()
        least = sum(kind[-1] != "?" for kind in kinds)
        if not least <= len(arguments) <= len(kinds) and not (kinds and kinds[-1][-1] == "+" and arguments):
            raise QueryError(f"{name} with {len(arguments)} arguments is not translated; it takes ({self.signature})")
        for position, argument in enumerate(arguments):
            kind = kinds[min(position, len(kinds) - 1)]
            plain = kind.strip("=?+")
            type_ = t.VARCHAR if argument.type is None else argument.type
            if type_ == t.LOCAL and plain == "any":
                raise QueryError(f"{name} of a {t.named(type_)} is not translated; cast it to timestamp first")
            if type_ != t.NULL and not _KINDS[plain](type_):
                raise QueryError(f"{name} takes ({self.signature}), and argument {position + 1} is {t.named(type_)}")
            if kind[0] == "=" and not isinstance(_positive(argument), exp.Literal):
                raise QueryError(f"{name}: argument {position + 1} is translated only as a literal")
        return self.gives if isinstance(self.gives, Type) else self.gives(arguments)

    @property
    def signature(self) -> str:
        """The kinds of its arguments, as its documentation writes them."""
        return ", ".join(kind.lstrip("=").replace("+", ", …") for kind in self.takes.split())

    def template(self, arguments: Arguments) -> str:
        """The DuckDB expression over `_0`, `_1` … for these arguments."""
        text = self.duckdb if isinstance(self.duckdb, str) else self.duckdb(arguments)
        return text.replace("_args", ", ".join(f"_{i}" for i in range(len(arguments))))


def _positive(argument: exp.Expr) -> exp.Expr:
    return argument.this if isinstance(argument, exp.Neg) else argument


def _type(argument: exp.Expr) -> Type:
    return argument.type or t.UNKNOWN


def _same(arguments: Arguments) -> Type:
    return _type(arguments[0])


def common_type(arguments: Arguments) -> Type:
    """The type all of them become. Raises QueryError where Athena refuses to mix them."""
    found = t.NULL
    for argument in arguments:
        both = t.common(found, _type(argument))
        if _type(argument) == t.UNKNOWN:
            raise QueryError(f"the type of {argument.sql(dialect='trino')} is not known; compare single values")
        if both is None:
            raise QueryError(
                f"{t.named(found)} and {t.named(_type(argument))} do not mix in Athena: "
                f"{argument.sql(dialect='trino')}; {cure(found, _type(argument))}"
            )
        found = both
    return found


def cure(left: Type, right: Type) -> str:
    """What to write where two types do not meet."""
    kinds = {left, right}
    if t.VARCHAR in kinds and t.DATE in kinds:
        return "write the text as a date: date '2026-01-01', or cast(… as date)"
    if t.VARCHAR in kinds and kinds & set(_CLOCKS):
        return "write the text as a timestamp: timestamp '2026-01-01 00:00:00'"
    if t.LOCAL in kinds:
        return "cast the value at a time zone to timestamp or date first"
    return "cast one of them"


def _item(arguments: Arguments) -> Type:
    type_ = _type(arguments[0])
    return type_.expressions[0] if t.is_array(type_) else t.NULL


def _duckdb(arguments: Arguments, gives: TypeOf) -> str:
    return t.duckdb_type(gives(arguments))


# Mathematical functions and operators


def _whole(arguments: Arguments) -> Type:
    """ceil and floor keep numbers what they are; a decimal loses its fraction and may gain a digit."""
    type_ = _same(arguments)
    if not t.is_decimal(type_):
        return type_
    precision, scale = t.digits(type_)
    return t.decimal(precision - scale + min(1, scale), 0)


def _truncated(arguments: Arguments) -> Type:
    type_ = _same(arguments)
    precision, scale = t.digits(type_) if t.is_decimal(type_) else (0, 0)
    return t.decimal(max(1, precision - scale), 0) if t.is_decimal(type_) else type_


def _sign(arguments: Arguments) -> Type:
    type_ = _same(arguments)
    return t.decimal(1, 0) if t.is_decimal(type_) else type_


def _rounded(arguments: Arguments) -> Type:
    type_ = _same(arguments)
    if len(arguments) == 1 or not t.is_decimal(type_):
        return _whole(arguments)
    precision, scale = t.digits(type_)
    return t.decimal(precision + 1, scale)


def _cast_to(gives: TypeOf, text: str) -> Template:
    return lambda arguments: f"cast({text} as {_duckdb(arguments, gives)})"


def _round(arguments: Arguments) -> str:
    return f"cast(round(_args) as {_duckdb(arguments, _rounded)})"


def _log(_: Arguments) -> str:
    return "(ln(cast(_1 as double)) / ln(cast(_0 as double)))"


_DOUBLE = ("cast(", " as double)")
_MATH = {
    "abs": Function("number", _same, "abs(_0)"),
    "ceil": Function("number", _whole, _cast_to(_whole, "ceil(_0)")),
    "ceiling": Function("number", _whole, _cast_to(_whole, "ceil(_0)")),
    "floor": Function("number", _whole, _cast_to(_whole, "floor(_0)")),
    "round": Function("number integer?", _rounded, _round, "a decimal keeps its scale: round(2.567, 1) is 2.600"),
    "truncate": Function("number", _truncated, _cast_to(_truncated, "trunc(_0)")),
    "sign": Function("number", _sign, _cast_to(_sign, "sign(_0)")),
    "mod": Function("integer integer", common_type, "_0 % _1"),
    "power": Function("number number", t.DOUBLE, "power(cast(_0 as double), cast(_1 as double))"),
    "pow": Function("number number", t.DOUBLE, "power(cast(_0 as double), cast(_1 as double))"),
    "log": Function("number number", t.DOUBLE, _log, "the base comes first"),
    "pi": Function("", t.DOUBLE, "pi()"),
    "is_nan": Function("number", t.BOOLEAN, "isnan(cast(_0 as double))"),
    "is_finite": Function("number", t.BOOLEAN, "isfinite(cast(_0 as double))"),
    "is_infinite": Function("number", t.BOOLEAN, "isinf(cast(_0 as double))"),
    "nan": Function("", t.DOUBLE, "cast('nan' as double)"),
    "infinity": Function("", t.DOUBLE, "cast('infinity' as double)"),
} | {
    name: Function("number", t.DOUBLE, f"{name}(cast(_0 as double))")
    for name in ("sqrt", "cbrt", "exp", "ln", "log2", "log10", "sin", "cos", "tan", "atan", "degrees", "radians")
}

# Conditional expressions and comparison functions


def _null_wins(function: str) -> Template:
    def text(arguments: Arguments) -> str:
        missing = " or ".join(f"_{i} is null" for i in range(len(arguments)))
        return f"case when {missing} then null else {function}(_args) end"

    return text


_CONDITIONAL = {
    "coalesce": Function("any+", common_type, "coalesce(_args)"),
    "nullif": Function("any any", lambda a: common_type(a) and _same(a), "nullif(_0, _1)"),
    "greatest": Function("any+", common_type, _null_wins("greatest"), "null if any argument is null"),
    "least": Function("any+", common_type, _null_wins("least"), "null if any argument is null"),
    "try": Function("any", _same, "try(_0)"),
}

# String functions and operators

_SPACE = "' \t\n\v\f\r'"


def _substr(arguments: Arguments) -> str:
    if isinstance(arguments[1], exp.Literal) and arguments[1].name != "0":
        return "substr(_args)"
    return "case when _1 = 0 or -_1 > length(_0) then substr(_0, 1, 0 * _1) else substr(_args) end"


def _split_part(arguments: Arguments) -> str:
    if isinstance(arguments[2], exp.Neg) or arguments[2].name == "0":
        raise QueryError("split_part: the index starts at 1")
    return "list_extract(string_split(_0, _1), _2)"


def _concat(arguments: Arguments) -> Type:
    type_ = common_type(arguments)
    if type_ != t.VARCHAR and not t.is_array(type_):
        raise QueryError(f"concat and || take varchar in Athena, not {t.named(type_)}; cast it to varchar")
    return type_


_STRING = {
    "length": Function("varchar", t.BIGINT, "length(_0)"),
    "lower": Function("varchar", t.VARCHAR, "lower(_0)"),
    "upper": Function("varchar", t.VARCHAR, "upper(_0)"),
    "trim": Function("varchar", t.VARCHAR, f"trim(_0, {_SPACE})", "all white space goes, not blanks only"),
    "ltrim": Function("varchar", t.VARCHAR, f"ltrim(_0, {_SPACE})", "all white space goes, not blanks only"),
    "rtrim": Function("varchar", t.VARCHAR, f"rtrim(_0, {_SPACE})", "all white space goes, not blanks only"),
    "substr": Function("varchar integer integer?", t.VARCHAR, _substr, "start 0 gives the empty text"),
    "substring": Function("varchar integer integer?", t.VARCHAR, _substr, "start 0 gives the empty text"),
    "concat": Function(
        "any any+", _concat, lambda a: " || ".join(f"_{i}" for i in range(len(a))), "null if any argument is null"
    ),
    "concat_ws": Function("varchar varchar+", t.VARCHAR, "concat_ws(_args)"),
    "replace": Function(
        "varchar varchar varchar?", t.VARCHAR, lambda a: "replace(_args)" if a[2:] else "replace(_0, _1, '')"
    ),
    "reverse": Function("varchar", t.VARCHAR, "reverse(_0)"),
    "split": Function("varchar varchar", t.array(t.VARCHAR), "string_split(_0, _1)"),
    "split_part": Function("varchar varchar =integer", t.VARCHAR, _split_part, "null beyond the last part"),
    "strpos": Function("varchar varchar", t.BIGINT, "strpos(_0, _1)"),
    "starts_with": Function("varchar varchar", t.BOOLEAN, "starts_with(_0, _1)"),
    "lpad": Function("varchar integer varchar", t.VARCHAR, "lpad(_0, cast(_1 as integer), _2)"),
    "rpad": Function("varchar integer varchar", t.VARCHAR, "rpad(_0, cast(_1 as integer), _2)"),
    "chr": Function("integer", t.VARCHAR, "chr(cast(_0 as integer))"),
    "codepoint": Function("varchar", t.INTEGER, "unicode(_0)"),
    "translate": Function("varchar varchar varchar", t.VARCHAR, "translate(_0, _1, _2)"),
    "levenshtein_distance": Function("varchar varchar", t.BIGINT, "levenshtein(_0, _1)"),
    "to_utf8": Function("varchar", t.VARBINARY, "encode(_0)"),
    "from_utf8": Function("varbinary", t.VARCHAR, "decode(_0)"),
    "to_hex": Function("varbinary", t.VARCHAR, "hex(_0)"),
    "md5": Function("varbinary", t.VARBINARY, "unhex(md5(_0))", "of bytes and gives bytes: to_hex(md5(to_utf8(x)))"),
    "sha256": Function("varbinary", t.VARBINARY, "unhex(sha256(_0))", "of bytes and gives bytes"),
}

# Regular expression functions

_OPTIONAL_GROUP = re.compile(r"\||\)[?*{]")


def _pattern(name: str, argument: exp.Expr) -> str:
    pattern = argument.name
    if re.search(r"\(\?[=!<]|\(\?>|[*+?}]\+|\\[1-9]|&&", pattern):
        raise QueryError(f"{name}: look-around, back references, possessive quantifiers: not translated: {pattern}")
    return pattern


def _matches(_: Arguments) -> str:
    return "regexp_matches(_0, _1)"


def _regexp(name: str, text: str) -> Template:
    def checked(arguments: Arguments) -> str:
        _pattern(name, arguments[1])
        return text

    return checked


def _regexp_extract(arguments: Arguments) -> str:
    pattern = _pattern("regexp_extract", arguments[1])
    group = arguments[2].name if arguments[2:] else "0"
    if group != "0" and _OPTIONAL_GROUP.search(pattern):
        raise QueryError("regexp_extract of a group that need not take part in the match is not translated")
    return f"case when regexp_matches(_0, _1) then regexp_extract(_0, _1, {int(group)}) end"


def _regexp_replace(arguments: Arguments) -> str:
    _pattern("regexp_replace", arguments[1])
    replacement = arguments[2].name if arguments[2:] else ""
    if re.search(r"\\|\$(?!\d(?!\d))", replacement):
        raise QueryError(f"regexp_replace: only $1 … $9 are translated in a replacement: {replacement}")
    ours = re.sub(r"\$(\d)", r"\\\1", replacement).replace("'", "''")
    return f"regexp_replace(_0, _1, '{ours}', 'g')"


_REGEXP = {
    "regexp_like": Function("varchar =varchar", t.BOOLEAN, _regexp("regexp_like", "regexp_matches(_0, _1)")),
    "regexp_extract": Function(
        "varchar =varchar =integer?", t.VARCHAR, _regexp_extract, "null where nothing matches, not an empty text"
    ),
    "regexp_extract_all": Function(
        "varchar =varchar", t.array(t.VARCHAR), _regexp("regexp_extract_all", "regexp_extract_all(_0, _1)")
    ),
    "regexp_replace": Function(
        "varchar =varchar =varchar?", t.VARCHAR, _regexp_replace, "replaces every match; groups are $1 … $9"
    ),
    "regexp_split": Function(
        "varchar =varchar", t.array(t.VARCHAR), _regexp("regexp_split", "regexp_split_to_array(_0, _1)")
    ),
}

# JSON functions


def _json(text: str) -> Template:
    """A template over the text `_0` and the path `_path`; DuckDB writes $["a b"] as $."a b"."""

    def checked(arguments: Arguments) -> str:
        if arguments[1:] and not re.fullmatch(r"\$(\.\w+|\[\d+\]|\[\"[^\"]+\"\])*", arguments[1].name):
            raise QueryError(f'json path {arguments[1].name!r} is not translated; write $.name, $[0] or $["name"]')
        path = re.sub(r'\["([^"]+)"\]', r'."\1"', arguments[1].name) if arguments[1:] else "$"
        return text.replace("_path", f"'{path}'")

    return checked


_VALID = "(case when json_valid(_0) then _0 end)"
_TEXT = f"json_extract_string({_VALID}, _path)"
_KIND = f"json_type({_VALID}, _path)"
_SCALAR = (
    f"case when {_KIND} in ('VARCHAR', 'BOOLEAN', 'UBIGINT', 'BIGINT', 'HUGEINT') then {_TEXT} "
    f"when {_KIND} <> 'DOUBLE' then null "
    rf"when regexp_matches(_0, '(^|[^0-9.eE+-])' || replace({_TEXT}, '.', '\.') || '($|[^0-9.eE+-])') then {_TEXT} "
    f"when {_KIND} = 'DOUBLE' then error('json_extract_scalar: a number written as 1.50 or 1E3 loses its form') end"
)
"""Athena gives a number as it is written; DuckDB writes it anew, which is told from the text."""

_JSON = {
    "json_extract_scalar": Function(
        "varchar =varchar",
        t.VARCHAR,
        _json(_SCALAR),
        "null for an object, an array and broken JSON",
    ),
    "json_array_length": Function(
        "varchar",
        t.BIGINT,
        f"case when json_type({_VALID}) = 'ARRAY' then cast(json_array_length({_VALID}) as bigint) end",
        "null for what is no array",
    ),
}

# Date and time functions and operators

_STEPS = {"week": (7, "day"), "quarter": (3, "month")}
_DATE_UNITS = ("day", "week", "month", "quarter", "year")
_UNITS = ("millisecond", "second", "minute", "hour", *_DATE_UNITS)


def unit_of(name: str, unit: exp.Expr, type_: Type) -> str:
    """The unit's name. Raises QueryError for one that Athena does not know for the type."""
    text = unit.name.lower()
    if text not in _UNITS or (type_ == t.DATE and text not in _DATE_UNITS):
        raise QueryError(f"{name}: {text!r} is not a unit of {t.named(type_)}; take one of {', '.join(_DATE_UNITS)}")
    return text


def _date_add(arguments: Arguments) -> str:
    unit = unit_of("date_add", arguments[0], _type(arguments[2]))
    step, plain = _STEPS.get(unit, (1, unit))
    return f"cast(_2 + _1 * interval '{step}' {plain} as {t.duckdb_type(_type(arguments[2]))})"


def _date_diff(arguments: Arguments) -> str:
    unit = unit_of("date_diff", arguments[0], common_type(arguments[1:]))
    return f"date_sub('{unit}', _1, _2)"


def _date_trunc(arguments: Arguments) -> str:
    type_ = _type(arguments[1])
    kept = t.TIMESTAMP if type_ == t.LOCAL else type_
    return f"cast(date_trunc('{unit_of('date_trunc', arguments[0], type_)}', _1) as {t.duckdb_type(kept)})"


_STRFTIME = {
    **{same: f"%{same}" for same in "abdfHIjmpSYy%"},
    "c": "%-m",
    "e": "%-d",
    "h": "%I",
    "i": "%M",
    "k": "%-H",
    "l": "%-I",
    "M": "%B",
    "s": "%S",
    "v": "%V",
    "W": "%A",
    "x": "%G",
    "r": "%I:%M:%S %p",
    "T": "%H:%M:%S",
}


def _mysql_format(name: str, text: str) -> str:
    """A MySQL format as strftime reads it."""

    def one(found: re.Match[str]) -> str:
        if found[1] not in _STRFTIME:
            raise QueryError(f"{name}: %{found[1]} is not translated")
        return _STRFTIME[found[1]]

    return re.sub(r"%(.)", one, text).replace("'", "''")


def _date_format(arguments: Arguments) -> str:
    return f"strftime(_0, '{_mysql_format('date_format', arguments[1].name)}')"


def _date_parse(arguments: Arguments) -> str:
    return f"strptime(_0, '{_mysql_format('date_parse', arguments[1].name)}')"


def _iso_timestamp(arguments: Arguments) -> str:
    if not re.fullmatch(r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,3})?)?Z?)?", arguments[0].name):
        raise QueryError(
            "from_iso8601_timestamp is translated for times in UTC only; write timestamp '2026-01-01 00:00:00 UTC'"
        )
    return "cast(_0 as timestamptz)"


def _part(text: str, kind: str = "moment") -> Function:
    return Function(kind, t.BIGINT, text)


_PARTS = {
    "year": _part("year(_0)"),
    "quarter": _part("quarter(_0)"),
    "month": _part("month(_0)"),
    "week": _part("week(_0)"),
    "week_of_year": _part("week(_0)"),
    "year_of_week": _part("isoyear(_0)"),
    "yow": _part("isoyear(_0)"),
    "day": _part("day(_0)"),
    "day_of_month": _part("day(_0)"),
    "day_of_year": _part("dayofyear(_0)"),
    "doy": _part("dayofyear(_0)"),
    "day_of_week": Function("moment", t.BIGINT, "isodow(_0)", "Monday is 1 and Sunday 7"),
    "dow": Function("moment", t.BIGINT, "isodow(_0)", "Monday is 1 and Sunday 7"),
    "hour": _part("hour(_0)", "timestamp"),
    "minute": _part("minute(_0)", "timestamp"),
    "second": _part("second(_0)", "timestamp"),
    "millisecond": Function("timestamp", t.BIGINT, "millisecond(_0) % 1000", "without the seconds"),
}
EXTRACTS = frozenset(_PARTS) - {"millisecond"}
"""The fields of extract(… from x): each is the function of its name."""

_DATE_TIME = {
    **_PARTS,
    "date_add": Function("=varchar integer moment", lambda a: _type(a[2]), _date_add, "a date stays a date"),
    "date_diff": Function("=varchar moment moment", t.BIGINT, _date_diff, "counts elapsed units, not boundaries"),
    "date_trunc": Function("=varchar moment", lambda a: _type(a[1]), _date_trunc, "a date stays a date"),
    "last_day_of_month": Function("moment", t.DATE, "last_day(_0)"),
    "date_format": Function("moment =varchar", t.VARCHAR, _date_format, "formats are MySQL's"),
    "date_parse": Function("varchar =varchar", t.TIMESTAMP, _date_parse, "formats are MySQL's"),
    "from_unixtime": Function("number", t.TIMESTAMP_TZ, "to_timestamp(cast(_0 as double))"),
    "to_unixtime": Function("instant", t.DOUBLE, "epoch(_0)"),
    "from_iso8601_timestamp": Function("=varchar", t.TIMESTAMP_TZ, _iso_timestamp),
}

# Array functions and operators


def _either(arguments: Arguments) -> str:
    if t.common(_item(arguments), _type(arguments[1])) is None:
        raise QueryError(f"contains: {t.named(_same(arguments))} holds no {t.named(_type(arguments[1]))}")
    return (
        "case when list_contains(_0, _1) then true when _1 is null or list_count(_0) < len(_0) then null else false end"
    )


def _sequence_type(arguments: Arguments) -> Type:
    return t.array(common_type(arguments[:2]))


def _sequence(arguments: Arguments) -> str:
    type_ = common_type(arguments[:2])
    if type_ != t.DATE and type_ not in t.INTEGERS:
        raise QueryError(f"sequence of {t.named(type_)} is not translated; use dates or integers")
    kind, step = f"{t.duckdb_type(type_)}[]", "interval '1' day" if type_ == t.DATE else "1"
    if not arguments[2:]:
        return f"cast(generate_series(_0, _1, case when _0 <= _1 then {step} else -{step} end) as {kind})"
    if (type_ == t.DATE) != isinstance(_positive(arguments[2]), exp.Interval):
        raise QueryError("sequence: the step of dates is an interval, the step of integers an integer")
    return f"cast(generate_series(_0, _1, _2) as {kind})"


def _element_at(arguments: Arguments) -> str:
    if arguments[1].name == "0":
        raise QueryError("element_at: the index starts at 1")
    return "list_extract(_0, _1)"


_ARRAY = {
    "cardinality": Function("array", t.BIGINT, "len(_0)"),
    "contains": Function("array any", t.BOOLEAN, _either, "null where a null might be what is sought"),
    "element_at": Function("array =integer", _item, _element_at),
    "array_join": Function("array varchar", t.VARCHAR, "array_to_string(_0, _1)"),
    "array_sort": Function("array", _same, "list_sort(_0, 'ASC', 'NULLS LAST')"),
    "array_position": Function("array any", t.BIGINT, "cast(coalesce(list_position(_0, _1), 0) as bigint)"),
    "sequence": Function("any any any?", _sequence_type, _sequence, "counts down by itself; dates give dates"),
}

# Aggregate functions


def _sum(arguments: Arguments) -> Type:
    type_ = _same(arguments)
    if type_ == t.REAL:
        raise QueryError("sum of real is not translated; cast it to double")
    if type_ in t.INTEGERS:
        return t.BIGINT
    return t.decimal(38, t.digits(type_)[1]) if t.is_decimal(type_) else type_


def _average(arguments: Arguments) -> Type:
    type_ = _same(arguments)
    if type_ == t.REAL:
        raise QueryError("avg of real is not translated; cast it to double")
    return t.DOUBLE if type_ in t.INTEGERS else type_


def _percentile(arguments: Arguments) -> str:
    share = float(arguments[1].name)
    return f"quantile_disc(_0, {share})"


_EXACT = "computed exactly, so it may differ from Athena's estimate"
AGGREGATES = {
    "count": Function("any?", t.BIGINT, "count(_args)"),
    "count_if": Function("boolean", t.BIGINT, "count_if(_0)"),
    "sum": Function("number", _sum, "sum(_0)", "integers sum to bigint"),
    "avg": Function("number", _average, "avg(_0)", "of decimals keeps the scale, rounded half up"),
    "min": Function("any", _same, "min(_0)"),
    "max": Function("any", _same, "max(_0)"),
    "min_by": Function("any any", _same, "arg_min_null(_0, _1)", "the value may be null"),
    "max_by": Function("any any", _same, "arg_max_null(_0, _1)", "the value may be null"),
    "bool_and": Function("boolean", t.BOOLEAN, "bool_and(_0)"),
    "every": Function("boolean", t.BOOLEAN, "bool_and(_0)"),
    "bool_or": Function("boolean", t.BOOLEAN, "bool_or(_0)"),
    "arbitrary": Function("any", _same, "any_value(_0)"),
    "any_value": Function("any", _same, "any_value(_0)"),
    "array_agg": Function("any", lambda a: t.array(_same(a)), "list(_0)"),
    "approx_distinct": Function("any", t.BIGINT, "count(distinct _0)", _EXACT),
    "approx_percentile": Function("number =number", _same, _percentile, _EXACT),
    "listagg": Function("varchar varchar?", t.VARCHAR, "string_agg(_args)"),
    "grouping": Function("any+", t.BIGINT, "grouping(_args)"),
} | {
    name: Function("number number", t.DOUBLE, f"{name}(cast(_0 as double), cast(_1 as double))")
    for name in ("corr", "covar_pop", "covar_samp", "regr_slope", "regr_intercept")
} | {
    name: Function("number", t.DOUBLE, f"{name}(cast(_0 as double))")
    for name in ("stddev", "stddev_pop", "stddev_samp", "variance", "var_pop", "var_samp")
}  # fmt: skip

# Window functions


def _or_default(arguments: Arguments) -> Type:
    return common_type([arguments[0], *arguments[2:]])


WINDOWS = {
    "row_number": Function("", t.BIGINT, "row_number()"),
    "rank": Function("", t.BIGINT, "rank()"),
    "dense_rank": Function("", t.BIGINT, "dense_rank()"),
    "percent_rank": Function("", t.DOUBLE, "percent_rank()"),
    "cume_dist": Function("", t.DOUBLE, "cume_dist()"),
    "ntile": Function("integer", t.BIGINT, "ntile(_0)"),
    "lag": Function("any integer? any?", _or_default, "lag(_args)"),
    "lead": Function("any integer? any?", _or_default, "lead(_args)"),
    "first_value": Function("any", _same, "first_value(_0)"),
    "last_value": Function("any", _same, "last_value(_0)"),
    "nth_value": Function("any integer", _same, "nth_value(_args)"),
}

FUNCTIONS = {
    **_MATH, **_CONDITIONAL, **_STRING, **_REGEXP, **_JSON, **_DATE_TIME, **_ARRAY, **AGGREGATES, **WINDOWS
}  # fmt: skip
"""Every function that is translated, by Athena's name."""

KNOWN_REFUSED = {
    "format_datetime": "use date_format",
    "parse_datetime": "use date_parse",
    "slice": "use element_at",
    "any_match": "use contains, or unnest the array",
    "all_match": "unnest the array",
    "filter": "unnest the array and use where",
    "transform": "unnest the array",
    "reduce": "unnest the array and aggregate",
    "json_extract": "use json_extract_scalar",
    "json_parse": "use json_extract_scalar on the text",
    "json_format": "use the text itself",
    "checksum": "compare count, sum, min and max",
    "width_bucket": "use case when, or floor of the scaled value",
    "map_agg": "use array_agg",
    "histogram": "group by the value and count",
    "row": "select the columns by themselves",
    "map": "use case when, or join a list of values",
    "at_timezone": "write x at time zone 'Asia/Kolkata'",
    "random": "it has no answer to compare",
    "typeof": "there is a page of types in Athena's documentation",
    "array_distinct": "unnest the array and select distinct",
    "format": "use concat and casts",
}
"""Functions of Athena that are not translated, with what to write instead. Any other name is refused as unknown."""
