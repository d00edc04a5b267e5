"""Named frames and days for the storage tests, and a clock that only moves when told."""

from datetime import UTC, date, datetime, timedelta

import polars as pl

from shopease_assets.core.layout import TableRef
from shopease_assets.storage.lake import ParquetLake

ORDERS = TableRef("silver", "orders")
MONDAY, TUESDAY, WEDNESDAY = "2025-03-03", "2025-03-04", "2025-03-05"


class FakeClock:
    def __init__(self) -> None:
        self.now = datetime(2025, 3, 10, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(milliseconds=1)
        return self.now

    def advance(self, **span: float) -> None:
        self.now += timedelta(**span)


def orders(*rows: tuple[int, str], **columns: object) -> pl.DataFrame:
    """Orders as (order_id, day); further columns hold one value for all of them."""
    frame = pl.DataFrame(
        {"order_id": [order_id for order_id, _ in rows], "dt": [date.fromisoformat(day) for _, day in rows]},
        schema={"order_id": pl.Int64, "dt": pl.Date},
    )
    return frame.with_columns(
        **{name: value if isinstance(value, pl.Expr) else pl.lit(value) for name, value in columns.items()}
    )


def publish(
    lake: ParquetLake, frame: pl.DataFrame, *partitions: str, run: str = "run", drop: tuple[str, ...] = ()
) -> int:
    days = partitions or tuple(sorted({str(day) for day in frame["dt"]}))
    return lake.publish(lake.stage(ORDERS, frame, partitions=days, run_id=run), drop=drop)


def rows(lake: ParquetLake, **asked: object) -> list[tuple[object, ...]]:
    """What readers see, sorted."""
    return sorted(lake.scan(ORDERS, **asked).collect().rows())  # type: ignore[arg-type]


def order_ids(lake: ParquetLake, **asked: object) -> list[int]:
    """The ids readers see, sorted."""
    return sorted(lake.scan(ORDERS, **asked).collect()["order_id"])  # type: ignore[arg-type]
