"""One process of the kill test: `python -m … write|read|vacuum <lake> <log url> <seconds>`.

A version's rows all hold the version's number and how many rows it has, so a reader can tell a complete one.
"""

import random
import sys
import time
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from shopease_assets.core.errors import NotPublished, PublishConflict
from shopease_assets.storage.lake import ParquetLake
from shopease_assets.storage.log import PublicationLog
from shopease_assets_tests.storage.scenario import ORDERS

DAYS = [date(2025, 1, 1) + timedelta(days=day) for day in range(6)]
GRACE = timedelta(seconds=8)  # longer than any read or run takes here, on a busy machine


def write(lake: ParquetLake) -> None:
    """Publishes a few days again, in one of two widths, sometimes rolling one back."""
    days = random.sample(DAYS, random.randint(1, 3))
    number, rows = random.getrandbits(30), random.randint(1, 40)
    frame = pl.DataFrame({"number": [number] * rows, "rows": [rows] * rows}).join(
        pl.DataFrame({"dt": days}), how="cross"
    )
    frame = frame.with_columns(pl.col("rows").cast(random.choice([pl.Int32, pl.Int64])))
    staged = lake.stage(ORDERS, frame, partitions=[str(day) for day in days], run_id=f"run-{number}")
    try:
        published = lake.publish(staged)
        if random.random() < 0.1:
            lake.rollback(ORDERS, max(1, published - 2), partitions=[str(days[0])])
    except (PublishConflict, NotPublished):
        pass  # superseded, or the version to go back to was vacuumed


def read(lake: ParquetLake) -> None:
    """Raises when a partition is anything but one complete version."""
    try:
        scan = lake.scan(ORDERS)
    except NotPublished:
        return
    frame = scan.group_by("dt").agg(
        pl.len(), pl.col("number").n_unique(), pl.col("rows").n_unique().alias("sizes"), pl.col("rows").max()
    )
    for row in frame.collect().iter_rows(named=True):
        if (row["number"], row["sizes"], row["rows"]) != (1, 1, row["len"]):
            raise AssertionError(f"not one complete version: {row}")
    print("read", flush=True)


def vacuum(lake: ParquetLake) -> None:
    """Keeps little."""
    lake.vacuum(ORDERS, keep=1, grace=GRACE)
    time.sleep(0.2)


def main() -> None:
    task, folder, url, seconds = sys.argv[1:]
    lake = ParquetLake.local(Path(folder), PublicationLog.open(url))
    until = time.monotonic() + float(seconds)
    while time.monotonic() < until:
        {"write": write, "read": read, "vacuum": vacuum}[task](lake)


if __name__ == "__main__":
    main()
