"""Does gold's revenue, or stock, equal silver's? Computed apart from the models, so that both would have to err."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Literal

import polars as pl

from shopease_assets.core.layout import TableRef, partition_date
from shopease_assets.core.quality import CheckResult
from shopease_assets.storage.lake import ParquetLake, Relation

RECONCILES = "reconciles_with_silver"
#: Which silver days a partition's revenue stands for: its own day, its month, or everything up to its end.
Window = Literal["day", "month", "to_date"]
SALES = ("processing", "shipped", "delivered")


def reconciled(
    rows: pl.DataFrame, ref: TableRef, revenue: str, window: Window, partitions: Sequence[str], lake: ParquetLake
) -> list[CheckResult]:
    """Per partition, whether the sum of column `revenue` is what silver's sold lines sum to.

    A day that disagrees is wrong and blocks; a month may lag behind silver until its days have been rebuilt, and warns.
    """
    days = partitions if window == "day" else None
    by_day = _silver_revenue(*(lake.relation(TableRef("silver", name), days) for name in ("orders", "order_items")))
    ours = {key.isoformat(): total for key, total in rows.group_by(ref.partition_by).agg(pl.col(revenue).sum()).rows()}
    return [_compared(key, ours.get(key, Decimal(0)), _within(by_day, key, window), window) for key in partitions]


def restatements(
    lake: ParquetLake, ref: TableRef, rows: pl.DataFrame, revenue: str, keys: Sequence[str]
) -> dict[str, str]:
    """Per day published before with another revenue: "revenue 1,234.00 -> 1,250.00 (+16.00)"."""
    before = list(lake.log.pointers(ref, keys))
    if not before:
        return {}
    old, new = (
        {day.isoformat(): total for day, total in frame.group_by("dt").agg(pl.col(revenue).sum()).iter_rows()}
        for frame in (lake.scan(ref, before).select("dt", revenue).collect(), rows)
    )
    sums = {key: (old.get(key, Decimal(0)), new.get(key, Decimal(0))) for key in before}
    return {key: f"revenue {was:,} -> {now:,} ({now - was:+,})" for key, (was, now) in sums.items() if was != now}


def stock_reconciled(
    rows: pl.DataFrame, ref: TableRef, stock: str, partitions: Sequence[str], lake: ParquetLake
) -> list[CheckResult]:
    """Per partition, whether column `stock` is the newest level silver knows, where that was written by then.

    A source that overwrites keeps no older levels: of a day of last year only what has not moved since is compared, of
    the newest day everything. It warns: stock and movements may have been read at different times.
    """
    newest = lake.scan(TableRef("silver", "inventory")).sort("updated_at").group_by("product_id", "store_id").last()
    known = newest.select("product_id", "store_id", silver="stock_quantity", written="dt").collect()
    compared = rows.join(known, on=["product_id", "store_id"]).filter(pl.col("written") <= pl.col(ref.partition_by))
    differs = (pl.col(stock) != pl.col("silver")).sum()
    counts = {
        day.isoformat(): (count, wrong)
        for day, count, wrong in compared.group_by(ref.partition_by).agg(pl.len(), differs.alias("wrong")).rows()
    }
    return [_levels(key, *counts.get(key, (0, 0))) for key in partitions]


def _levels(partition: str, rows: int, wrong: int) -> CheckResult:
    return CheckResult(
        partition=partition,
        check=RECONCILES,
        passed=not wrong,
        rows=rows,
        failed_rows=wrong,
        blocking=False,
        reason=f"{wrong} of {rows} stock levels are not the sum of their movements" if wrong else "",
    )


@lru_cache(maxsize=4)  # most tables of a run ask for the same days
def _silver_revenue(orders: Relation, items: Relation) -> Mapping[date, Decimal]:
    sold = orders.scan().filter(pl.col("status").is_in(SALES)).select("dt", "order_id")
    lines = items.scan().select("dt", "order_id", "line_total")
    revenue = pl.col("line_total").cast(pl.Decimal(38, 2)).sum()
    return dict(lines.join(sold, on=["dt", "order_id"], how="semi").group_by("dt").agg(revenue).collect().rows())


def _within(by_day: Mapping[date, Decimal], key: str, window: Window) -> Decimal:
    end = partition_date(key)
    match window:
        case "day":
            days = [day for day in by_day if day == end]
        case "month":
            days = [day for day in by_day if (day.year, day.month) == (end.year, end.month)]
        case "to_date":
            days = [day for day in by_day if (day.year, day.month) <= (end.year, end.month)]
    return sum((by_day[day] for day in days), Decimal(0))


def _compared(partition: str, ours: Decimal, silver: Decimal, window: Window) -> CheckResult:
    agrees = ours == silver
    return CheckResult(
        partition=partition,
        check=RECONCILES,
        passed=agrees,
        blocking=window == "day",
        reason="" if agrees else f"revenue is {ours} here and {silver} in silver",
        facts={"revenue": str(ours), "silver": str(silver)},
    )
