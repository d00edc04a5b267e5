"""`shopease demo --aws`, as a newcomer runs it."""

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_the_demo_on_aws_shows_objects_tables_answers_and_the_alert_of_a_blocked_day(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "shopease_assets.cli", "demo", "--aws"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=600, check=False)
    assert ended.returncode == 0, ended.stderr
    for shown in (
        "s3://shopease-lake/demo/silver/",
        "shopease_dev_gold",
        "log and objects and Glue agree",
        "revenue",
        "silver.orders blocked, the last good version stays visible",
        "a subscriber of shopease-alerts was sent: ShopEase, blocked: silver.orders",
    ):
        assert shown in ended.stdout + ended.stderr
    assert list(tmp_path.iterdir()) == []
