"""The audit of a silver frame: which rows keep the contract, which break which rule, and how each partition scores.

Pure: frames in, frames and numbers out. Every row that came in is accounted for, as published, quarantined or
deduplicated. What a bad score leads to is decided in `kit`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from shopease_assets.core.cleaning import ROW
from shopease_assets.core.contract import LATEST_DATE, Contract, Reference, Rule
from shopease_assets.core.quality import THRESHOLDS, Dimension, Score

_SAMPLES = 5


@dataclass(frozen=True)
class Account:
    """Where the rows of one partition went; `lost` must be zero."""

    rows_in: int
    published: int
    quarantined: int
    deduplicated: int

    @property
    def lost(self) -> int:
        """Rows that came in and are nowhere (negative: rows that came from nowhere)."""
        return self.rows_in - self.published - self.quarantined - self.deduplicated


@dataclass(frozen=True)
class Audit:
    """The verdict on a frame: `good` has the contract's columns and `dt`; `bad` is shaped for the quarantine."""

    good: pl.DataFrame
    good_rows: pl.Series
    bad: pl.DataFrame
    scores: Mapping[str, Mapping[Dimension, Score]]
    accounts: Mapping[str, Account]
    samples: Mapping[str, Sequence[str]]
    warnings: Mapping[str, Mapping[str, int]]


def audit(
    frame: pl.DataFrame,
    bronze: pl.DataFrame,
    contract: type[Contract],
    *,
    partitions: Sequence[str],
    parents: Mapping[str, pl.DataFrame] | None = None,
    refused_parents: Mapping[str, pl.DataFrame] | None = None,
    thresholds: Mapping[Dimension, float] = THRESHOLDS,
    zone: str = "UTC",
) -> Audit:
    """Judge what a silver function made of its bronze rows.

    Args:
        frame: the function's result, with `dt` and the `_row` numbers it was given.
        bronze: the rows it was given, with `dt` and `_row`.
        contract: what each row must keep.
        partitions: the days the frame stands for; a day without rows scores perfectly.
        parents: per reference column, the keys that exist in silver (with `dt` for a parent of the same day).
        refused_parents: likewise, those set aside on the same day: their rows go with them, uncounted.
        thresholds: per dimension, the least share of good rows.
        zone: the time zone of the business day; no date may lie after the day following the extraction's.
    """
    rules = [*contract.rules(), *_kit_rules(contract)]
    judged = (
        _with_parents(frame, contract.references(), parents or {}, refused_parents or {})
        .with_columns((_business_day("_extracted_at", zone) + pl.duration(days=1)).alias(LATEST_DATE))
        .with_columns(rule.keeps.fill_null(value=True).alias(f"rule:{rule.name}") for rule in rules)
        .with_columns((pl.col(f"rule:{rule.name}") | rule.excused).alias(f"score:{rule.name}") for rule in rules)
        .with_columns(pl.all_horizontal(f"rule:{rule.name}" for rule in rules).alias("_good"))
    )
    bad = judged.filter(~pl.col("_good"))
    return Audit(
        good=judged.filter("_good").select("dt", *contract.columns()),
        good_rows=judged.filter("_good").get_column(ROW),
        bad=_quarantined(bad, bronze, contract, rules),
        scores=_scores(judged, rules, partitions, thresholds),
        accounts=_accounts(frame, judged, bronze, contract, partitions),
        samples=_samples(bad, contract, rules),
        warnings=_warnings(judged, contract),
    )


def _business_day(column: str, zone: str) -> pl.Expr:
    return pl.col(column).dt.convert_time_zone(zone).dt.date()


def _kit_rules(contract: type[Contract]) -> list[Rule]:
    """What every silver row promises beyond its own columns."""
    identity = ["dt", *contract.key()]
    unique = ~pl.struct(identity).is_duplicated() | pl.any_horizontal(pl.col(contract.key()).is_null())
    return [
        Rule("readable", Dimension.VALIDITY, pl.col("_unreadable").is_null()),
        Rule("key|unique", Dimension.CONSISTENCY, unique),
        *(
            Rule(
                f"{column}|exists",
                Dimension.CONSISTENCY,
                keeps=pl.col(column).is_null() | pl.col(f"_has_{column}"),
                excused=pl.col(f"_refused_{column}"),
            )
            for column in contract.references()
        ),
        *(
            Rule(f"{column}|json", Dimension.VALIDITY, pl.col(f"_{column}_parses"))
            for column in contract.json_columns()
        ),
        *(
            Rule(f"{column}|nullability", Dimension.COMPLETENESS, pl.col(column).is_not_null())
            for column in contract.json_columns()
        ),
    ]


def _with_parents(
    frame: pl.DataFrame,
    references: Mapping[str, Reference],
    parents: Mapping[str, pl.DataFrame],
    refused: Mapping[str, pl.DataFrame],
) -> pl.DataFrame:
    for column, reference in references.items():
        on = ["dt", column] if reference.same_day else [column]
        frame = _with_mark(frame, parents[column], on, f"_has_{column}")
        frame = _with_mark(frame, refused.get(column, frame.select(on).clear()), on, f"_refused_{column}")
    return frame


def _with_mark(frame: pl.DataFrame, keys: pl.DataFrame, on: Sequence[str], mark: str) -> pl.DataFrame:
    """The frame with a column that says whether the row's key is among the keys."""
    known = keys.select(on).unique().with_columns(pl.lit(value=True).alias(mark))
    return frame.join(known, on=on, how="left", maintain_order="left").with_columns(pl.col(mark).fill_null(value=False))


def _scores(
    judged: pl.DataFrame, rules: Sequence[Rule], partitions: Sequence[str], thresholds: Mapping[Dimension, float]
) -> dict[str, dict[Dimension, Score]]:
    by_dimension = {d: [rule.name for rule in rules if rule.dimension is d] for d in Dimension}
    counted = judged.group_by("dt").agg(
        pl.len().alias("rows"),
        *(
            (~pl.all_horizontal(f"{kind}:{name}" for name in names)).sum().alias(f"{kind}:{dimension}")
            for dimension, names in by_dimension.items()
            for kind in ("rule", "score")
            if names
        ),
        *((~pl.col(f"rule:{rule.name}")).sum().alias(rule.name) for rule in rules),
    )
    counts = {row["dt"].isoformat(): row for row in counted.iter_rows(named=True)}
    return {
        partition: {
            dimension: _score(counts.get(partition, {}), dimension, by_dimension[dimension], thresholds[dimension])
            for dimension in Dimension
        }
        for partition in partitions
    }


def _score(counts: Mapping[str, int], dimension: Dimension, rules: Sequence[str], threshold: float) -> Score:
    failed = counts.get(f"score:{dimension}", 0)
    return Score(
        dimension=dimension,
        rows=counts.get("rows", 0),
        failed_rows=failed,
        broken_rules={name: broken for name in rules if (broken := counts.get(name, 0))},
        threshold=threshold,
        excused_rows=counts.get(f"rule:{dimension}", 0) - failed,
    )


def _accounts(
    frame: pl.DataFrame,
    judged: pl.DataFrame,
    bronze: pl.DataFrame,
    contract: type[Contract],
    partitions: Sequence[str],
) -> dict[str, Account]:
    """A bronze row that is not in the frame counts as deduplicated only if a row of the same key stayed."""
    identity = ["dt", *contract.key()]
    dropped = bronze.join(frame, on=ROW, how="anti")
    deduplicated = dropped.join(frame, on=identity, how="semi", nulls_equal=False)
    counts = {
        "rows_in": _by_day(bronze),
        "published": _by_day(judged.filter("_good")),
        "quarantined": _by_day(judged.filter(~pl.col("_good"))),
        "deduplicated": _by_day(deduplicated),
    }
    return {
        partition: Account(**{name: days.get(partition, 0) for name, days in counts.items()})
        for partition in partitions
    }


def _by_day(frame: pl.DataFrame) -> dict[str, int]:
    return {day.isoformat(): rows for day, rows in frame.group_by("dt").len().iter_rows()}


def _quarantined(
    bad: pl.DataFrame, bronze: pl.DataFrame, contract: type[Contract], rules: Sequence[Rule]
) -> pl.DataFrame:
    original = [name for name in bronze.columns if name not in {"dt", ROW}]
    broken = [
        pl.when(~pl.col(f"rule:{rule.name}")).then(pl.lit(rule.name)).alias(f"rule:{rule.name}") for rule in rules
    ]
    dimensions = [
        pl.when(~pl.all_horizontal(f"rule:{rule.name}" for rule in rules if rule.dimension is dimension))
        .then(pl.lit(dimension.value))
        .alias(dimension)
        for dimension in dict.fromkeys(rule.dimension for rule in rules)
    ]
    rows = (
        bronze.lazy()
        .join(bad.lazy().select(ROW), on=ROW, how="semi")
        .select(ROW, pl.struct(pl.col(original).cast(pl.String)).struct.json_encode().alias("original_row"))
    )
    return (
        bad.lazy()
        .select(
            "dt",
            ROW,
            pl.struct(pl.col(contract.key()).cast(pl.String)).struct.json_encode().alias("row_key"),
            pl.concat_str(broken, separator=", ", ignore_nulls=True).alias("rules"),
            pl.concat_str(dimensions, separator=", ", ignore_nulls=True).alias("dimensions"),
        )
        .join(rows, on=ROW, how="left")
        .select("dt", "row_key", "rules", "dimensions", "original_row")
        .sort("dt", "row_key", "rules", "original_row")
        .collect()
    )


def _samples(bad: pl.DataFrame, contract: type[Contract], rules: Sequence[Rule]) -> dict[str, list[str]]:
    """Up to five keys per broken rule: keys only, never a value that could be personal."""
    key = pl.concat_str(pl.col(contract.key()).cast(pl.String).fill_null("null"), separator="/")
    return {
        rule.name: sample
        for rule in rules
        if (sample := bad.filter(~pl.col(f"rule:{rule.name}")).head(_SAMPLES).select(key).to_series().to_list())
    }


def _warnings(judged: pl.DataFrame, contract: type[Contract]) -> dict[str, dict[str, int]]:
    declared = contract.warnings()
    if not declared:
        return {}
    counted = judged.group_by("dt").agg((~keeps).sum().alias(name) for name, keeps in declared.items())
    return {
        row["dt"].isoformat(): {name: row[name] for name in declared if row[name]}
        for row in counted.iter_rows(named=True)
    }
