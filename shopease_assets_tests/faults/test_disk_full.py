"""The disk fills up in the middle of a run: the last good version stays, the error says so, nothing is left behind."""

import errno
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from pyarrow import fs

from shopease_assets_tests.faults.good_day import DAY, both_layers, fill
from shopease_assets_tests.faults.observed import left_over, published, read_everything, retried_steps
from shopease_assets_tests.platform import Platform
from shopease_assets_tests.storage.crashing import CrashingHandler

_NEXT = date(2026, 1, 6)
_TABLES = [*both_layers("tenants", "products"), "bronze/orders", "bronze/order_items"]


class FullDisk(CrashingHandler):
    """A filesystem on which nothing more can be written once its fuse has burnt down."""

    def burn(self) -> None:
        """One change; raises ENOSPC when there is no room for it."""
        if self.fuse is not None:
            self.fuse -= 1
            if self.fuse < 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def delete_file(self, path: str) -> None:
        """Deleting needs no room."""
        self._filesystem.delete_file(path)

    def delete_dir(self, path: str) -> None:
        """Deleting needs no room."""
        self._filesystem.delete_dir(path)


@pytest.fixture
def disk(bare: Platform) -> Iterator[FullDisk]:
    """The disk below the platform's lake."""
    disk = FullDisk(bare.lake.location.filesystem)
    bare.lake.location = replace(bare.lake.location, filesystem=fs.PyFileSystem(disk))
    yield disk
    assert Path(bare.lake.location.root).exists()


@pytest.mark.parametrize("writes_left", [0, 1, 5, 12, 30, 60])
def test_a_full_disk_keeps_the_last_good_version_and_leaves_nothing_behind(
    bare: Platform, disk: FullDisk, writes_left: int
) -> None:
    fill(bare.dsn, rows=300, tables=["tenants", "products", "orders", "order_items"])
    assert bare.run(DAY, _NEXT, tables=_TABLES).success
    before = {str(ref): published(bare, str(ref)) for ref in bare.log.tables()}
    disk.fuse = writes_left
    failures = bare.run(DAY, _NEXT, tables=_TABLES).failures
    assert failures
    for failure in failures:
        assert "No space left on device" in failure.reason
        assert published(bare, failure.table) == before[failure.table]
    assert read_everything(bare) >= len(before)
    disk.fuse = None
    assert bare.run(DAY, _NEXT, tables=_TABLES).failures == ()
    assert left_over(bare) == set()


def test_a_full_disk_is_trouble_of_infrastructure_and_tried_again(bare: Platform, disk: FullDisk) -> None:
    fill(bare.dsn, rows=300, tables=["tenants"])
    disk.fuse = 0
    assert not bare.run(DAY, tables=both_layers("tenants")).success
    assert retried_steps(bare) == ["bronze__tenants"] * 3
