"""Spark on Glue, as far as it goes here: Glue's API and S3 are moto's, the job's script is a process of its own."""

import os
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa
import pytest

from shopease_assets.aws import client
from shopease_assets.core.errors import QueryError, SettingsError
from shopease_assets.engines import duckdb, spark, spark_on_glue
from shopease_assets.engines.choice import engine_for
from shopease_assets.engines.spark_on_glue import SparkOnGlue
from shopease_assets.engines.sql_model import SqlModel
from shopease_assets.settings import Settings
from shopease_assets.storage.location import Location
from shopease_assets_tests.engines.published import Published, publish

SCRIPT = Path(spark_on_glue.__file__).with_name("spark_job.py")
FIRST, SECOND = date(2025, 3, 1), date(2025, 3, 2)
ORDERS = ("silver", "orders")
SCHEMA = pa.schema([("order_id", pa.int64()), ("status", pa.string()), ("dt", pa.date32())])
COUNT = SqlModel("orders_so_far", "select count(*) as orders from silver.orders where dt <= cast($as_of as date)")


@dataclass
class GlueWithWorkers:
    """moto's Glue, which starts nothing: here a run's script runs, with the arguments the run was started with."""

    glue: Any
    environment: dict[str, str]
    failed: dict[str, str] = field(default_factory=dict)

    def start_job_run(self, **run: Any) -> Any:
        started = self.glue.start_job_run(**run)
        recorded = self.glue.get_job_run(JobName=run["JobName"], RunId=started["JobRunId"])["JobRun"]["Arguments"]
        words = [word for pair in recorded.items() for word in pair]
        command = [sys.executable, str(SCRIPT), *words]
        script = subprocess.run(command, env=self.environment, capture_output=True, check=False, text=True)
        if script.returncode:
            self.failed[started["JobRunId"]] = script.stderr.splitlines()[-1]
        return started

    def get_job_run(self, **run: Any) -> Any:
        told = self.glue.get_job_run(**run)
        state = "FAILED" if run["RunId"] in self.failed else "SUCCEEDED"
        return {"JobRun": told["JobRun"] | {"JobRunState": state, "ErrorMessage": self.failed.get(run["RunId"])}}

    @property
    def meta(self) -> Any:
        return self.glue.meta


@pytest.fixture
def glue_spark(aws: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SparkOnGlue:
    """A Glue job called gold-models whose workers are processes of this machine, over a lake in a folder."""
    client("s3").create_bucket(Bucket="lake", CreateBucketConfiguration={"LocationConstraint": "ap-south-1"})
    script = {"Name": "glueetl", "ScriptLocation": "s3://lake/spark_job.py"}
    client("glue").create_job(Name="gold-models", Role="glue", Command=script)
    monkeypatch.setenv("SPARK_CONF_DIR", str(spark._CONF))
    if java := spark._java_home():
        monkeypatch.setenv("JAVA_HOME", java)
    workers = GlueWithWorkers(client("glue"), dict(os.environ))
    monkeypatch.setattr(spark_on_glue, "client", lambda name: workers if name == "glue" else client(name))
    return SparkOnGlue("gold-models", Location.local(tmp_path / "lake"), "lake")


@pytest.fixture
def orders(tmp_path: Path) -> Published:
    rows = [{"order_id": number, "status": "sent", "dt": day} for number, day in enumerate((FIRST, FIRST, SECOND))]
    return publish(tmp_path / "lake", ORDERS, SCHEMA, rows)


@pytest.mark.slow
def test_a_run_of_the_job_gives_the_rows_and_leaves_nothing(glue_spark: SparkOnGlue, orders: Published) -> None:
    given = []

    @dg.asset
    def counted() -> dg.MaterializeResult:
        given.append(glue_spark(COUNT, {ORDERS: orders}, as_of=FIRST))
        return dg.MaterializeResult()

    assert dg.materialize([counted]).success
    assert [table.to_pylist() for table in given] == [[{"orders": 2}]]
    assert given[0].to_pylist() == duckdb.run(COUNT, {ORDERS: orders}, as_of=FIRST).to_pylist()
    assert not list(Path(glue_spark.location.root).glob("_spark/*/*"))
    [run] = client("glue").get_job_runs(JobName="gold-models")["JobRuns"]
    assert set(run["Arguments"]) == {"--dagster-pipes-context", "--dagster-pipes-messages"}


@pytest.mark.slow
def test_a_run_that_fails_is_named_with_its_model_and_quotes_no_row(
    glue_spark: SparkOnGlue, orders: Published, capfd: pytest.CaptureFixture[str]
) -> None:
    broken = SqlModel("broken", "select cast(status as integer) as x from silver.orders")

    @dg.asset
    def cast_to_a_number() -> None:
        glue_spark(broken, {ORDERS: orders})

    with pytest.raises(QueryError, match=r"broken: Glue job gold-models run jr_\w+ .* FAILED .*\[CAST_INVALID_INPUT\]"):
        dg.materialize([cast_to_a_number])
    told = capfd.readouterr()
    assert "CAST_INVALID_INPUT" in told.err
    assert "sent" not in told.out + told.err


@pytest.mark.slow
def test_a_job_that_is_not_there_is_named(aws: str, tmp_path: Path, orders: Published) -> None:
    client("s3").create_bucket(Bucket="lake", CreateBucketConfiguration={"LocationConstraint": "ap-south-1"})

    @dg.asset
    def counted() -> None:
        SparkOnGlue("nobody", Location.local(tmp_path / "lake"), "lake")(COUNT, {ORDERS: orders}, as_of=FIRST)

    with pytest.raises(QueryError, match=r"orders_so_far: .*nobody"):
        dg.materialize([counted])


def test_a_glue_job_needs_a_lake_on_s3() -> None:
    settings = Settings(gold_engine="spark", spark_glue_job="gold-models", lake_uri="/data/lake")
    with pytest.raises(SettingsError, match="SHOPEASE_SPARK_GLUE_JOB: Glue reads lakes on S3 only; set SHOPEASE_LAKE_"):
        engine_for(settings)


def test_settings_choose_the_engine(aws: str) -> None:
    client("s3").create_bucket(Bucket="lake", CreateBucketConfiguration={"LocationConstraint": "ap-south-1"})
    assert engine_for(Settings()) is duckdb.run
    assert engine_for(Settings(gold_engine="spark")) is spark.run
    on_glue = engine_for(Settings(gold_engine="spark", spark_glue_job="gold-models", lake_uri="s3://lake/data"))
    assert isinstance(on_glue, SparkOnGlue)
    assert (on_glue.job, on_glue.bucket, on_glue.location.root) == ("gold-models", "lake", "lake/data")
