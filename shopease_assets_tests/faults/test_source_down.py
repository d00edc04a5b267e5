"""The source goes away while it is read: one clear line, nothing half published, the next attempt recovers."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pytest

from shopease_assets.sources.embedded import create_database, remove_embedded, start_embedded, stop_embedded
from shopease_assets.sources.postgres import PostgresSnapshot
from shopease_assets_tests.faults.good_day import DAY, both_layers, fill
from shopease_assets_tests.faults.observed import published, retried_steps
from shopease_assets_tests.platform import Platform

_MANY = 150_000  # rows enough for several batches
_TENANTS = both_layers("tenants")
Interruption = Callable[[], None]


@pytest.fixture
def interrupt(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Interrupt the reading of the first tables after their first batch."""

    def prepare(interruption: Interruption, *, times: int = 1) -> None:
        whole, left = PostgresSnapshot.read, [times]

        def read(snapshot: PostgresSnapshot, *what: Any) -> Iterator[pa.RecordBatch]:
            batches = whole(snapshot, *what)
            yield next(batches)
            if left[0]:
                left[0] -= 1
                interruption()
            yield from batches

        monkeypatch.setattr(PostgresSnapshot, "read", read)

    return prepare


def _terminate(dsn: str) -> Interruption:
    def terminate() -> None:
        with psycopg.connect(dsn, autocommit=True) as connection:
            ended = connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity "
                "where application_name = 'shopease' and datname = current_database() "
                "and backend_type = 'client backend'"
            ).fetchall()
        assert ended == [(True,)]

    return terminate


def test_a_connection_lost_in_mid_extraction_is_tried_again_and_recovers(
    bare: Platform, interrupt: Callable[..., None]
) -> None:
    fill(bare.dsn, rows=_MANY, tables=["tenants"])
    interrupt(_terminate(bare.dsn))
    assert bare.run(DAY, tables=_TENANTS).failures == ()
    assert retried_steps(bare) == ["bronze__tenants"]
    assert len(bare.rows("silver.tenants")) == _MANY


def test_a_connection_lost_again_and_again_fails_in_one_clear_line_and_publishes_nothing(
    bare: Platform, interrupt: Callable[..., None]
) -> None:
    fill(bare.dsn, rows=_MANY, tables=["tenants"])
    interrupt(_terminate(bare.dsn), times=4)
    (failure,) = bare.run(DAY, tables=_TENANTS).failures
    assert failure.table == "bronze.tenants"
    assert "shop.tenants could not be read" in failure.reason
    assert "\n" not in failure.reason
    assert bare.log.tables() == []
    assert bare.run(DAY, tables=_TENANTS).success


def test_the_last_good_version_stays_when_the_connection_is_lost(
    bare: Platform, interrupt: Callable[..., None]
) -> None:
    fill(bare.dsn, rows=_MANY, tables=["tenants"])
    bare.run(DAY, tables=_TENANTS)
    before = published(bare, "bronze.tenants")
    interrupt(_terminate(bare.dsn), times=4)
    assert not bare.run(DAY, tables=_TENANTS).success
    assert published(bare, "bronze.tenants") == before


def test_a_server_that_stops_and_starts_again_is_read_by_the_next_run(
    tmp_path: Path, interrupt: Callable[..., None]
) -> None:
    from shopease_assets import synthetic

    folder = tmp_path / "postgres"
    try:
        dsn = create_database(start_embedded(folder), "shop")
        synthetic.create(dsn, relaxed=True)
        fill(dsn, rows=_MANY, tables=["tenants"])
        interrupt(lambda: stop_embedded(folder))
        with Platform(dsn, tmp_path / "lake") as platform:
            (failure,) = platform.run(DAY, tables=_TENANTS).failures
            assert "shop at " in failure.reason or "shop.tenants could not be read" in failure.reason
            assert platform.log.tables() == []
            start_embedded(folder)
            assert platform.run(DAY, tables=_TENANTS).success
            assert len(platform.rows("silver.tenants")) == _MANY
    finally:
        remove_embedded(folder)


def test_a_blocked_day_is_not_tried_again(bare: Platform) -> None:
    fill(bare.dsn, rows=200, tables=["tenants"])
    bare.sql("update shop.tenants set plan = 'gold'")
    assert not bare.run(DAY, tables=_TENANTS).success
    assert retried_steps(bare) == []


def test_a_missing_table_is_not_tried_again(bare: Platform) -> None:
    bare.sql("alter table shop.tenants rename to renters")
    (failure,) = bare.run(DAY, tables=_TENANTS).failures
    assert failure.reason == "the source has no table shop.tenants; restore it, or remove its bronze file"
    assert retried_steps(bare) == []
