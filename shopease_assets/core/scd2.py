"""Dimension history: which version of a row was valid when, as a function of the set of versions known (SCD type 2).

In what order versions arrived, and how often, changes nothing. Where they are read from is not decided here.
"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import polars as pl


def history(versions: pl.LazyFrame, key: str, *, deleted: str | None = None) -> pl.LazyFrame:
    """The versions with `valid_from`, `valid_to` and `is_current`, sorted by key and time.

    A version is valid from its `updated_at`, the first one known of a key from its `created_at` if that is earlier,
    until the next one begins: intervals are [valid_from, valid_to), and the last one is open (null). Of versions of one
    instant the greatest by content counts, as in silver, and a living one before a deletion. Versions that change no
    attribute are kept apart: facts point at each.

    Args:
        versions: rows with the key, `created_at`, `updated_at` and whatever else; none of these is null.
        key: the column that names the entity.
        deleted: a flag; where it is true the row is a tombstone: it ends the version before and is not returned.
    """
    gone = pl.col(deleted).fill_null(value=False) if deleted else pl.lit(value=False)
    content = [name for name in versions.collect_schema() if name not in {key, "updated_at"}]
    before, after = (pl.col("updated_at").shift(step).over(key) for step in (1, -1))
    return (
        versions.with_columns(_gone=gone)
        .sort(key, "updated_at", pl.col("_gone").not_(), *content)
        .unique([key, "updated_at"], keep="last", maintain_order=True)
        .with_columns(
            valid_from=pl.when(before.is_null())
            .then(pl.min_horizontal("created_at", "updated_at"))
            .otherwise("updated_at"),
            valid_to=after,
        )
        .filter(~pl.col("_gone"))
        .drop("_gone")
        .with_columns(is_current=pl.col("valid_to").is_null())
    )


def at_end_of(known: pl.LazyFrame, day: date, zone: ZoneInfo) -> pl.LazyFrame:
    """The history as it stood when the day ended: what began later is not there, what ended later is open."""
    end = datetime.combine(day + timedelta(1), time(), zone).astimezone(UTC)
    return (
        known.filter(pl.col("valid_from") < end)
        .with_columns(valid_to=pl.when(pl.col("valid_to") < end).then("valid_to"))
        .with_columns(is_current=pl.col("valid_to").is_null())
    )
