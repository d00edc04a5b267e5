"""The part of a Spark run that happens where Spark is: reads given files, runs given SQL, writes Parquet to a folder.

A cluster gets this one file, as the script of a job that Dagster Pipes launches; it needs dagster-pipes and boto3 there
and nothing else of ours. What to run is decided by `spark.py`.
"""

import re
from collections.abc import Mapping
from typing import TypedDict, cast

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession

_SAME_ANSWERS = {
    "spark.sql.adaptive.enabled": "true",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.timestampType": "TIMESTAMP_LTZ",
}
"""What makes Spark answer as DuckDB does: errors instead of nulls, days and timestamps in UTC.

SQL sent here says TIMESTAMP_NTZ where it means one, and TIMESTAMP for an instant."""

_CONDITION = re.compile(r"\[[A-Z][A-Z_.]+\]")
_PATTERN = re.compile(r"[*?\[\]{}\\]")


class Files(TypedDict):
    """A table: its columns as Spark's DDL, its Parquet files, and the folder below which paths hold partitions."""

    columns: str
    folder: str | None
    paths: list[str]


class Job(TypedDict):
    """One query over tables (by the names it gives them), and the new folder its rows are written to."""

    sql: str
    tables: Mapping[str, Files]
    target: str


def main() -> None:
    """Runs the job that Dagster hands over through S3, and tells it how many rows were written."""
    import boto3  # noqa: PLC0415 - not where this file is a module; the cluster's own credentials and region
    from dagster_pipes import (  # noqa: PLC0415
        PipesCliArgsParamsLoader,
        PipesS3ContextLoader,
        PipesS3MessageWriter,
        open_dagster_pipes,
    )

    s3 = boto3.client("s3")
    with open_dagster_pipes(
        params_loader=PipesCliArgsParamsLoader(),  # type: ignore[no-untyped-call]
        context_loader=PipesS3ContextLoader(s3),
        message_writer=PipesS3MessageWriter(s3),
    ) as pipes:
        spark = SparkSession.builder.getOrCreate()
        job = cast("Job", pipes.extras)
        failure = _failure(spark, job)
        if failure is not None:
            raise RuntimeError(f"Spark failed: {failure}")
        pipes.log.info("%s rows", spark.read.parquet(job["target"]).count())


def _failure(spark: SparkSession, job: Job) -> str | None:
    """Why the job failed, by the names of Spark's errors: their text, in the cluster's own log, may quote a row."""
    try:
        write_rows(spark, job)
    except (PySparkException, Py4JError) as error:
        return " ".join(_CONDITION.findall(str(error))) or type(error).__name__
    return None


def write_rows(spark: SparkSession, job: Job) -> None:
    """Runs the job in a session of its own: views and settings of others are neither seen nor touched."""
    session = spark.newSession()
    for name, value in _SAME_ANSWERS.items():
        session.conf.set(name, value)
    for name, files in job["tables"].items():
        _frame(session, files).createTempView(f"`{name}`")
    session.sql(job["sql"]).write.parquet(job["target"])


def _frame(session: SparkSession, files: Files) -> DataFrame:
    """The files' rows with exactly these columns: what a file lacks is null there. No files: no rows."""
    reader = session.read.schema(files["columns"])
    if files["folder"] is not None:
        reader = reader.option("basePath", files["folder"])
    return reader.parquet(*(_PATTERN.sub(r"\\\g<0>", path) for path in files["paths"]))


if __name__ == "__main__":
    main()
