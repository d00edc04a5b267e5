"""A row as canonical text, and its hash: the same bytes in PostgreSQL and in DuckDB.

Texts carry their length, everything else cannot hold the separator, null is a `~`: no two rows share a text. A value
that the lake's type cannot hold is null on both sides.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import pyarrow as pa

from shopease_assets.sources.postgres import readable
from shopease_assets.sources.postgres_table import lake_type

_SEPARATOR, _NULL = " || '|' || ", "~"
_HEX_DIGITS = 15  # 60 bits: a bigint that is never negative


@dataclass(frozen=True)
class Dialect:
    """How one database says it: `value` a column as canonical text or null, `digest` the hash of a text."""

    value: Callable[[str, str], str]
    digest: str

    def row_hash(self, types: Mapping[str, str], alias: str = "t") -> str:
        """A bigint of the columns (name → declared type) of `alias`."""
        return self.digest.format(_SEPARATOR.join(self._parts(types, alias)))

    def column_hashes(self, types: Mapping[str, str], alias: str = "t") -> list[str]:
        """A bigint per column, to tell which of them differ without reading what they say."""
        return [self.digest.format(part) for part in self._parts(types, alias)]

    def _parts(self, types: Mapping[str, str], alias: str) -> Iterable[str]:
        return (f"coalesce({self.value(f'{alias}.{name}', kind)}, '{_NULL}')" for name, kind in types.items())


def readable_or_null(column: str, declared: str) -> str:
    """In PostgreSQL: the value, null where the lake's type cannot hold it."""
    condition = readable(column, declared)
    return column if condition == "true" else f"case when {condition} then {column} end"


def is_text(declared: str) -> bool:
    """Whether the lake keeps it as text."""
    return bool(pa.types.is_string(lake_type(declared)))


def _postgres_value(column: str, declared: str) -> str:
    kind, value = lake_type(declared), readable_or_null(column, declared)
    if pa.types.is_timestamp(kind):
        return f"(extract(epoch from {value}) * 1000000)::bigint::text"
    if pa.types.is_date(kind):
        return f"({value} - date '1970-01-01')::text"
    if isinstance(kind, pa.Decimal128Type):
        return f"round({value}, {kind.scale})::text"
    if pa.types.is_floating(kind):
        return f"('x' || encode(float8send({value}), 'hex'))::bit(64)::text"
    return f"(length({value}::text) || ':' || {value}::text)" if is_text(declared) else f"{value}::text"


def _duckdb_value(column: str, declared: str) -> str:
    kind = lake_type(declared)
    if pa.types.is_timestamp(kind):
        return f"epoch_us({column})::varchar"
    if pa.types.is_date(kind):
        return f"({column} - date '1970-01-01')::varchar"
    if pa.types.is_floating(kind):
        return f"{column}::bit::varchar"
    return f"(length({column}) || ':' || {column})" if is_text(declared) else f"{column}::varchar"


POSTGRES = Dialect(_postgres_value, f"('x' || left(md5(convert_to({{}}, 'UTF8')), {_HEX_DIGITS}))::bit(60)::bigint")
DUCKDB = Dialect(_duckdb_value, f"('0x' || left(md5({{}}), {_HEX_DIGITS}))::bigint")
