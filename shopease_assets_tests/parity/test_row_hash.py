"""PostgreSQL and DuckDB hash a row to the same number, whatever the row says, and other rows to other numbers."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import psycopg
import pytest

from shopease_assets.core.layout import TableRef
from shopease_assets.parity.compare import compared_with_bronze
from shopease_assets.parity.lake_snapshot import LakeSnapshot
from shopease_assets.parity.row_hash import DUCKDB
from shopease_assets.sources.postgres import PostgresSnapshot
from shopease_assets.sources.postgres_table import DayRange, PostgresTable
from shopease_assets_tests.platform import Platform

_DAY = date(2026, 1, 5)
_TABLE = PostgresTable(
    "tricky",
    key=("id",),
    day="at",
    columns="""
        id bigint, tenant_id int, words text, code char(3), document jsonb, address inet, amount numeric(12,2),
        measure double precision, flag boolean, born date, at timestamptz,
        created_at timestamptz, updated_at timestamptz
    """,
)
_WORDS = [
    "",
    None,
    "~",
    "|",
    "1:a",
    "2:a|",
    "naïve ☃ 日本語 🤦🏼‍♂️ é",
    "line\nbreak\r\n\ttab",
    " blanks  ",
    "quote ' \" \\ \\n",
    "null",
    "x" * 10_000,
]


@pytest.fixture
def tricky(empty_shop: str, tmp_path: Path) -> Iterator[Platform]:
    """A lake over a table of every type, without rows."""
    with psycopg.connect(empty_shop) as connection:
        connection.execute(f"create table shop.tricky ({_TABLE.columns.replace('numeric(12,2)', 'numeric')})")
    with Platform(empty_shop, tmp_path / "lake") as platform:
        yield platform


def _insert(platform: Platform, **values: object) -> None:
    row = {
        "tenant_id": 1,
        "at": "2026-01-05 10:00:00.000001+00",
        "created_at": "2026-01-05 10:00:00+00",
        "updated_at": "2026-01-05 10:00:00.123456+00",
    } | values
    places = ", ".join(["%s"] * len(row))
    platform.sql(f"insert into shop.tricky ({', '.join(row)}) values ({places})", *row.values())


def _read(platform: Platform, days: DayRange) -> None:
    """Publish what the source has, as bronze reads it."""
    with PostgresSnapshot(platform.dsn) as snapshot:
        rows = list(snapshot.read(_TABLE, snapshot.shape(_TABLE), days))
    keys = [day.isoformat() for day in days]
    platform.lake.publish(platform.lake.stage(TableRef("bronze", "tricky"), iter(rows), partitions=keys, run_id="read"))


def _differences(platform: Platform, days: DayRange) -> list[str]:
    with PostgresSnapshot(platform.dsn) as snapshot:
        parity = compared_with_bronze(_TABLE, snapshot, LakeSnapshot.now(platform.lake), days, _DAY)
    assert parity.differences or all(group.equal for group in parity.compared)
    assert parity.compared
    return [found.what for found in parity.differences]


def test_any_text_hashes_alike(tricky: Platform) -> None:
    for number, words in enumerate(_WORDS):
        _insert(tricky, id=number, words=words)
    _read(tricky, days := DayRange(_DAY, _DAY))
    assert _differences(tricky, days) == []


def test_values_of_every_type_hash_alike(tricky: Platform) -> None:
    _insert(tricky, id=1, document='{"b": 1.50, "a": [null, "é"]}', address="10.0.0.1", code="EU", flag=True)
    _insert(tricky, id=2, address="10.0.0.0/8", code="", flag=False, amount="-0.50", measure=0.1)
    _insert(tricky, id=3, amount="9999999999.99", measure=-1e300, born="1969-12-31")
    _insert(tricky, id=4, amount="0.1", measure="-0", born="0044-03-15", at="2026-01-05 23:59:59.999999+00")
    _insert(tricky, id=5, measure="NaN", born="9998-12-31", updated_at="1969-12-31 23:59:59.999999+00")
    _read(tricky, days := DayRange(_DAY, _DAY))
    assert _differences(tricky, days) == []


def test_what_the_lake_cannot_hold_is_no_false_alarm(tricky: Platform) -> None:
    _insert(tricky, id=1, amount="NaN", born="infinity")
    _insert(tricky, id=2, amount="Infinity", born="-infinity", updated_at="infinity")
    _insert(tricky, id=3, amount="10000000000", born="0044-03-15 BC", updated_at="-infinity")
    _insert(tricky, id=4, amount="0.001", at="infinity")
    _insert(tricky, id=5, amount="1.00")
    _read(tricky, days := DayRange(_DAY, _DAY))
    assert _differences(tricky, days) == []


def test_the_day_is_that_of_the_zone(tricky: Platform) -> None:
    _insert(tricky, id=1, at="2026-01-05 23:30:00+00")
    _insert(tricky, id=2, at="2026-01-05 10:00:00+00")
    days = DayRange(_DAY, date(2026, 1, 6), ZoneInfo("Asia/Kolkata"))
    _read(tricky, days)
    assert _differences(tricky, days) == []
    tricky.sql("update shop.tricky set words = 'other' where id = 1")
    with PostgresSnapshot(tricky.dsn) as snapshot:
        (found,) = compared_with_bronze(_TABLE, snapshot, LakeSnapshot.now(tricky.lake), days, _DAY).differences
    assert (found.day, found.key, found.columns) == (date(2026, 1, 6), {"id": 1}, ("words",))


def test_one_of_two_equal_rows_that_is_gone_is_missed(tricky: Platform) -> None:
    _insert(tricky, id=1)
    _insert(tricky, id=1)
    _read(tricky, days := DayRange(_DAY, _DAY))
    assert _differences(tricky, days) == []
    tricky.sql("delete from shop.tricky where ctid in (select min(ctid) from shop.tricky)")
    assert _differences(tricky, days) == ["not at the source any more"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("('a|', 'b')", "('a', '|b')"),
        ("('a', null)", "('a', '~')"),
        ("('', null)", "(null, '')"),
        ("('1:a', '')", "('', '1:a')"),
        ("('a|1:b', 'c')", "('a', 'b|1:c')"),
        ("('\u00e9', '')", "('e\u0301', '')"),  # composed, and a letter with an accent
    ],
)
def test_rows_that_look_alike_when_joined_hash_apart(one: str, other: str) -> None:
    hashed = DUCKDB.row_hash({"a": "text", "b": "text"})
    rows = duckdb.sql(f"select {hashed} from (values {one}, {other}) as t(a, b)").fetchall()
    assert rows[0] != rows[1]
