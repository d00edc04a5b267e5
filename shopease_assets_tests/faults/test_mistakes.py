"""What users get wrong is one line on standard error that names the cure, with exit code 1 and no secrets."""

from datetime import date
from pathlib import Path

import psycopg
import pytest

from shopease_assets_tests.faults.cli import shopease
from shopease_assets_tests.faults.good_day import DAY, fill

_SECRET = "s3cret"
_SETTINGS = [
    ({"timezone": "Mars/Base"}, "SHOPEASE_TIMEZONE='Mars/Base'"),
    ({"start_date": "tomorrow"}, "SHOPEASE_START_DATE='tomorrow'"),
    ({"days_per_run": "0"}, "SHOPEASE_DAYS_PER_RUN='0'"),
    ({"lake_uri": "gs://bucket/lake"}, "gs://"),
    ({"lake_uri": "/proc/nowhere"}, "/proc/nowhere"),
    ({"lake_uri": "/etc/hostname/lake"}, "/etc/hostname/lake"),
    ({"catalog_url": "mysql://x/y"}, "publication log mysql://x/y"),
    ({"catalog_url": "nonsense"}, "publication log"),
    ({"catalog_url": f"postgresql://u:{_SECRET}@localhost:1/log"}, "publication log"),
    ({"catalog_url": "sqlite:////proc/nowhere/log.sqlite"}, "/proc/nowhere"),
    ({"home": "/proc/nowhere"}, "/proc/nowhere"),
]
_SOURCES = [
    f"postgresql://u:{_SECRET}@localhost:1/shop",
    f"postgresql://u:{_SECRET}@localhost:port/shop",
    f"host=localhost port=1 password={_SECRET} bogus=1",
    f"{_SECRET} nonsense",
    f"postgresql://u:p@{_SECRET}/x@localhost:1/shop",
]
_SLOW_SOURCES = [_SOURCES[0], *(pytest.param(dsn, marks=pytest.mark.slow) for dsn in _SOURCES[1:])]
_QUERIES = [
    ("selec 1", "query: "),
    ("select * from silver.orders", "there is no published table silver.orders"),
    ("", "query: "),
    ("drop table silver.orders", "only SELECT is allowed"),
    ("select * from read_parquet('/etc/passwd')", "read_parquet is not a function"),
]
_COMMANDS = [
    (["status"], "run: shopease demo, or shopease run"),
    (["history", "silver/orders"], "no published table is called 'silver/orders'"),
    (["rollback", "silver/orders", "--to", "1"], "no published table is called 'silver/orders'"),
    (["run", "--from", "tomorrow"], "--from 'tomorrow' is no day; write YYYY-MM-DD"),
    *(
        ([*verb, "--from", "2026-02-01", "--to", "2026-01-01"], "--to 2026-01-01 lies before --from 2026-02-01; swap")
        for verb in (["run"], ["verify"], ["replay", "orders"], ["quality"], ["quarantine", "show", "orders"])
    ),
    (["quality", "--to", "2024-12-31"], "--to 2024-12-31 lies before the lake's first day 2025-01-01"),
    (["verify", "--from", "2024-12-31"], "--from 2024-12-31 lies before the lake's first day 2025-01-01"),
    (["quarantine", "summary", "--from", "2999-01-01"], "--from 2999-01-01 has not come yet"),
    (["run", "--from", "2020-01-01", "--to", "2020-01-02"], "SHOPEASE_START_DATE"),
]


def _told(arguments: list[str], folder: Path, /, **settings: str) -> str:
    """The one line a command says."""
    said = shopease(*arguments, home=Path(settings.pop("home", folder)), **settings)
    assert said.code == 1
    assert said.out.strip() == ""
    assert len(said.lines) == 1, said.error
    assert _SECRET not in said.error
    return said.lines[0]


@pytest.mark.parametrize(("settings", "culprit"), _SETTINGS, ids=str)
def test_a_wrong_setting_is_named_in_one_line(tmp_path: Path, settings: dict[str, str], culprit: str) -> None:
    assert culprit in _told(["status"], tmp_path / "home", **settings)


@pytest.mark.parametrize("dsn", _SLOW_SOURCES)
def test_a_source_that_cannot_be_reached_is_one_line_without_its_password(tmp_path: Path, dsn: str) -> None:
    line = _told(["run", "--from", "2026-01-05", "--to", "2026-01-05"], tmp_path / "home", source_dsn=dsn)
    assert "SHOPEASE_SOURCE_DSN" in line


@pytest.mark.parametrize(("sql", "culprit"), _QUERIES, ids=str)
def test_bad_sql_is_named_in_one_line(tmp_path: Path, sql: str, culprit: str) -> None:
    assert culprit in _told(["query", sql], tmp_path / "home")


@pytest.mark.parametrize(("arguments", "cure"), _COMMANDS, ids=str)
def test_a_command_that_cannot_work_says_what_would(tmp_path: Path, arguments: list[str], cure: str) -> None:
    assert cure in _told(arguments, tmp_path / "home")


def test_a_day_to_come_is_refused(tmp_path: Path, empty_shop: str) -> None:
    tomorrow = ["run", "--from", str(date(2999, 1, 1)), "--to", str(date(2999, 1, 2))]
    assert "has not come yet" in _told(tomorrow, tmp_path / "home", source_dsn=empty_shop)


def test_a_blocked_day_is_a_table_of_what_failed_and_exit_code_1(tmp_path: Path, empty_shop: str) -> None:
    fill(empty_shop, rows=50, tables=["tenants"])
    with psycopg.connect(empty_shop) as connection:
        connection.execute("update shop.tenants set plan = 'gold'")
    settings = {"source_dsn": empty_shop, "start_date": "2026-01-01"}
    days = ["--from", str(DAY), "--to", str(DAY)]
    assert shopease("run", "--table", "bronze/tenants", *days, home=tmp_path / "home", **settings).code == 0
    said = shopease("run", "--table", "silver/tenants", *days, home=tmp_path / "home", **settings)
    assert said.code == 1
    assert "Traceback" not in said.error
    assert "not everything could be published" in said.error
    assert "silver.tenants" in said.error
    assert "2026-01-05: validity 0.0% is below 97%: plan|listed (50 rows)" in said.error
