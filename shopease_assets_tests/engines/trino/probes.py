"""What Athena answers, worked out from Trino's documentation (trino.io, the page named above each group).

VALUES: `select <sql>` has one row and one column, of this value and, where it matters, this type. ROWS: all rows.
REFUSED: `select <sql>` is refused, and the message holds the text.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from math import inf, isnan
from typing import Any

import pyarrow as pa

D = Decimal
INT, BIGINT, DOUBLE, VARCHAR, DATE = pa.int32(), pa.int64(), pa.float64(), pa.string(), pa.date32()
NOW = datetime(2026, 3, 15, 12, 30, tzinfo=UTC)
"""What current_timestamp is in the probes."""


@dataclass(frozen=True)
class Probe:
    """A value expression, what it is worth, and optionally its type."""

    sql: str
    value: Any
    type: pa.DataType | None = None


def at(*parts: int) -> datetime:
    """A timestamp without a zone, as Athena has them."""
    return datetime(*parts, tzinfo=UTC).replace(tzinfo=None)


def numeric(precision: int, scale: int) -> pa.DataType:
    return pa.decimal128(precision, scale)


VALUES = [
    # functions/math: integers divide to integers, the sign of % is the dividend's
    Probe("1 / 2", 0, INT),
    Probe("-7 / 2", -3, INT),
    Probe("7 / -2", -3, INT),
    Probe("-7 % 2", -1),
    Probe("mod(-7, 2)", -1),
    Probe("cast(7 as bigint) / 2", 3, BIGINT),
    Probe("7 / 2e0", 3.5, DOUBLE),
    Probe("1e0 / 0", inf),
    Probe("try(1 / 0)", None),
    Probe("round(2.5e0)", 3.0, DOUBLE),
    Probe("round(-2.5e0)", -3.0, DOUBLE),
    Probe("round(7)", 7, INT),
    Probe("ceil(-0.5e0)", 0.0),
    Probe("ceiling(5)", 5, INT),
    Probe("sign(-3)", -1, INT),
    Probe("power(2, 3)", 8.0, DOUBLE),
    Probe("log(2, 8)", 3.0),
    Probe("sqrt(2.25)", 1.5, DOUBLE),
    Probe("truncate(-2.7e0)", -2.0),
    Probe("truncate(2.567)", D("2"), numeric(1, 0)),
    Probe("sign(-2.5)", D("-1"), numeric(1, 0)),
    # functions/decimal: precision and scale of results; division rounds half up to the larger scale
    Probe("1.0 / 3", D("0.3")),
    Probe("cast(1 as decimal(10,2)) / 3", D("0.33"), numeric(10, 2)),
    Probe("cast(2 as decimal(10,2)) / 3", D("0.67")),
    Probe("cast(-2 as decimal(10,2)) / 3", D("-0.67")),
    Probe("cast(1 as decimal(10,2)) / cast(8 as decimal(10,3))", D("0.125"), numeric(14, 3)),
    Probe("cast(0.05 as decimal(10,2)) / 10", D("0.01")),
    Probe("1.10 * 2.5", D("2.750"), numeric(5, 3)),
    Probe("1.10 + 2.5", D("3.60"), numeric(4, 2)),
    Probe("5.5 % 2.25", D("1.00")),
    Probe("round(2.567, 1)", D("2.600"), numeric(5, 3)),
    Probe("round(2.5)", D("3"), numeric(2, 0)),
    Probe("floor(-2.5)", D("-3")),
    Probe("0.1 + 0.2 = 0.3", True),
    Probe("0.1e0 + 0.2e0 = 0.3e0", False),
    # functions/conversion
    Probe("cast(2.5e0 as integer)", 3, INT),
    Probe("cast(-2.5 as integer)", -3, INT),
    Probe("cast(0.285e0 as decimal(10,2))", D("0.29")),
    Probe("cast(1.005 as decimal(10,2))", D("1.01")),
    Probe("cast('12' as bigint)", 12, BIGINT),
    Probe("try_cast('12.7' as integer)", None),
    Probe("try_cast('abc' as double)", None),
    Probe("try_cast('2026-01-05 10:00:00' as date)", None),
    Probe("cast('2026-01-05' as date)", date(2026, 1, 5), DATE),
    Probe("cast('abcdef' as varchar(3))", "abc"),
    Probe("cast(1.50 as varchar)", "1.50"),
    Probe("cast(true as varchar)", "true"),
    Probe("cast(date '2026-01-05' as varchar)", "2026-01-05"),
    # functions/conditional, functions/comparison: null wins in greatest, least
    Probe("greatest(1, null)", None),
    Probe("least(3, 1, 2)", 1),
    Probe("coalesce(null, 2)", 2),
    Probe("nullif(1, 1)", None),
    Probe("if(1 > 2, 'a')", None),
    Probe("if(true, 1, 2.5)", D("1.0")),
    Probe("case 2 when 1 then 'a' when 2 then 'b' end", "b"),
    Probe("1 is distinct from null", True),
    Probe("null is not distinct from null", True),
    Probe("null = null", None),
    Probe("2 between 1 and 3", True),
    Probe("'a' < 'B'", False),
    Probe("'a%b' like 'a!%b' escape '!'", True),
    Probe("1 in (2, null)", None),
    # functions/string
    Probe("'a' || null", None),
    Probe("concat('a', null)", None),
    Probe("concat_ws('-', 'a', null, 'b')", "a-b"),
    Probe("substr('hello', 0, 2)", ""),
    Probe("substr('hello', -3, 2)", "ll"),
    Probe("substr('hello', -9, 7)", ""),
    Probe("substring('hello' from 2 for 3)", "ell"),
    Probe("length('aü')", 2, BIGINT),
    Probe("split_part('a,b', ',', 2)", "b"),
    Probe("split_part('a,b', ',', 3)", None),
    Probe("strpos('hello', 'l')", 3),
    Probe("position('x' in 'hello')", 0),
    Probe("trim(' \t a ')", "a"),
    Probe("trim(leading 'x' from 'xax')", "ax"),
    Probe("lpad('hello', 3, 'x')", "hel"),
    Probe("replace('banana', 'an')", "ba"),
    Probe("split('a,b,', ',')", ["a", "b", ""]),
    Probe("starts_with('hello', 'he')", True),
    Probe("to_hex(md5(to_utf8('a')))", "0CC175B9C0F1B6A831C399E269772661"),
    # functions/regexp
    Probe("regexp_like('1a 2b', '\\d+b')", True),
    Probe("regexp_extract('1a 2b', '\\d+[b-z]')", "2b"),
    Probe("regexp_extract('1a 2b', 'x')", None),
    Probe("regexp_extract('1a 2b 14m', '(\\d+)([a-z]+)', 2)", "a"),
    Probe("regexp_extract_all('1a 2b 14m', '\\d+')", ["1", "2", "14"]),
    Probe("regexp_replace('1a 2b 14m', '(\\d+)([ab]) ', '3c$2 ')", "3ca 3cb 14m"),
    Probe("regexp_replace('1a 2b 14m', '\\d+[ab] ')", "14m"),
    # functions/json
    Probe("json_extract_scalar('{\"a\":{\"b\":1}}', '$.a.b')", "1"),
    Probe("json_extract_scalar('{\"a\":{\"b\":1}}', '$.a')", None),
    Probe("json_extract_scalar('{\"a\":1.5,\"b\":-2}', '$.a')", "1.5"),
    Probe("json_extract_scalar('{\"a\":null}', '$.a')", None),
    Probe("json_extract_scalar('[7, 8]', '$[1]')", "8"),
    Probe("json_extract_scalar('{broken', '$.a')", None),
    Probe("json_extract_scalar('{\"a b\":true}', '$[\"a b\"]')", "true"),
    Probe("json_array_length('[1,2,3]')", 3),
    # functions/datetime: operators
    Probe("date '2012-08-08' + interval '2' day", date(2012, 8, 10), DATE),
    Probe("date '2026-01-31' + interval '1' month", date(2026, 2, 28), DATE),
    Probe("interval '1' day + date '2026-01-31'", date(2026, 2, 1), DATE),
    Probe("timestamp '2012-10-31 01:00:00' - interval '1' month", at(2012, 9, 30, 1)),
    Probe("date '2026-01-01' < timestamp '2026-01-01 00:00:01'", True),
    # functions/datetime: date_add, date_diff, date_trunc
    Probe("date_add('day', -28, date '2026-03-01')", date(2026, 2, 1), DATE),
    Probe("date_add('quarter', 1, date '2026-01-31')", date(2026, 4, 30), DATE),
    Probe("date_add('hour', 9, timestamp '2020-03-01 00:00:00')", at(2020, 3, 1, 9)),
    Probe("date_diff('day', timestamp '2026-01-01 23:00:00', timestamp '2026-01-02 01:00:00')", 0, BIGINT),
    Probe("date_diff('month', date '2026-01-31', date '2026-02-27')", 0),
    Probe("date_diff('year', date '2025-12-31', date '2026-01-01')", 0),
    Probe("date_diff('week', date '2026-01-01', date '2026-01-14')", 1),
    Probe("date_diff('month', date '2026-03-15', date '2026-01-16')", -1),
    Probe(
        "date_diff('millisecond', timestamp '2020-06-01 12:30:45.000', timestamp '2020-06-02 12:30:45.123')", 86400123
    ),
    Probe("date_trunc('month', date '2026-01-15')", date(2026, 1, 1), DATE),
    Probe("date_trunc('week', timestamp '2001-08-22 03:04:05.321')", at(2001, 8, 20)),
    # functions/datetime: extraction
    Probe("day_of_week(date '2026-01-04')", 7, BIGINT),
    Probe("dow(date '2026-01-05')", 1),
    Probe("extract(dow from date '2026-01-04')", 7),
    Probe("year(date '2026-01-04') * 100 + month(date '2026-01-04')", 202601),
    Probe("week(date '2021-01-03')", 53),
    Probe("year_of_week(date '2021-01-03')", 2020),
    Probe("quarter(date '2026-05-04')", 2),
    Probe("day_of_year(date '2026-02-01')", 32),
    Probe("millisecond(timestamp '2026-01-01 00:00:01.500')", 500),
    Probe("last_day_of_month(date '2026-02-01')", date(2026, 2, 28), DATE),
    # functions/datetime: clock, zones, texts
    Probe("current_date", date(2026, 3, 15), DATE),
    Probe("date(now()) = current_date", True),
    Probe("date('2026-01-05')", date(2026, 1, 5), DATE),
    Probe("timestamp '2026-01-01 10:00:00 UTC'", datetime(2026, 1, 1, 10, tzinfo=UTC)),
    Probe("timestamp '2026-01-01 10:00:00' = timestamp '2026-01-01 10:00:00 UTC'", True),
    Probe("date_format(date '2026-01-05', '%Y%m')", "202601"),
    Probe("to_unixtime(timestamp '1970-01-02 00:00:00.500')", 86400.5, DOUBLE),
    Probe("from_unixtime(1.5e0)", datetime(1970, 1, 1, 0, 0, 1, 500000, UTC)),
    Probe("cast(timestamp '2026-01-01 20:00:00' at time zone 'Asia/Kolkata' as date)", date(2026, 1, 2)),
    Probe("hour(timestamp '2026-01-01 20:00:00' at time zone 'Asia/Kolkata')", 1),
    Probe("cast(from_unixtime(0) at time zone 'Asia/Kolkata' as timestamp)", at(1970, 1, 1, 5, 30)),
    Probe("from_iso8601_timestamp('2020-05-11T11:15:05Z')", datetime(2020, 5, 11, 11, 15, 5, tzinfo=UTC)),
    Probe("date_format(timestamp '2022-10-20 05:10:07', '%Y-%m-%d %H:%i:%s')", "2022-10-20 05:10:07"),
    Probe("date_format(timestamp '2022-10-05 15:10:07', '%W %M %e, %l %p')", "Wednesday October 5, 3 PM"),
    Probe("date_parse('5/3/2026 07:09', '%e/%c/%Y %H:%i')", at(2026, 3, 5, 7, 9)),
    # functions/array
    Probe("cardinality(array[1, 2, null])", 3),
    Probe("contains(array[1, null], 2)", None),
    Probe("contains(array[1, 2], 2)", True),
    Probe("element_at(array[1, 2, 3], -1)", 3),
    Probe("element_at(array[1, 2, 3], 5)", None),
    Probe("array_join(array['a', null, 'b'], ',')", "a,b"),
    Probe("array_sort(array[2, null, 1])", [1, 2, None]),
    Probe("sequence(1, 3)", [1, 2, 3]),
    Probe("sequence(3, 1)", [3, 2, 1]),
    Probe(
        "sequence(date '2026-01-01', date '2026-02-01', interval '1' month)",
        [date(2026, 1, 1), date(2026, 2, 1)],
        pa.list_(pa.field("l", pa.date32())),
    ),
    # functions/aggregate
    Probe("avg(x) from (values 1.00, 2.01) as t (x)", D("1.51"), numeric(3, 2)),
    Probe("avg(x) filter (where x > 5) from (values 1.00, 2.01) as t (x)", None),
    Probe("avg(x) from (values 1, 2) as t (x)", 1.5, DOUBLE),
    Probe("sum(x) from (values 1, 2) as t (x)", 3, BIGINT),
    Probe("sum(x) from (values 1.10, 2.20) as t (x)", D("3.30"), numeric(38, 2)),
    Probe("count_if(x > 1) from (values 1, 2, 3) as t (x)", 2, BIGINT),
    Probe("count(distinct x) from (values 1, 1, null) as t (x)", 1),
    Probe("approx_distinct(x) from (values 1, 1, 2) as t (x)", 2, BIGINT),
    Probe("approx_percentile(x, 0.5) from (values 1, 2, 3) as t (x)", 2, INT),
    Probe("max_by(x, y) from (values (null, 2), ('a', 1)) as t (x, y)", None),
    Probe("min_by(x, y) from (values ('b', 2), ('a', 1)) as t (x, y)", "a"),
    Probe("bool_and(x > 0) from (values 1, null) as t (x)", True),
    Probe("array_agg(x order by x desc) from (values 1, null, 2) as t (x)", [2, 1, None]),
    Probe("listagg(x, ',') within group (order by x desc) from (values 'a', 'b') as t (x)", "b,a"),
    Probe("stddev(x) from (values 1) as t (x)", None),
    Probe("sum(x) / count(*) from (values 1, 2) as t (x)", 1, BIGINT),
    Probe("arbitrary(x) from (values null, 1) as t (x)", 1),
]

ROWS = {
    # select: null ordering, offset, grouping sets, unnest, values, set operations; functions/window
    "select x from (values 1, null, 2) as t (x) order by x": [(1,), (2,), (None,)],
    "select x from (values 1, null, 2) as t (x) order by x desc": [(2,), (1,), (None,)],
    "select x from (values 1, 2, 3) as t (x) order by x offset 1 limit 1": [(2,)],
    "select x from (values 3, 1, 2) as t (x) order by 1 fetch first 2 rows only": [(1,), (2,)],
    "select a, b, sum(c) from (values (1, 'x', 5), (1, 'y', 6)) as t (a, b, c) group by rollup (a, b) order by a, b": [
        (1, "x", 5), (1, "y", 6), (1, None, 11), (None, None, 11)
    ],
    "select a, grouping(a) from (values 1) as t (a) group by grouping sets ((a), ()) order by 2": [(1, 0), (None, 1)],
    "select a, b, count(*) from (values (1, 2)) as t (a, b) group by cube (a, b) order by a, b": [
        (1, 2, 1), (1, None, 1), (None, 2, 1), (None, None, 1)
    ],
    "select a, x from (values (1, array[7, 8])) as t (a, b) cross join unnest(b) as u (x) order by x": [(1, 7), (1, 8)],
    "select x from unnest(sequence(date '2026-01-01', date '2026-01-02')) as t (x)": [
        (date(2026, 1, 1),), (date(2026, 1, 2),)
    ],
    "with recursive n (i) as (select 1 union all select i + 1 from n where i < 3) select i from n": [(1,), (2,), (3,)],
    "values (1, 'a'), (2, 'b')": [(1, "a"), (2, "b")],
    "select 1 as x union select 1 except select 2": [(1,)],
    "select x from (values 1, 2) as t (x) intersect select 2": [(2,)],
    "select x / 2 from (select 1 as x union all select 2.50) as t order by 1": [(D("0.50"),), (D("1.25"),)],
    "select x, sum(x) over (order by x) from (values 1, 1, 2) as t (x) order by 1": [(1, 2), (1, 2), (2, 4)],
    "select sum(x) over (order by x rows between 1 preceding and current row) from (values 1, 2, 3) as t (x)": [
        (1,), (3,), (5,)
    ],
    "select avg(x) over (order by x) from (values 1.00, 2.01) as t (x)": [(D("1.00"),), (D("1.51"),)],
    "select lag(x) ignore nulls over (order by i) from (values (1, 5), (2, null), (3, 7)) as t (i, x) order by i": [
        (None,), (5,), (5,)
    ],
    "select last_value(x) over (order by x) from (values 1, 2) as t (x) order by 1": [(1,), (2,)],
    "select row_number() over (order by x desc), ntile(2) over (order by x) from (values 1, 2) as t (x) order by 1": [
        (1, 2), (2, 1)
    ],
    "select a.x, b.y from (values 1, 2) as a (x) left join (values (1, 'p')) as b (x, y) on a.x = b.x order by 1": [
        (1, "p"), (2, None)
    ],
    "select x from (values (1, 2)) as a (x, y) join (values (1, 3)) as b (x, z) using (x)": [(1,)],
    "select X from (values 1) as T (x) where exists (select 1 where t.x = 1)": [(1,)],
    "select x from (values 1, 2) as t (x) where x = (select max(y) from (values 1, 2) as u (y))": [(2,)],
    "select sum(x) as total from (values 1, 2) as t (x) having sum(x) > 2 order by total": [(3,)],
    'select "x" from (values 1) as t (x)': [(1,)],
    "select cast(x as integer), try_cast(x as date) from (values '12', null) as t (x) order by 1": [
        (12, None), (None, None)
    ],
    "select try(cast(x as integer)) from (values '12', '1.5') as t (x) order by 1": [(12,), (None,)],
}  # fmt: skip

REFUSED = {
    # functions that Athena has and that have no equal here
    "format_datetime(now(), 'yyyy')": "format_datetime is not translated; use date_format",
    "parse_datetime('2026', 'yyyy')": "parse_datetime is not translated; use date_parse",
    "slice(array[1, 2], 1, 1)": "slice is not translated",
    "width_bucket(1e0, 0e0, 2e0, 4)": "width_bucket is not translated",
    "any_match(array[1], x -> x > 0)": "any_match is not translated",
    "checksum(x) from (values 1) as t (x)": "checksum is not translated",
    "json_extract('{}', '$.a')": "json_extract is not translated",
    "typeof(1)": "typeof is not translated",
    "map(array['a'], array[1])": "map is not translated",
    "date_format(now(), '%w')": "%w is not translated",
    "regexp_like('a', '(?=b)')": "look-around",
    "regexp_extract('b', '(a)|b', 1)": "need not take part",
    "from_iso8601_timestamp('2020-05-11T11:15:05+01:00')": "in UTC only",
    "now() at time zone 'Asia/Kolkata'": "cast it to timestamp",
    "cast(1e0 as varchar)": "Athena writes 1.0E0",
    "cast(timestamp '2026-01-01 00:00:00' as varchar)": "use date_format",
    "date '2026-01-02' - date '2026-01-01'": "use date_diff",
    "x from unnest(array[1]) with ordinality as t (x, n)": "with ordinality",
    "json_extract_scalar('{\"a\":1.50}', '$.a')": "loses its form",
    # types that Athena refuses to mix
    "date '2026-01-01' = '2026-01-01'": "write the text as a date: date '2026-01-01'",
    "'2026-01-01' <= current_date": "write the text as a date",
    "date '2026-01-01' between '2025-01-01' and '2027-01-01'": "write the text as a date",
    "date '2026-01-01' in ('2026-01-01')": "write the text as a date",
    "now() > '2026-01-01'": "write the text as a timestamp",
    "'10' = 10": "varchar and integer do not mix",
    "'a' || 1": "varchar and integer do not mix",
    "concat('a', 1)": "varchar and integer do not mix",
    "length(5)": "length takes (varchar)",
    "sum('a')": "sum takes (number)",
    "date '2026-01-01' + 1": "write interval '1' day",
    "date '2026-01-01' + interval '1' hour": "a date moves by days, months or years",
    "date_trunc('hour', date '2026-01-01')": "is not a unit of date",
    "cast('1.5' as integer)": "Athena cannot cast '1.5'",
    "cast(x as integer) from (values '1.5') as t (x)": "no int: 1.5",
    "cast(now() as timestamp(0))": "use date_trunc",
    "(1, date '2026-01-01') = (1, '2026-01-01')": "is not known",
    "if(1, 2, 3)": "if() takes a boolean",
    "1 where 1": "a condition is boolean",
    "1 union select 'a'": "do not mix in Athena",
    "row_number() from (values 1) as t (x)": "row_number needs a window",
    "timestamp '2026-01-01 00:00:00 Asia/Kolkata'": "write it in UTC",
    "99999999999999999999": "is beyond bigint",
    "year('2026-01-01')": "year takes (moment)",
    "count(distinct x, y) from (values (1, 2)) as t (x, y)": "count with 2 arguments",
    "interval '1' day * 2": "interval * integer",
    "sum(cast(x as real)) from (values 1) as t (x)": "cast it to double",
    "x from (values 1, 2) as t (x) tablesample bernoulli (50)": "is not translated",
    # DuckDB's own functions and syntax
    "list_sum(array[1])": "list_sum is not a function that is translated",
    "epoch_ms(now())": "epoch_ms is not a function that is translated",
    "quantile_cont(x, 0.5) from (values 1) as t (x)": "quantile_cont is not a function that is translated",
    "strftime(now(), '%Y')": "strftime is not a function that is translated",
    "ifnull(1, 2)": "ifnull is not a function that is translated",
    "left('abc', 1)": "left is not a function that is translated",
    "datediff('day', current_date, current_date)": "datediff is not a function that is translated",
    "* exclude (x) from (values 1) as t (x)": "name the columns",
    "#1 from (values 1) as t (x)": "# is not Athena's SQL",
    "'1'::integer": ":: is not Athena's SQL",
    "7 // 2": "// is not Athena's SQL",
    "'a' ilike 'A'": "ilike is not Athena's SQL",
    "interval 1 day + current_date": "interval 1 is not Athena's SQL",
    "[1, 2]": "write array[",
    "array[1, 2][1]": "element_at",
    "x from (values 1, 2) as t (x) limit 1 offset 1": "OFFSET comes before LIMIT",
    "x as y from (values 1) as t (x) group by y": "column 'y' is in none",
    "x, count(*) from (values 1) as t (x) group by all": "group by all",
    "distinct on (x) x from (values 1) as t (x)": "distinct on",
    "x from (values 1) as t (x) qualify row_number() over () = 1": "query: ",
    "a.x from (values 1) as a (x) semi join (values 1) as b (x) on a.x = b.x": "join is not Athena's SQL",
    "x from (from (values 1) as t (x) select x) as s": "opens with SELECT",
    "x from range(3) as t (x)": "range is not a function that is translated",
}


def same(found: object, expected: object) -> bool:
    """Equality in which a value of another type is another value."""
    if isinstance(expected, float) and isinstance(found, float) and isnan(expected):
        return isnan(found)
    return type(found) is type(expected) and found == expected
