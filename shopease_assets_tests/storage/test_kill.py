"""Processes that publish, read and vacuum at once, and are killed at random: no reader ever sees a half version."""

import subprocess
import sys
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from shopease_assets.storage.lake import ParquetLake
from shopease_assets.storage.log import PublicationLog
from shopease_assets_tests.storage import killed, worker
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


@pytest.mark.parametrize(
    ("every", "log_url"),
    [
        (24, "sqlite"),
        pytest.param(1, "sqlite", marks=pytest.mark.slow),
        pytest.param(1, "postgresql", marks=pytest.mark.slow),
    ],
    indirect=["log_url"],
)
def test_a_run_killed_at_any_call_to_aws_or_statement_of_the_log_leaves_no_mark_on_the_next(
    tmp_path: Path, aws: str, log_url: str, every: int
) -> None:
    command = [sys.executable, "-m", killed.__name__, aws, str(tmp_path), log_url, str(every)]
    told = subprocess.run(command, check=True, timeout=900, stdout=subprocess.PIPE, text=True)
    assert int(told.stdout) > 90 // every
