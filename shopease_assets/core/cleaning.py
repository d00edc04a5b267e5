"""What is done to a source row before it is judged: trimming, case, empty strings, JSON keys, duplicates.

Cleaning keeps every row and is idempotent; it never raises on a row's content. Judging is `core.audit`'s.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from hashlib import md5
from typing import Any

import dataframely as dy
import orjson
import polars as pl

from shopease_assets.core.contract import Contract, Says

#: Columns every row carries from reading to judging: its number in the bronze frame and what bronze says of it.
ROW = "_row"


def clean(frame: pl.LazyFrame, contract: type[Contract]) -> pl.LazyFrame:
    """The rows with every column of the contract in its type: text trimmed, cased and never empty, JSON keys typed.

    Adds `_<column>_parses` for each JSON column, which the contract's rules judge.
    """
    parsed = [_parsed_json(column, contract) for column in contract.json_columns()]
    plain = {name: column for name, column in contract.columns().items() if not Says.json(column)}
    return (
        frame.with_columns(parsed)
        .with_columns(_cleaned(name, column) for name, column in plain.items())
        .unnest([f"_{column}_fields" for column in contract.json_columns()])
    )


def latest_per_key(frame: pl.LazyFrame, contract: type[Contract]) -> pl.LazyFrame:
    """One row per day and key: the one updated last; equal times are settled by content, not by arrival.

    Rows without a full key are all kept, for the completeness rule to refuse. Sorted by day and key.
    """
    identity = ["dt", *contract.key()]
    return frame.map_batches(lambda rows: _latest(rows, identity, contract), schema=None)


def surrogate_key(*columns: str) -> pl.Expr:
    """The MD5 of the columns' values joined by `|`, as 32 hexadecimal digits: the same in every engine and version."""
    parts = [
        pl.col(column).dt.timestamp("us").cast(pl.String) if column.endswith("_at") else pl.col(column).cast(pl.String)
        for column in columns
    ]
    return pl.concat_str(parts, separator="|").map_batches(_md5, return_dtype=pl.String)


def _md5(values: pl.Series) -> pl.Series:
    return pl.Series(
        values.name,
        [None if value is None else md5(value.encode(), usedforsecurity=False).hexdigest() for value in values],
        dtype=pl.String,
    )


def _cleaned(name: str, column: dy.Column) -> pl.Expr:
    if not isinstance(column, dy.String):
        return pl.col(name).cast(column.dtype)
    trimmed = pl.col(name).str.strip_chars()
    match Says.case(column):
        case "lower":
            trimmed = trimmed.str.to_lowercase()
        case "title":
            trimmed = trimmed.str.to_titlecase()
        case _:
            pass
    return trimmed.replace("", None)


def _latest(rows: pl.DataFrame, identity: Sequence[str], contract: type[Contract]) -> pl.DataFrame:
    keyless = rows.select(pl.any_horizontal(pl.col(identity).is_null())).to_series()
    repeated = rows.select(identity).is_duplicated() & ~keyless
    if repeated.any():
        known = [name for name in contract.columns() if name not in identity and name != "updated_at"]
        content = [*known, *(name for name in ("_unreadable", *contract.json_columns()) if name in rows.columns)]
        winners = (
            rows.filter(repeated)
            .sort("updated_at", *content, descending=True, nulls_last=True)
            .unique(identity, keep="first", maintain_order=True)
        )
        rows = pl.concat([rows.filter(~repeated), winners])
    return rows.sort(identity, nulls_last=True)


# ---- JSON ------------------------------------------------------------------------------------------------------


def _parsed_json(column: str, contract: type[Contract]) -> pl.Expr:
    known, rest = contract.json_keys(column)
    fields: dict[str, Any] = {name: kind.dtype for name, (_, kind) in known.items()}
    if rest is not None:
        fields[rest] = pl.String()
    schema = pl.Struct({**fields, f"_{column}_parses": pl.Boolean()})

    def parsed(texts: pl.Series) -> pl.Series:
        """Each distinct text is parsed once: most are repeated often."""
        distinct = texts.unique()
        found = pl.Series([_fields(text, column, known, rest) for text in distinct], dtype=schema)
        each = pl.DataFrame({"text": distinct, "found": found})
        asked = texts.to_frame("text")
        return asked.join(each, on="text", how="left", nulls_equal=True, maintain_order="left").get_column("found")

    return pl.col(column).map_batches(parsed, return_dtype=schema).alias(f"_{column}_fields")


def _fields(
    text: str | None, column: str, known: Mapping[str, tuple[str, dy.Column]], rest: str | None
) -> dict[str, Any]:
    """The known keys in their types; a value that does not fit its type stays in the rest, so nothing is lost."""
    parses = f"_{column}_parses"
    if text is None:
        return {parses: True}
    try:
        document = orjson.loads(text)
        orjson.dumps(document)  # reads deeper nesting than it writes
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        return {parses: False}
    if not isinstance(document, dict):
        return {parses: True} | ({rest: orjson.dumps(document).decode()} if rest else {})
    found: dict[str, Any] = {parses: True}
    for name, (key, kind) in known.items():
        value = _fitting(document.get(key), kind)
        if value is not None:
            found[name] = value
            del document[key]
        elif document.get(key, 0) is None:
            del document[key]
    if rest and document:
        found[rest] = orjson.dumps(document, option=orjson.OPT_SORT_KEYS).decode()
    return found


def _fitting(value: Any, kind: dy.Column) -> Any:  # one line a type
    if value is None:
        return None
    match kind:
        case dy.Bool():
            return value if isinstance(value, bool) else None
        case dy.Int64():
            return value if isinstance(value, int) and not isinstance(value, bool) and value < 2**63 else None
        case dy.String():
            return (value.strip() or None) if isinstance(value, str) else None
        case dy.Decimal():
            return _decimal(value, kind)
        case _:
            raise TypeError(f"a JSON field cannot be a {type(kind).__name__}")


def _decimal(value: Any, kind: dy.Decimal) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    whole = (kind.precision or 38) - kind.scale
    fits = number.is_finite() and abs(number) < 10**whole and number == round(number, kind.scale)
    return round(number, kind.scale) if fits else None
