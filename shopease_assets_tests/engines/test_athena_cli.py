"""`shopease … --engine athena` as a user runs it: a process of its own, against the stand-in."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from shopease_assets.core.layout import TableRef
from shopease_assets.engines.athena import in_databases
from shopease_assets.queries import named_queries
from shopease_assets.storage.lake import ParquetLake
from shopease_assets.storage.location import Location
from shopease_assets.storage.log import PublicationLog
from shopease_assets_tests.athena_stand_in import StandInAthena
from shopease_assets_tests.aws import make_bucket
from shopease_assets_tests.faults.cli import Said, shopease
from shopease_assets_tests.mirrored import mirror

_PAGE = Path(__file__).parents[2] / "docs" / "consultants.md"
Run = Callable[..., Said]


@pytest.fixture
def run(athena: StandInAthena, tmp_path: Path) -> Run:
    home = tmp_path / "home"
    home.mkdir()
    return lambda *arguments, **settings: shopease(*arguments, home=home, **settings)


def test_a_query_prints_its_answer_and_on_standard_error_what_it_cost(run: Run, athena: StandInAthena) -> None:
    said = run("query", "select cast(1.50 as decimal(5,2)) as price, date '2026-01-05' as dt", "--engine", "athena",
               "--format", "json")  # fmt: skip
    assert (said.code, json.loads(said.out)) == (0, [{"price": "1.50", "dt": "2026-01-05"}])
    assert f"Athena query {athena.queries[0].id}: 0.0 MB scanned in " in said.error
    assert said.error.rstrip().endswith("about $0.00005")


def test_a_failure_is_one_line_with_its_cure(run: Run) -> None:
    said = run("query", "select 1 from gold.nowhere", "--engine", "athena", environment="prod")
    assert said.code == 1
    billed, error = said.lines
    assert billed.endswith("failed, not billed")
    assert error.startswith("error: Athena: SCHEMA_NOT_FOUND: line 1:1: Schema 'shopease_prod_gold' does not exist; ")


def test_gold_on_athena_needs_a_lake_on_s3(run: Run) -> None:
    said = run("status", gold_engine="athena")
    assert said.code == 1
    assert said.lines == [
        "error: SHOPEASE_GOLD_ENGINE='athena': Athena reads S3 only; set SHOPEASE_LAKE_URI=s3://bucket/prefix"
    ]


def test_ctrl_c_cancels_the_query_and_says_so(athena: StandInAthena, tmp_path: Path) -> None:
    command = [str(Path(sys.executable).with_name("shopease")), "query", "select 1 as one", "--engine", "athena"]
    environment = {**os.environ, "SHOPEASE_HOME": str(tmp_path)}
    with (
        athena.hold(scanned=3_000_000),
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as asked,
    ):
        while not athena.queries or athena.queries[0].state == "QUEUED":
            assert asked.poll() is None, asked.communicate()
            time.sleep(0.05)
        asked.send_signal(signal.SIGINT)
        out, error = asked.communicate(timeout=120)
    assert (asked.returncode, out) == (130, "")
    assert athena.queries[0].state == "CANCELLED"
    # nothing is known to be scanned when it is cancelled before it was first looked at
    assert re.search(rf"Athena query {athena.queries[0].id}: cancelled; [03]\.0 MB scanned", error)
    assert "Traceback" not in error


def test_a_named_query_runs_on_athena_as_it_is_written(run: Run, athena: StandInAthena, tmp_path: Path) -> None:
    make_bucket("shopease-lake")
    log = PublicationLog.open(f"sqlite:///{tmp_path}/log.db")
    lake = ParquetLake(Location.s3("s3://shopease-lake/lake"), log)
    days = {"2026-01-01": "1.00", "2026-01-30": "20.00", "2026-01-31": "30.40"}
    sales = pl.DataFrame(
        {
            "tenant_id": 1, "sales_channel": "web", "transactions": 1,
            "revenue": [Decimal(revenue) for revenue in days.values()], "dt": [date.fromisoformat(day) for day in days],
        },
        schema_overrides={"revenue": pl.Decimal(18, 2), "tenant_id": pl.Int64, "transactions": pl.Int64},
    )  # fmt: skip
    channels = TableRef("gold", "daily_channel_sales")
    lake.publish(lake.stage(channels, sales, partitions=list(days), run_id="run"))
    mirror(lake)
    log.close()

    said = run("queries", "run", "channels", "--engine", "athena", "--format", "csv")
    assert said.code == 0, said.error
    assert said.out.splitlines() == ["tenant_id,sales_channel,orders,revenue,avg_order_value", "1,web,2,50.40,25.2"]
    assert athena.queries[0].sql == in_databases(named_queries()["channels"].sql, "dev").strip()


def test_registered_queries_are_created_once_then_only_brought_up_to_date(run: Run, athena: StandInAthena) -> None:
    names = set(named_queries())
    foreign = {"Name": "channels", "Database": "theirs", "QueryString": "select 1", "Description": "",
               "WorkGroup": "primary", "NamedQueryId": "foreign"}  # fmt: skip
    athena.saved["foreign"] = dict(foreign)

    created = run("queries", "register")
    assert created.code == 0, created.error
    assert created.out.startswith("created: acquisition_trend, ")
    ours = {query["Name"]: query for query in athena.saved.values() if query["Database"] == "shopease_dev_gold"}
    assert set(ours) == names
    assert ours["channels"]["QueryString"] == in_databases(named_queries()["channels"].sql, "dev")

    ours["channels"]["QueryString"] = "select 'old'"
    again = run("queries", "register")
    assert again.out.startswith("updated: channels\nunchanged: acquisition_trend, ")
    assert ours["channels"]["QueryString"] != "select 'old'"
    assert len(athena.saved) == len(names) + 1
    assert athena.saved["foreign"] == foreign


def test_the_python_of_the_consultants_page_runs(athena: StandInAthena, tmp_path: Path) -> None:
    make_bucket("shopease-lake")
    make_bucket("my-bucket")
    log = PublicationLog.open(f"sqlite:///{tmp_path}/log.db")
    lake = ParquetLake(Location.s3("s3://shopease-lake/lake"), log)
    day = date(2026, 1, 5)
    frame = pl.DataFrame(
        {"sales_date": [day], "total_revenue": [Decimal("12.50")], "dt": [day]},
        schema_overrides={"total_revenue": pl.Decimal(18, 2)},
    )
    summary = TableRef("gold", "daily_sales_summary")
    lake.publish(lake.stage(summary, frame, partitions=[day.isoformat()], run_id="run"))
    mirror(lake, environment="prod")
    log.close()

    (snippet,) = re.findall(r"```python\n(.*?)```", _PAGE.read_text(), re.DOTALL)
    said: dict[str, object] = {}
    exec(snippet, said)
    assert said["rows"] == [(day, Decimal("12.50"))]
    assert athena.queries[0].results == "s3://my-bucket/athena/"
