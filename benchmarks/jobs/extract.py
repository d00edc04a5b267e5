"""What the bronze step does with order_items, without Dagster: every day read, staged and published.

With `audited` also the source's totals per day and what was staged summed up again, as the step's check does.
"""

from datetime import date, timedelta
from pathlib import Path

import polars as pl

from benchmarks.stopwatch import Stopwatch, arguments
from shopease_assets.core.layout import TableRef
from shopease_assets.sources.postgres import PostgresSnapshot
from shopease_assets.sources.postgres_table import DayRange, PostgresTable
from shopease_assets.storage.lake import ParquetLake
from shopease_assets.storage.log import PublicationLog

# As in bronze/order_items.py, whose import would bring Dagster.
_ORDER_ITEMS = PostgresTable(
    "order_items",
    key=("order_item_id",),
    day="ordered_at",
    parent=("orders", "order_id"),
    columns="""
        order_item_id bigint,
        order_id bigint,
        product_id bigint,
        quantity int,
        unit_price numeric(12,2),
        discount_amount numeric(12,2),
        line_total numeric(12,2),
        created_at timestamptz,
        updated_at timestamptz
    """,
)


def _sums(staged: pl.LazyFrame) -> pl.DataFrame:
    money = [pl.col(name).cast(pl.Decimal(38, 2)).sum() for name in _ORDER_ITEMS.money]
    return staged.group_by("dt").agg(pl.len().alias("rows"), *money).collect()


def main() -> None:
    """Extract into a fresh lake."""
    dsn, start, days, folder, *audited = arguments()
    first = date.fromisoformat(start)
    span = DayRange(first, first + timedelta(days=int(days) - 1), first=True)
    keys = [(first + timedelta(days=day)).isoformat() for day in range(int(days))]
    with Stopwatch() as watch:
        lake = ParquetLake.local(Path(folder), PublicationLog.open(f"sqlite:///{folder}/_catalog.sqlite"))
        with PostgresSnapshot(dsn) as snapshot:
            shape = snapshot.shape(_ORDER_ITEMS)
            totals = snapshot.totals(_ORDER_ITEMS, shape, span) if audited else {}
            rows = snapshot.read(_ORDER_ITEMS, shape, span)
            staged = lake.stage(TableRef("bronze", "order_items"), rows, partitions=keys, run_id="bench")
        if audited:
            held = {row["dt"].isoformat(): row["rows"] for row in _sums(lake.scan_staged(staged)).iter_rows(named=True)}
            if held != {day: total["rows"] for day, total in totals.items()}:
                raise SystemExit("the lake does not hold what the source counts")
        lake.publish(staged)
        watch.facts["rows"] = sum(part.rows for part in staged.partitions.values())
        watch.facts["lake_mb"] = sum(part.bytes for part in staged.partitions.values()) / 1e6


main()
