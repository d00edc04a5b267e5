"""Texts put together from columns: the JSON of the source, and its numbered codes. Quoting is the caller's business."""

import re

import polars as pl

from shopease_assets.synthetic.draws import Ints


def filled(template: str) -> pl.Expr:
    """The template with each <column> replaced by that column's value: `{"gift": <gift>, "device": "<device>"}`."""
    parts = re.split(r"<(\w+)>", template)
    pieces = [pl.col(part) if place % 2 else pl.lit(part) for place, part in enumerate(parts)]
    return pl.concat_str(pieces)


def filled_by_kind(templates: tuple[str, ...]) -> pl.Expr:
    """The template whose position is in column `kind`, filled."""
    text = filled(templates[-1])
    for kind, template in enumerate(templates[:-1]):
        text = pl.when(pl.col("kind") == kind).then(filled(template)).otherwise(text)
    return text


def code(prefix: str, numbers: Ints, digits: int) -> pl.Series:
    """`SO-000000042` and the like."""
    return prefix + pl.Series(numbers).cast(pl.String).str.zfill(digits)
