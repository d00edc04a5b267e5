"""Spark on AWS Glue: a model's rows computed by a run of a Glue job, which Dagster Pipes launches and follows.

The job's script is `spark_job.py` (with `--additional-python-modules dagster-pipes`); its Glue version (5.0), workers
and role are the job's own definition. It reads the lake's files and writes below `_spark`, where rows are fetched.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from uuid import uuid4

import dagster as dg
import pyarrow as pa
from botocore.exceptions import ClientError
from dagster_aws.pipes import PipesGlueClient, PipesS3ContextInjector, PipesS3MessageReader
from pyarrow import fs, parquet

from shopease_assets.aws import client
from shopease_assets.core.errors import QueryError
from shopease_assets.engines.duckdb import InputRelation
from shopease_assets.engines.parsing import Input
from shopease_assets.engines.spark import job_of
from shopease_assets.engines.sql_model import SqlModel
from shopease_assets.storage.location import Location

_POLL_SECONDS = 1


@dataclass(frozen=True)
class SparkOnGlue:
    """Runs models by the Glue job of that name, over the lake at `location`; `bucket` holds what Pipes exchanges."""

    job: str
    location: Location
    bucket: str

    def __call__(
        self, model: SqlModel, relations: Mapping[Input, InputRelation], *, as_of: date | None = None
    ) -> pa.Table:
        """The model's result over its inputs, with Spark's types. Only within a step of Dagster.

        Raises:
            QueryError: the run could not be started, or failed.
        """
        folder = f"{self.location.root}/_spark/{model.name}/{uuid4().hex}"
        job = job_of(model, relations, self.location.address(folder), as_of=as_of)
        exchange = PipesGlueClient(
            context_injector=PipesS3ContextInjector(bucket=self.bucket, client=client("s3"), key_prefix="_spark/"),
            message_reader=PipesS3MessageReader(bucket=self.bucket, client=client("s3"), interval=_POLL_SECONDS),
            client=client("glue"),
        )
        try:
            exchange.run(
                context=dg.AssetExecutionContext.get().op_execution_context,
                start_job_run_params={"JobName": self.job},
                extras=dict(job),
            )
            return self._fetched(folder)
        except (RuntimeError, ClientError) as error:
            raise QueryError(f"{model.name}: {' '.join(str(error).split())}") from error
        finally:
            if self._written(folder):
                self.location.filesystem.delete_dir(folder)

    def _fetched(self, folder: str) -> pa.Table:
        files = sorted(path for path in self._written(folder) if path.endswith(".parquet"))
        return pa.concat_tables(parquet.read_table(file, filesystem=self.location.filesystem) for file in files)

    def _written(self, folder: str) -> list[str]:
        selector = fs.FileSelector(folder, allow_not_found=True, recursive=True)
        return [info.path for info in self.location.filesystem.get_file_info(selector)]
