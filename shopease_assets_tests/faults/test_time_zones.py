"""Business days in other time zones: around midnight and clock changes every row is on one day, the right one."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg
import pytest

from shopease_assets import synthetic
from shopease_assets.core.layout import TableRef
from shopease_assets.sources.embedded import create_database, drop_database
from shopease_assets.storage.lake import ParquetLake
from shopease_assets.storage.log import PublicationLog
from shopease_assets_tests.faults.cli import shopease
from shopease_assets_tests.faults.good_day import fill

_ZONES = [
    ("America/Santiago", date(2026, 9, 6)),  # this day begins at 01:00
    pytest.param("Asia/Kolkata", date(2026, 3, 1), marks=pytest.mark.slow),
    pytest.param("America/New_York", date(2026, 3, 8), marks=pytest.mark.slow),
    pytest.param("America/New_York", date(2026, 11, 1), marks=pytest.mark.slow),
    pytest.param("America/Santiago", date(2026, 4, 4), marks=pytest.mark.slow),  # ends at the second midnight
    pytest.param("Africa/Cairo", date(2026, 4, 24), marks=pytest.mark.slow),
    pytest.param("Africa/Cairo", date(2026, 10, 29), marks=pytest.mark.slow),
    pytest.param("Australia/Lord_Howe", date(2026, 4, 5), marks=pytest.mark.slow),  # half an hour
    pytest.param("Pacific/Kiritimati", date(2026, 1, 31), marks=pytest.mark.slow),  # UTC+14
]


def _instants(zone: ZoneInfo, day: date) -> list[datetime]:
    """Every half hour of five days, and the moments around each midnight."""
    start = datetime.combine(day - timedelta(days=2), time(), UTC)
    hours = [start + timedelta(minutes=30 * n) for n in range(5 * 48)]
    days = [instant.astimezone(zone).date() for instant in hours]
    midnights = [after for after, (one, other) in zip(hours[1:], pairwise(days), strict=True) if one != other]
    return hours + [midnight + off for midnight in midnights for off in (-timedelta.resolution, timedelta.resolution)]


@pytest.fixture
def edges(server: str) -> Iterator[str]:
    dsn = create_database(server, "edges")
    synthetic.create(dsn, relaxed=True)
    yield dsn
    drop_database(server, "edges")


@pytest.mark.parametrize(("name", "day"), _ZONES)
def test_every_row_lies_on_its_local_day_and_on_no_other(edges: str, tmp_path: Path, name: str, day: date) -> None:
    zone, first, last = ZoneInfo(name), day - timedelta(days=1), day + timedelta(days=1)
    instants = _instants(zone, day)
    fill(edges, rows=len(instants), tables=["orders"])
    with psycopg.connect(edges) as connection:
        for order, instant in enumerate(instants, start=1):
            connection.execute("update shop.orders set ordered_at = %s where order_id = %s", [instant, order])
    said = shopease(
        "run", "--table", "bronze/orders", "--from", str(first), "--to", str(last),
        home=tmp_path / "home", source_dsn=edges, timezone=name, start_date=str(first - timedelta(days=1)),
    )  # fmt: skip
    assert (said.code, said.error) == (0, "")
    log = PublicationLog.open(f"sqlite:///{tmp_path / 'home' / 'lake' / '_catalog.sqlite'}")
    rows = ParquetLake.local(tmp_path / "home" / "lake", log).scan(TableRef("bronze", "orders")).collect()
    log.close()
    expected = {
        (order, local)
        for order, instant in enumerate(instants, start=1)
        if first <= (local := instant.astimezone(zone).date()) <= last
    }
    assert sorted(rows.select("order_id", "dt").iter_rows()) == sorted(expected)
