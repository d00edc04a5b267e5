"""The processes of the kill test, and who kills them: `python -m … <folder> <log url> <seconds>`.

A version's rows all hold the version's number and how many rows it has, so a reader can tell a complete one.
"""

import multiprocessing
import os
import random
import signal
import sys
import time
from datetime import date, timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path

import polars as pl

from shopease_assets.core.errors import NotPublished, PublishConflict
from shopease_assets.storage.lake import ParquetLake
from shopease_assets.storage.log import PublicationLog
from shopease_assets_tests.storage.scenario import ORDERS

DAYS = [date(2025, 1, 1) + timedelta(days=day) for day in range(6)]
GRACE = timedelta(seconds=8)  # longer than any read or run takes here, on a busy machine
TASKS = ["write", "write", "write", "write", "vacuum"]
READERS = 2


def run_and_kill(folder: Path, url: str, seconds: float) -> int:
    """Runs the processes for so long, killing one every half a second; returns how many were killed."""
    processes = multiprocessing.get_context("fork")  # importing Polars takes seconds: once is enough
    until = time.time() + seconds

    def start(task: str) -> BaseProcess:
        process = processes.Process(target=work, args=(task, folder, url, until))
        process.start()
        return process

    readers = [start("read") for _ in range(READERS)]
    others = [(task, start(task)) for task in TASKS]
    kills = 0
    while time.time() < until - 1:
        time.sleep(random.uniform(0.3, 0.6))
        task, victim = others.pop(random.randrange(len(others)))
        victim.kill()
        victim.join()
        assert victim.exitcode == -signal.SIGKILL, f"{task} failed before it was killed"
        kills += 1
        others.append((task, start(task)))
    for process in [*readers, *(process for _, process in others)]:
        process.join(60)
        assert process.exitcode == 0
    return kills


def work(task: str, folder: Path, url: str, until: float) -> None:
    """Writes, reads or vacuums until then (by the wall clock); readers leave behind how often they read."""
    lake = ParquetLake.local(folder / "lake", PublicationLog.open(url))
    rounds = 0
    while time.time() < until:
        {"write": write, "read": read, "vacuum": vacuum}[task](lake)
        rounds += 1
    (folder / f"{task}-{os.getpid()}.rounds").write_text(str(rounds))


def write(lake: ParquetLake) -> None:
    """Publishes a few days again, in one of two widths, sometimes rolling one back."""
    days = random.sample(DAYS, random.randint(1, 3))
    number, rows = random.getrandbits(30), random.randint(1, 40)
    day = pl.DataFrame({"number": [number] * rows, "rows": [rows] * rows})
    frame = day.join(pl.DataFrame({"dt": days}), how="cross")
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
    numbers, sizes = pl.col("number").n_unique().alias("numbers"), pl.col("rows").n_unique().alias("sizes")
    for day in scan.group_by("dt").agg(pl.len(), numbers, sizes, pl.col("rows").max()).collect().iter_rows(named=True):
        if (day["numbers"], day["sizes"], day["rows"]) != (1, 1, day["len"]):
            raise AssertionError(f"not one complete version: {day}")


def vacuum(lake: ParquetLake) -> None:
    """Keeps little."""
    lake.vacuum(ORDERS, keep=1, grace=GRACE)
    time.sleep(0.2)


if __name__ == "__main__":
    assert run_and_kill(Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])) > 5
