"""Runs killed at a chosen moment: `python -m … <moto's endpoint> <folder> <log url> <every n-th>`.

At each n-th call to S3 or Glue, and at each n-th statement on the publication log, one run is killed, another one
follows, and lake and Glue must be as if nothing had happened. Prints how many were killed.
"""

import json
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from datetime import timedelta
from itertools import count
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import polars as pl
import sqlalchemy as sa
from sqlalchemy import event

from shopease_assets import aws
from shopease_assets.core.layout import TableRef
from shopease_assets.settings import Settings
from shopease_assets.storage.glue import GlueMirror
from shopease_assets.storage.glue_tables import TableDocument
from shopease_assets.storage.lake import ParquetLake
from shopease_assets.storage.log_tables import connect, metadata
from shopease_assets.storage.open import open_lake, open_mirror
from shopease_assets_tests.aws import aws_environment, environment, make_bucket
from shopease_assets_tests.faulty_proxy import FaultyProxy, faulty_proxy, kill
from shopease_assets_tests.storage.scenario import MONDAY, ORDERS, TUESDAY, WEDNESDAY, orders

BUCKET = "shopease-kills"
DAILY_ORDERS = TableRef("gold", "daily_orders")
DAYS = [MONDAY, TUESDAY, WEDNESDAY]

_processes = multiprocessing.get_context("fork")  # importing takes seconds: once is enough


Opened = tuple[ParquetLake, GlueMirror]


def run(lake: ParquetLake, mirror: GlueMirror, run_id: str) -> None:
    """A table of three days, twice, and another one that is made of it; Glue follows."""
    for amount in (1, 2):
        rows = orders(*((number, day) for number in range(9) for day in DAYS), amount=amount)
        lake.publish(lake.stage(ORDERS, rows, partitions=DAYS, run_id=run_id))
        mirror.sync(ORDERS)
    daily = lake.scan(ORDERS).group_by("dt").agg(pl.len().cast(pl.Int64).alias("orders"), pl.col("amount").sum())
    lake.publish(lake.stage(DAILY_ORDERS, daily, partitions=DAYS, run_id=run_id))
    mirror.sync(DAILY_ORDERS)


def digest(lake: ParquetLake, mirror: GlueMirror) -> dict[str, Any]:
    """Everything readers see, here and by Glue, and whether the bucket holds that and nothing else after a vacuum."""
    tables = lake.log.tables()
    for table in tables:
        lake.vacuum(table, keep=1, grace=timedelta(0))
    bucket, _, prefix = lake.location.root.partition("/")
    stored = aws.client("s3").list_objects_v2(Bucket=bucket, Prefix=f"{prefix}/").get("Contents", [])
    published = {path for table in tables for path in lake.files(table)}
    return {
        "rows": {str(table): sorted(map(str, lake.scan(table).collect().rows())) for table in tables},
        "published": {str(table): sorted(lake.log.pointers(table)) for table in tables},
        "in glue": {
            str(table): mirror.addresses(table)
            == {key: _folder(files) for key, files in lake.relation(table).files.items()}
            for table in tables
        },
        "only what is published": published == {f"s3://{bucket}/{item['Key']}" for item in stored},
    }


def _folder(files: tuple[str, ...]) -> str:
    return files[0].rpartition("/")[0] + "/"


def kill_at_each(proxy: FaultyProxy, folder: Path, log_url: str, every: int) -> int:
    """Returns how many runs were killed. Raises AssertionError when one left its mark."""

    def lake_of(name: str) -> Callable[[], Opened]:
        url = log_url if log_url.startswith("postgresql") else f"sqlite:///{folder / name}.sqlite"
        engine = connect(url)
        metadata.drop_all(engine)
        engine.dispose()
        chosen = Settings(home=folder, lake_uri=f"s3://{BUCKET}/{name}", catalog_url=url, environment=name)

        def opened() -> Opened:
            lake = open_lake(chosen)
            mirror = open_mirror(chosen, lake, lambda table: TableDocument(str(table)))
            assert mirror is not None
            return lake, mirror

        return opened

    undisturbed = _rerun(lake_of("undisturbed"))
    assert undisturbed["only what is published"]
    assert all(undisturbed["in glue"].values())
    kills = 0
    for at, armed in (("call", _armed_proxy), ("statement", _armed_log)):
        for number in count(1, every):
            opened = lake_of(f"{at}_{number}")
            child = armed(proxy, opened, number)
            child.join(60)
            if child.exitcode == 0:
                break
            assert child.exitcode == -signal.SIGKILL, f"{at} {number}: {child.exitcode}"
            kills += 1
            proxy.watch()
            assert _rerun(opened) == undisturbed, f"killed at {at} {number}"
    return kills


def _armed_proxy(proxy: FaultyProxy, opened: Callable[[], Opened], number: int) -> BaseProcess:
    """A run that is killed at its n-th call to AWS."""
    go = _processes.Event()

    def work() -> None:
        go.wait()
        run(*opened(), "killed")

    child = _processes.Process(target=work)
    child.start()
    proxy.watch(kill(child.pid or 0, number))
    go.set()
    return child


def _armed_log(proxy: FaultyProxy, opened: Callable[[], Opened], number: int) -> BaseProcess:
    """A run that is killed at its n-th statement on the log, or the commit of one."""
    proxy.watch()

    def work() -> None:
        met = count(1)

        def burn(*_: object) -> None:
            if next(met) == number:
                os.kill(os.getpid(), signal.SIGKILL)

        event.listen(sa.Engine, "before_cursor_execute", burn)
        event.listen(sa.Engine, "commit", burn)
        run(*opened(), "killed")

    child = _processes.Process(target=work)
    child.start()
    return child


def _rerun(opened: Callable[[], Opened]) -> dict[str, Any]:
    """The digest after a whole run, in a process of its own."""
    said = _processes.SimpleQueue()

    def work() -> None:
        lake, mirror = opened()
        run(lake, mirror, "again")
        said.put(json.dumps(digest(lake, mirror)))

    child = _processes.Process(target=work)
    child.start()
    child.join(60)
    assert child.exitcode == 0
    found: dict[str, Any] = json.loads(said.get())
    return found


if __name__ == "__main__":
    with faulty_proxy(sys.argv[1]) as between, aws_environment(environment(between.endpoint)):
        make_bucket(BUCKET)
        print(kill_at_each(between, Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])))
