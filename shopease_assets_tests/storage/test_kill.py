"""Processes that publish, read and vacuum at once, and are killed at random: no reader ever sees a half version."""

import random
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from shopease_assets.storage.lake import ParquetLake
from shopease_assets.storage.log import PublicationLog
from shopease_assets_tests.storage.scenario import ORDERS

WRITERS, READERS = 4, 2


def start(task: str, lake: Path, url: str, seconds: float) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "shopease_assets_tests.storage.worker", task, str(lake), url, str(seconds)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def run_and_kill(folder: Path, url: str, seconds: float) -> tuple[int, int]:
    """Runs the processes for so long, killing one every half a second; returns (reads, kills)."""
    until = time.monotonic() + seconds
    readers = [start("read", folder, url, seconds) for _ in range(READERS)]
    others = {
        name: start(name.split()[0], folder, url, seconds)
        for name in ("vacuum", *(f"write {n}" for n in range(WRITERS)))
    }
    kills = 0
    while time.monotonic() < until - 1:
        time.sleep(random.uniform(0.4, 0.8))
        name = random.choice(list(others))
        others[name].send_signal(signal.SIGKILL)
        _, said = others[name].communicate()
        assert "Traceback" not in said, said
        kills += 1
        others[name] = start(name.split()[0], folder, url, max(0.1, until - time.monotonic()))
    for process in others.values():
        _, said = process.communicate(timeout=60)
        assert process.returncode == 0, said
    reads = 0
    for reader in readers:
        lines, said = reader.communicate(timeout=60)
        assert reader.returncode == 0, said
        reads += lines.count("read")
    return reads, kills


@pytest.mark.parametrize("seconds", [8, pytest.param(90, marks=pytest.mark.slow)])
def test_killed_writers_never_show_readers_a_half_version(tmp_path: Path, log_url: str, seconds: float) -> None:
    reads, kills = run_and_kill(tmp_path / "lake", log_url, seconds)
    log = PublicationLog.open(log_url)
    lake = ParquetLake.local(tmp_path / "lake", log)
    print(f"{reads} reads, {kills} kills, {log.position()} publications")
    assert reads > 20
    assert kills > 5
    assert log.position() > 20
    lake.vacuum(ORDERS, keep=1, grace=timedelta(0))
    on_disk = {str(path) for path in (tmp_path / "lake").rglob("*.parquet")}
    assert on_disk == set(lake.files(ORDERS))
    assert lake.scan(ORDERS).select(pl.len()).collect().item() > 0
    log.close()
