"""How good every silver table was on every day, in each dimension of quality."""

from collections.abc import Sequence

import polars as pl

from shopease_assets.core.contract import Contract, flag, integer, ratio, text
from shopease_assets.core.quality import Dimension
from shopease_assets.kit.charts import quality_per_day
from shopease_assets.kit.gold import gold
from shopease_assets.storage.log import PublicationLog


class DataQualityScores(Contract):
    """How good every silver table was on every day, in each dimension of quality, whether it was published or blocked.

    Grain: one silver table (table_name), dimension and day: its newest audit. `score` is 1 - failed_rows / rows, or 1
    for a day without rows; `passed` is score ≥ threshold. A row can fail in several dimensions.
    """

    table_name = text(key=True)
    dimension = text(key=True)
    rows = integer(min=0)
    failed_rows = integer(min=0)
    score = ratio()
    threshold = ratio()
    passed = flag()


@gold(DataQualityScores, trend=quality_per_day)
def data_quality_scores(log: PublicationLog, days: Sequence[str]) -> pl.LazyFrame:
    """The newest audits of the days, as the publication log keeps them."""
    dimensions = {dimension.value for dimension in Dimension}
    return pl.LazyFrame(
        [
            {"dt": result.partition, "table_name": str(result.table), "dimension": result.check}
            | {name: getattr(result, name) for name in ("rows", "failed_rows", "score", "threshold", "passed")}
            for result in log.quality(partitions=days)
            if result.table.layer == "silver" and result.check in dimensions
        ],
        schema={"dt": pl.String, **{name: column.dtype for name, column in DataQualityScores.columns().items()}},
    ).with_columns(pl.col("dt").str.to_date())
