"""How table schemas are written down and how they may change: canonical types, widening, union.

Pure: schemas in, schemas (or casts of one Arrow table) out. No files and no log here; `lake` decides when to rewrite.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from shopease_assets.core.errors import SchemaConflict
from shopease_assets.core.layout import TableRef

MAX_DECIMAL_PRECISION = 38  # Athena and Spark stop here
_INTEGER_BITS = {
    pa.int8(): (7, True), pa.int16(): (15, True), pa.int32(): (31, True), pa.int64(): (63, True),
    pa.uint8(): (8, False), pa.uint16(): (16, False), pa.uint32(): (32, False), pa.uint64(): (64, False),
}  # fmt: skip


def canonical_schema(table: TableRef, schema: pa.Schema) -> pa.Schema:
    """The schema as the lake stores it: microseconds, UTC, plain strings and lists, every column nullable.

    Raises SchemaConflict for a type no reader of the lake could be promised (durations, unions, wide decimals).
    """
    repeated = {name for name in schema.names if schema.names.count(name) > 1}
    if repeated:
        raise SchemaConflict(f"{table}: {_names(repeated)} appears more than once; rename or drop one")
    return pa.schema([(field.name, _canonical(table, field.name, field.type)) for field in schema])


@dataclass(frozen=True)
class Evolution:
    """What publishing does to a table's schema: the union, and what the versions already published lack."""

    schema: pa.Schema
    previous: pa.Schema | None

    @property
    def changed(self) -> bool:
        """Whether the table gets another schema."""
        return self.previous is None or not self.schema.equals(self.previous)

    def must_rewrite(self, written: pa.Schema) -> bool:
        """Whether files of this schema would be misread: another type, or a column dropped before and now back."""
        known = set(self.schema.names if self.previous is None else self.previous.names)
        return any(
            field.name not in known or field.type != self.schema.field(field.name).type
            for field in written
            if field.name in self.schema.names
        )


def evolve(table: TableRef, published: pa.Schema | None, staged: pa.Schema, drop: Iterable[str] = ()) -> Evolution:
    """The union of the published and the staged schema: new columns last, types as wide as the wider of both.

    Raises SchemaConflict when a published column vanished (and is not in `drop`) or a type changed otherwise.
    """
    if published is None:
        return Evolution(staged, None)
    dropped = set(drop)
    if still_there := dropped & set(staged.names):
        raise SchemaConflict(f"{table}: {_names(still_there)} cannot be dropped: the staged data still has it")
    missing = [name for name in published.names if name not in staged.names and name not in dropped]
    if missing:
        arguments = ", ".join(f'"{name}"' for name in missing)
        raise SchemaConflict(
            f"{table}: published column {_names(missing)} is missing from the staged data; "
            f"stage it again, or drop it on purpose: publish(staged, drop=({arguments},))"
        )
    kept = [field for field in published if field.name not in dropped]
    added = [field for field in staged if field.name not in published.names]
    wide = [(field.name, _wider(table, field, staged.field(field.name))) for field in kept]
    return Evolution(pa.schema([*wide, *((field.name, field.type) for field in added)]), published)


def staged_schema(table: TableRef, published: pa.Schema | None, incoming: pa.Schema) -> pa.Schema:
    """The types the incoming data are written with: never narrower than the table's, in the table's order.

    Raises SchemaConflict when a column could never be published, before anything is written.
    """
    known = published if published is not None else pa.schema([])
    types = {
        field.name: _wider(table, known.field(field.name), field) if field.name in known.names else field.type
        for field in incoming
    }
    typeless = [name for name, type_ in types.items() if _has_null(type_)]
    if typeless:
        raise SchemaConflict(f"{table}: column {_names(typeless)} holds only nulls and has no type; cast it")
    ordered = [name for name in known.names if name in types]
    ordered += [name for name in incoming.names if name not in known.names]
    return pa.schema([(name, types[name]) for name in ordered])


def is_narrower(table: TableRef, written: pa.Schema, schema: pa.Schema) -> bool:
    """Whether a column of the files must be cast up to be read with this schema.

    Raises SchemaConflict for a column whose type has since become another one altogether.
    """
    both = [(field, schema.field(field.name)) for field in written if field.name in schema.names]
    for field, now in both:
        if _widest(field.type, now.type) != now.type:
            raise SchemaConflict(
                f"{table}: column {field.name} was {field.type} then and is {now.type} now; "
                "run the partitions again instead of rolling them back"
            )
    return any(field.type != now.type for field, now in both)


def conform(data: pa.Table, schema: pa.Schema) -> pa.Table:
    """The data with exactly these columns: cast up, columns it lacks as nulls, others left out.

    Large, viewed and dictionary-encoded strings stay as they are: Parquet stores the same bytes.
    """
    columns = [
        _cast(data.column(field.name), field.type)
        if field.name in data.schema.names
        else pa.nulls(len(data), field.type)
        for field in schema
    ]
    return pa.table(columns, names=schema.names)


def _cast(column: pa.ChunkedArray, to: pa.DataType) -> pa.ChunkedArray:
    if _same_bytes(column.type) == to:
        return column
    # Finer than a microsecond is truncated; everything else must be lossless or fail.
    return pc.cast(column, options=pc.CastOptions(to, allow_time_truncate=True))


def _canonical(table: TableRef, name: str, type_: pa.DataType) -> pa.DataType:
    if type_ in _AS_THEY_ARE:
        return type_
    if isinstance(type_, pa.BaseExtensionType):
        return _canonical(table, name, type_.storage_type)
    if pt.is_dictionary(type_):
        return _canonical(table, name, type_.value_type)
    for is_kind, canonical in _KINDS:
        if is_kind(type_):
            return canonical(type_, lambda child: _canonical(table, name, child))
    raise SchemaConflict(f"{table}: column {name} has type {type_}, which the lake does not store; cast it")


def _same_bytes(type_: pa.DataType) -> pa.DataType:
    """The canonical type whose Parquet bytes equal this type's; the type itself when a cast is needed."""
    if pt.is_dictionary(type_):
        return _same_bytes(type_.value_type)
    if _is_string(type_):
        return pa.string()
    if _is_binary(type_) and not pt.is_fixed_size_binary(type_):
        return pa.binary()
    if pt.is_list(type_) or pt.is_large_list(type_):
        return pa.list_(_same_bytes(type_.value_type))
    return type_


def _wider(table: TableRef, published: pa.Field, staged: pa.Field) -> pa.DataType:
    wider = _widest(published.type, staged.type)
    if wider is None:
        raise SchemaConflict(
            f"{table}: column {published.name} is published as {published.type} and was staged as {staged.type}; "
            f"cast it to {published.type}, or give the new one another name"
        )
    return wider


def _widest(one: pa.DataType, other: pa.DataType) -> pa.DataType | None:
    """The type that holds every value of both, or None when there is none of the same kind."""
    if one == other or pt.is_null(other):
        return one
    if pt.is_null(one):
        return other
    if one in _INTEGER_BITS and other in _INTEGER_BITS:
        return _widest_integer(one, other)
    if pt.is_list(one) and pt.is_list(other):
        value = _widest(one.value_type, other.value_type)
        return None if value is None else pa.list_(value)
    if pt.is_decimal(one) and pt.is_decimal(other) and one.scale == other.scale:
        return max(one, other, key=lambda type_: type_.precision)
    return pa.float64() if pt.is_floating(one) and pt.is_floating(other) else None


def _widest_integer(one: pa.DataType, other: pa.DataType) -> pa.DataType | None:
    (bits, signed), (other_bits, other_signed) = _INTEGER_BITS[one], _INTEGER_BITS[other]
    enough = [
        type_
        for type_, (capacity, has_sign) in _INTEGER_BITS.items()
        if capacity >= max(bits, other_bits) and has_sign == (signed or other_signed)
    ]
    return enough[0] if enough else None


def _has_null(type_: pa.DataType) -> bool:
    if pt.is_nested(type_):
        return any(_has_null(type_.field(i).type) for i in range(type_.num_fields))
    return bool(pt.is_null(type_))


def _is_string(type_: pa.DataType) -> bool:
    return bool(pt.is_string(type_) or pt.is_large_string(type_) or pt.is_string_view(type_))


def _is_binary(type_: pa.DataType) -> bool:
    fixed = pt.is_fixed_size_binary(type_) and not pt.is_decimal(type_)
    return bool(pt.is_binary(type_) or pt.is_large_binary(type_) or pt.is_binary_view(type_) or fixed)


def _is_list(type_: pa.DataType) -> bool:
    return bool(pt.is_list(type_) or pt.is_large_list(type_) or pt.is_fixed_size_list(type_) or pt.is_list_view(type_))


def _is_storable_decimal(type_: pa.DataType) -> bool:
    return bool(pt.is_decimal(type_) and type_.precision <= MAX_DECIMAL_PRECISION)


_AS_THEY_ARE = {*_INTEGER_BITS, pa.bool_(), pa.float32(), pa.float64(), pa.null()}
_Canonical = Callable[[pa.DataType, Callable[[pa.DataType], pa.DataType]], pa.DataType]
_KINDS: tuple[tuple[Callable[[pa.DataType], bool], _Canonical], ...] = (
    (_is_string, lambda _, __: pa.string()),
    (_is_binary, lambda _, __: pa.binary()),
    (pt.is_timestamp, lambda type_, _: pa.timestamp("us", "UTC" if type_.tz else None)),
    (pt.is_date, lambda _, __: pa.date32()),
    (pt.is_time, lambda _, __: pa.time64("us")),
    (pt.is_float16, lambda _, __: pa.float32()),
    (_is_storable_decimal, lambda type_, _: pa.decimal128(type_.precision, type_.scale)),
    (_is_list, lambda type_, inner: pa.list_(inner(type_.value_type))),
    (pt.is_struct, lambda type_, inner: pa.struct([(child.name, inner(child.type)) for child in type_])),
    (pt.is_map, lambda type_, inner: pa.map_(inner(type_.key_type), inner(type_.item_type))),
)


def _names(columns: Iterable[str]) -> str:
    return ", ".join(sorted(columns))
