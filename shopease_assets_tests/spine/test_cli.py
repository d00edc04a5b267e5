"""`shopease` as a user types it, over the tiny shop's lake."""

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from shopease_assets.settings import settings
from shopease_assets_tests.platform import Platform
from shopease_assets_tests.spine.conftest import Copy
from shopease_assets_tests.spine.shell import Shell, shell_over

_DAY = "2026-01-20"


@pytest.fixture(scope="module")
def lake(built: Platform, copy_of: Copy) -> Platform:
    return copy_of(built)


@pytest.fixture
def shopease(lake: Platform, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Shell]:
    """Runs a verb; returns what it prints, and on standard error when it exits with another code than 0."""
    yield from shell_over(lake, monkeypatch, capsys)


def test_json_has_exact_decimals_as_text_and_iso_dates(shopease: Shell, lake: Platform) -> None:
    out = shopease(
        "query",
        f"""select dt, tenant_id, total_revenue, sales_date from gold.daily_sales_summary
            where dt = date '{_DAY}' order by tenant_id""",
        "--format",
        "json",
    )
    expected = lake.sql(
        """select o.tenant_id, sum(i.line_total) from shop.orders as o join shop.order_items as i using (order_id)
           where o.ordered_at::date = %s and o.status in ('processing', 'shipped', 'delivered')
           group by 1 order by 1""",
        _DAY,
    )
    assert json.loads(out) == [
        {"dt": _DAY, "tenant_id": tenant, "total_revenue": str(revenue), "sales_date": _DAY}
        for tenant, revenue in expected
    ]


def test_csv_has_the_same_values_and_empty_nulls(shopease: Shell) -> None:
    sql = """select order_id, dt, total_amount, shipped_at, ordered_at from silver.orders
             order by shipped_at nulls first, order_id limit 3"""
    rows = list(csv.DictReader(io.StringIO(shopease("query", sql, "--format", "csv"))))
    exact = json.loads(shopease("query", sql, "--format", "json"))
    assert [row["order_id"] for row in rows] == [str(row["order_id"]) for row in exact]
    assert [row["total_amount"] for row in rows] == [row["total_amount"] for row in exact]
    assert {row["shipped_at"] for row in rows} == {""}
    assert [row["ordered_at"].replace(" ", "T") for row in rows] == [row["ordered_at"] for row in exact]
    assert all(date.fromisoformat(row["dt"]) for row in rows)


@pytest.mark.parametrize("table", ["bronze.orders", "silver.orders", "gold.fact_sales", "quarantine.orders"])
def test_every_layer_can_be_asked_by_its_partition(shopease: Shell, lake: Platform, table: str) -> None:
    (row,) = json.loads(
        shopease("query", f"select count(*) as n from {table} where dt = date '{_DAY}'", "--format", "json")
    )
    assert row["n"] == len(lake.rows(table, date.fromisoformat(_DAY)))


def test_monthly_tables_have_their_month(shopease: Shell) -> None:
    out = shopease("query", "select distinct month from gold.customer_analytics order by 1", "--format", "json")
    assert json.loads(out) == [{"month": "2026-01-01"}, {"month": "2026-02-01"}]


def test_a_table_is_printed_with_its_columns_and_nulls(shopease: Shell) -> None:
    out = shopease("query", "select 1.50 as price, null as nothing, date '2026-01-20' as day, '[x]' as tag")
    assert all(word in out for word in ("price", "1.50", "null", "2026-01-20", "[x]"))


@pytest.mark.parametrize(
    ("sql", "culprit"),
    [
        ("select * from gold.nowhere", "gold.nowhere"),
        ("select nothing from gold.fact_sales", "nothing"),
        ("selec 1", "line 1"),
        ("drop table gold.fact_sales", ""),
        ("select 1; select 2", ""),
        ("copy (select 1) to '/tmp/never.csv'", ""),
    ],
)
def test_a_query_that_cannot_be_answered_is_one_line_and_exit_code_1(shopease: Shell, sql: str, culprit: str) -> None:
    told = shopease("query", sql, exits=1)
    assert told.startswith("error: ")
    assert culprit.lower() in told.lower()
    assert "Traceback" not in told
    assert not Path("/tmp/never.csv").exists()


def test_status_shows_gaps_failing_checks_and_what_is_quarantined(shopease: Shell, lake: Platform) -> None:
    day = date(2026, 2, 14)
    lake.sql("update shop.orders set currency = 'x' where ordered_at::date = %s", day)
    span = ("--from", day.isoformat(), "--to", day.isoformat())
    shopease("run", *span, "--table", "silver/orders")  # bronze has not seen it yet
    shopease("run", *span, "--table", "bronze/orders")
    told = shopease("run", *span, "--table", "silver/orders", exits=1)
    assert "currency|format" in told
    line = next(line for line in shopease("status").splitlines() if "silver/orders " in line)
    assert "validity 2026-02-14" in line
    assert str(len(lake.rows("quarantine.orders"))) in line


def test_a_failed_run_leaves_the_last_good_version_visible(shopease: Shell, lake: Platform) -> None:
    rows = json.loads(
        shopease(
            "query", "select distinct currency from silver.orders where dt = date '2026-02-14'", "--format", "json"
        )
    )
    assert all(len(row["currency"]) == 3 for row in rows)
    assert rows


def test_refresh_tells_what_the_source_has_touched_and_runs_just_that(
    built: Platform, copy_of: Copy, shopease: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    touched = copy_of(built)
    monkeypatch.setenv("SHOPEASE_LAKE_URI", touched.lake.location.root)
    monkeypatch.setenv("SHOPEASE_SOURCE_DSN", touched.dsn)
    settings.cache_clear()
    touched.sql("delete from shop.web_events where occurred_at::date = %s", _DAY)
    told = shopease("refresh")
    assert "bronze/web_events" in told
    assert _DAY in told
    assert "bronze/orders" not in told
    assert shopease("refresh").strip() == "the lake holds what the source holds"


def test_history_and_rollback(shopease: Shell, lake: Platform) -> None:
    before = shopease("history", "gold/market_basket")
    publication = lake.lake.history(next(ref for ref in lake.log.tables() if ref.name == "market_basket"))[0].id
    assert str(publication) in before
    assert "publish" in before
    shopease("run", "--from", "2026-01-31", "--to", "2026-01-31", "--table", "gold/market_basket")
    told = shopease("rollback", "gold/market_basket", "--to", str(publication))
    assert f"back at {publication}" in told
    assert "rollback" in shopease("history", "gold.market_basket", "--partition", "2026-01-01", "--limit", "1")


def test_vacuum_deletes_old_versions_and_nothing_that_is_visible(shopease: Shell, lake: Platform) -> None:
    shopease("run", "--from", _DAY, "--to", _DAY, "--table", "gold/daily_sales_summary")
    before = lake.rows("gold.daily_sales_summary")
    out = shopease("vacuum", "gold/daily_sales_summary", "--keep", "1", "--grace-hours", "0")
    assert "1 versions" in out
    assert lake.rows("gold.daily_sales_summary").equals(before)


@pytest.mark.parametrize(
    ("arguments", "culprit"),
    [
        (["history", "silver/nothing"], "silver/nothing"),
        (["rollback", "silver/orders", "--to", "yesterday"], "yesterday"),
        (["run", "--from", "2026-02-30"], "2026-02-30"),
        (["run", "--from", "2026-01-03", "--to", "2026-01-02"], "2026-01-02"),
        (["run", "--from", "2025-01-01", "--to", "2025-01-02"], "SHOPEASE_START_DATE"),
        (["run", "--table", "silver/nothing"], "silver/nothing"),
    ],
)
def test_a_mistake_is_named_with_its_cure(shopease: Shell, arguments: list[str], culprit: str) -> None:
    told = shopease(*arguments, exits=1)
    assert told.startswith("error: ")
    assert culprit in told


@pytest.mark.parametrize(
    "arguments", [["frobnicate"], ["query"], ["query", "select 1", "--format", "xml"], ["vacuum", "--keep", "0"]]
)
def test_a_command_that_is_misspelt_exits_with_2(shopease: Shell, arguments: list[str]) -> None:
    assert shopease(*arguments, exits=2)


def test_the_installed_program_answers(lake: Platform, tmp_path: Path) -> None:
    program = Path(sys.executable).with_name("shopease")
    environment = os.environ | {"SHOPEASE_LAKE_URI": lake.lake.location.root, "SHOPEASE_SOURCE_DSN": lake.dsn}
    sql = "select sum(total_revenue) as revenue from gold.daily_sales_summary"
    done = subprocess.run(
        [program, "query", sql, "--format", "csv"],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    ((revenue,),) = lake.sql(
        """select sum(i.line_total) from shop.orders as o join shop.order_items as i using (order_id)
           where o.status in ('processing', 'shipped', 'delivered')"""
    )
    assert done.stdout == f"revenue\n{revenue}\n"
    failed = subprocess.run(
        [program, "query", "select 1 from gold.nowhere"],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (failed.returncode, failed.stdout) == (1, "")
