"""What fault tests share: a platform over a shop of a test's own rows, and retries that do not wait."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from dagster._core.execution.plan.active import ActiveExecution

from shopease_assets_tests.platform import Platform


@pytest.fixture(autouse=True)
def _retry_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = ActiveExecution.mark_up_for_retry
    monkeypatch.setattr(ActiveExecution, "mark_up_for_retry", lambda plan, step, at_time=None: waiting(plan, step))


@pytest.fixture
def bare(tmp_path: Path, empty_shop: str) -> Iterator[Platform]:
    """A lake of its own over a shop without rows and constraints."""
    with Platform(empty_shop, tmp_path / "lake") as opened:
        yield opened
