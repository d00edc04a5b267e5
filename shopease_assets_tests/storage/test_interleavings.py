"""Any interleaving of runs, crashes, rollbacks and vacuums leaves readers with complete published versions only.

The model is a list: what each publication made visible, as partition → (value, number of rows).
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import polars as pl
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    rule,
    run_state_machine_as_test,
)
from pyarrow import fs
from sqlalchemy import event

from shopease_assets.core.errors import NotPublished, PublishConflict
from shopease_assets.storage.lake import ParquetLake, Relation, Staged
from shopease_assets.storage.location import Location
from shopease_assets.storage.log import PublicationLog
from shopease_assets.storage.versions import written_at
from shopease_assets_tests.aws import make_bucket
from shopease_assets_tests.storage.crashing import Crash, CrashingHandler
from shopease_assets_tests.storage.scenario import ORDERS, FakeClock, orders

DAYS = ["2025-01-01", "2025-01-02", "2025-01-03"]
GRACE = timedelta(hours=1)
Visible = dict[str, tuple[int, int]]
days = st.lists(st.sampled_from(DAYS), min_size=1, unique=True)


@dataclass(frozen=True)
class Run:
    """What a run has staged, and what it would make visible."""

    staged: Staged
    content: Visible


class Interleavings(RuleBasedStateMachine):
    runs = Bundle("runs")

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.clock = FakeClock()
        location = self.where()
        self.handler = CrashingHandler(location.filesystem)
        self.log = PublicationLog.open(f"sqlite:///{self.folder}/log.db")
        crashing = replace(location, filesystem=fs.PyFileSystem(self.handler))
        self.lake = ParquetLake(crashing, self.log, clock=self.clock)
        self.visible: list[Visible] = [{}]  # after each publication
        self.decided: dict[str, tuple[int, str]] = {}  # partition → the publication and run that set it
        self.opened: list[tuple[datetime, Relation, Visible]] = []
        self.stages = 0

    def where(self) -> Location:
        return Location.local(self.folder / "lake")

    def teardown(self) -> None:
        self.log.close()
        shutil.rmtree(self.folder)

    @rule(target=runs, partitions=days, rows=st.integers(0, 3), wide=st.booleans())
    def stage(self, partitions: list[str], rows: int, wide: bool) -> Run:
        self.stages += 1
        value = self.stages
        frame = orders(*((value, day) for day in partitions for _ in range(rows)))
        frame = frame.with_columns(amount=pl.lit(value, pl.Int64 if wide else pl.Int32))
        staged = self.lake.stage(ORDERS, frame, partitions=partitions, run_id=f"run-{value}")
        return Run(staged, dict.fromkeys(partitions, (value, rows)))

    @rule(partitions=days, fuse=st.integers(0, 12))
    def crash_while_staging(self, partitions: list[str], fuse: int) -> None:
        with self.dying_at_change(fuse):
            self.stage(partitions, 2, wide=False)

    @rule(run=consumes(runs))
    def publish(self, run: Run) -> None:
        started, run_id = run.staged.base, run.staged.run_id
        superseded = any(
            self.decided.get(day, (0, ""))[0] > started and self.decided[day][1] != run_id for day in run.content
        )
        try:
            publication = self.lake.publish(run.staged)
        except PublishConflict:
            assert superseded
        except NotPublished:  # vacuumed: the clock has passed its grace
            assert self.age(run) >= GRACE
        else:
            assert not superseded
            self.published(publication, {**self.visible[-1], **run.content}, set(run.content), run_id)

    @rule(partitions=days, rows=st.integers(0, 3))
    def stage_and_publish(self, partitions: list[str], rows: int) -> None:
        self.publish(self.stage(partitions, rows, wide=False))

    @rule(run=runs, fuse=st.integers(0, 15))
    def crash_while_publishing(self, run: Run, fuse: int) -> None:
        with self.dying_at_change(fuse), self.dying_at_statement(fuse):
            self.publish(run)

    @rule(target=runs, run=consumes(runs), partitions=days)
    def publish_only_some(self, run: Run, partitions: list[str]) -> Run:
        kept = [day for day in partitions if day in run.content]
        return Run(run.staged.only(kept), {day: run.content[day] for day in kept})

    @rule(back=st.integers(0, 5), partitions=st.none() | days)
    def roll_back(self, back: int, partitions: list[str] | None) -> None:
        to = max(0, len(self.visible) - 1 - back)
        then, now = self.visible[to], dict(self.visible[-1])
        for day in partitions or DAYS:
            now.pop(day, None)
            if day in then:
                now[day] = then[day]
        before = self.log.pointers(ORDERS)
        try:
            publication = self.lake.rollback(ORDERS, to, partitions=partitions)
        except NotPublished:
            return  # vacuumed, or nothing was ever published: readers_see_the_model tells whether it did harm
        after = self.log.pointers(ORDERS)
        moved = {day for day in DAYS if _name(before, day) != _name(after, day)}
        self.published(publication, now, moved, "rollback")

    @rule(keep=st.integers(1, 3))
    def vacuum(self, keep: int) -> None:
        self.lake.vacuum(ORDERS, keep=keep, grace=GRACE)

    @rule(fuse=st.integers(0, 5))
    def crash_while_vacuuming(self, fuse: int) -> None:
        with self.dying_at_change(fuse):
            self.vacuum(1)

    @rule()
    def open_a_reader(self) -> None:
        if len(self.visible) > 1:
            self.opened.append((self.clock.now, self.lake.relation(ORDERS), self.visible[-1]))

    @rule(minutes=st.sampled_from([1, 61]))
    def wait(self, minutes: int) -> None:
        self.clock.advance(minutes=minutes)

    @invariant()
    def readers_see_the_model(self) -> None:
        if len(self.visible) > 1:
            assert self.read() == self.visible[-1]

    @invariant()
    def the_past_is_as_it_was_or_plainly_gone(self) -> None:
        for publication in range(max(1, len(self.visible) - 4), len(self.visible)):
            try:
                seen = self.read(as_of=publication)
            except NotPublished as gone:
                assert "vacuumed" in str(gone)  # noqa: PT017
            else:
                assert seen == self.visible[publication]

    @invariant()
    def readers_may_take_their_grace(self) -> None:
        self.opened = [reader for reader in self.opened if self.clock.now - reader[0] < GRACE]
        for _, relation, visible in self.opened:
            assert _content(relation, visible) == visible

    def read(self, as_of: int | None = None) -> Visible:
        return _content(self.lake.relation(ORDERS, as_of=as_of), self.visible[-1 if as_of is None else as_of])

    def published(self, publication: int, visible: Visible, moved: set[str], run_id: str) -> None:
        assert publication == len(self.visible)
        self.visible.append(visible)
        self.decided |= dict.fromkeys(moved, (publication, run_id))

    def age(self, run: Run) -> timedelta:
        begun = written_at(run.staged.version)
        assert begun is not None
        return self.clock.now - begun

    @contextmanager
    def dying_at_change(self, fuse: int) -> Iterator[None]:
        self.handler.fuse = fuse
        try:
            yield
        except Crash:
            pass
        finally:
            self.handler.fuse = None

    @contextmanager
    def dying_at_statement(self, fuse: int) -> Iterator[None]:
        left = [fuse]

        def burn(*_: Any) -> None:
            left[0] -= 1
            if left[0] < 0:
                raise Crash

        engine = self.log._engine
        event.listen(engine, "before_cursor_execute", burn)
        event.listen(engine, "commit", burn)
        try:
            yield
        finally:
            event.remove(engine, "before_cursor_execute", burn)
            event.remove(engine, "commit", burn)


def _content(relation: Relation, expected: Visible) -> Visible:
    """What a reader finds; a partition without rows cannot tell whose it is, so it is taken for the expected one."""
    frame = relation.scan().collect()
    assert frame["order_id"].to_list() == frame["amount"].to_list()
    found = _grouped(frame)
    values = {str(day): (order_id, rows) for day, order_id, rows in found}
    assert len(values) == len(found), "rows of two versions in one partition"
    return {day: values.get(day, (expected.get(day, (0, 0))[0], 0)) for day in relation.files}


def _grouped(frame: pl.DataFrame) -> list[tuple[Any, int, int]]:
    return frame.group_by("dt", "order_id").len().rows()


def _name(pointers: Any, day: str) -> str | None:
    return pointers[day].version if day in pointers else None


class InterleavingsOnS3(Interleavings):
    """The same rules, where a version is a set of objects and every change is a request."""

    def where(self) -> Location:
        bucket = f"shopease-{uuid4()}"
        make_bucket(bucket)
        location = Location.s3(f"s3://{bucket}/lake")
        self.s3 = location.filesystem.handler
        return location

    def teardown(self) -> None:
        super().teardown()
        for upload in self.s3._uploads.values():  # of those who crashed, and did not clean up
            upload.give_up()


Interleavings.TestCase.settings = settings(max_examples=50, stateful_step_count=30, deadline=None)
test_any_interleaving_leaves_complete_published_versions_only = Interleavings.TestCase


@pytest.mark.parametrize("examples", [3, pytest.param(200, marks=pytest.mark.slow)])
def test_any_interleaving_on_s3_does_so_too(aws: str, examples: int) -> None:
    few = settings(max_examples=examples, stateful_step_count=20, deadline=None)
    run_state_machine_as_test(InterleavingsOnS3, settings=few)
