"""Processes that publish, read and vacuum at once, and are killed at random: no reader ever sees a half version."""

import subprocess
import sys
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from shopease_assets.storage.lake import ParquetLake
from shopease_assets.storage.log import PublicationLog
from shopease_assets_tests.storage import worker
from shopease_assets_tests.storage.scenario import ORDERS


@pytest.mark.parametrize("seconds", [6, pytest.param(90, marks=pytest.mark.slow)])
def test_killed_writers_never_show_readers_a_half_version(tmp_path: Path, log_url: str, seconds: float) -> None:
    command = [sys.executable, "-m", worker.__name__, str(tmp_path), log_url, str(seconds)]
    subprocess.run(command, check=True, timeout=seconds + 60)
    assert sum(int(rounds.read_text()) for rounds in tmp_path.glob("read-*.rounds")) > 20
    with closing(PublicationLog.open(log_url)) as log:
        lake = ParquetLake.local(tmp_path / "lake", log)
        assert log.position() > 20
        lake.vacuum(ORDERS, keep=1, grace=timedelta(0))
        on_disk = {str(path) for path in (tmp_path / "lake").rglob("*.parquet")}
        assert on_disk == set(lake.files(ORDERS))
        worker.read(lake)
