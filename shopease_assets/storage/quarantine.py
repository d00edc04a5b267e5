"""What is in quarantine: which rows, for which rules, since when. Reads what is published; decides nothing."""

import json
from collections.abc import Collection, Iterable, Mapping

import polars as pl

from shopease_assets.core.layout import TableRef
from shopease_assets.storage.lake import ParquetLake

_SAMPLES = 5


def quarantine_tables(lake: ParquetLake) -> list[TableRef]:
    """The quarantine tables there are, by name; they may be empty."""
    return sorted(ref for ref in lake.log.tables() if ref.layer == "quarantine")


def quarantined(lake: ParquetLake, ref: TableRef, days: Collection[str] | None = None) -> pl.DataFrame:
    """The rows of a quarantine table (of these days), `rules` as a list, `key` the identifying values in one text."""
    rows = lake.scan(ref, days).with_columns(pl.col("rules").str.split(", ")).collect()
    return rows.with_columns(pl.col("row_key").map_elements(_spoken, return_dtype=pl.String).alias("key"))


def summary(lake: ParquetLake, refs: Iterable[TableRef], days: Collection[str] | None = None) -> pl.DataFrame:
    """Per table and rule: dimension, rows, days, the first and the last of them, sample keys, the latest run."""
    counted = [
        quarantined(lake, ref, days)
        .explode("rules")
        .sort("quarantined_at", "dt", "key")
        .group_by(pl.col("rules").alias("rule"))
        .agg(
            pl.len().alias("rows"),
            pl.col("dt").n_unique().alias("days"),
            pl.col("dt").min().alias("first_day"),
            pl.col("dt").max().alias("last_day"),
            pl.col("key").unique(maintain_order=True).head(_SAMPLES).str.join(", ").alias("sample_keys"),
            pl.col("run_id").last().alias("latest_run"),
        )
        .select(
            pl.lit(ref.name).alias("table"),
            "rule",
            pl.col("rule")
            .replace_strict(_dimensions(lake, ref, days), default=None, return_dtype=pl.String)
            .alias("dimension"),
            pl.exclude("rule"),
        )
        for ref in refs
    ]
    return pl.concat(counted).sort("table", "rule")


def rows_per_rule(lake: ParquetLake) -> Mapping[tuple[str, str], int]:
    """(table, rule) → how many rows are in quarantine for it."""
    refs = quarantine_tables(lake)
    found = summary(lake, refs).select("table", "rule", "rows").rows() if refs else []
    return {(table, rule): rows for table, rule, rows in found}


def _dimensions(lake: ParquetLake, ref: TableRef, days: Collection[str] | None) -> dict[str, str]:
    """Rule → dimension, as the checks of the days told it."""
    results = lake.log.quality(TableRef("silver", ref.name), days)
    return {rule: result.check for result in results for rule in result.details.get("broken_rules", {})}


def _spoken(row_key: str) -> str:
    return "/".join("null" if value is None else str(value) for value in json.loads(row_key).values())
