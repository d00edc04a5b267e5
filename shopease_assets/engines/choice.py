"""The engines that compute a gold model's rows, as settings choose them."""

from collections.abc import Mapping
from datetime import date
from typing import Protocol

import pyarrow as pa

from shopease_assets.core.errors import SettingsError
from shopease_assets.engines import duckdb
from shopease_assets.engines.duckdb import InputRelation
from shopease_assets.engines.parsing import Input
from shopease_assets.engines.sql_model import SqlModel
from shopease_assets.settings import Settings


class Engine(Protocol):
    """Computes the rows of a model, with types of its own: `cast_to` gives them the contract's."""

    def __call__(
        self, model: SqlModel, relations: Mapping[Input, InputRelation], *, as_of: date | None = None
    ) -> pa.Table:
        """The model's result over its inputs; QueryError where it cannot be computed."""


def engine_for(settings: Settings) -> Engine:
    """The engine SHOPEASE_GOLD_ENGINE names; Athena hands over no rows, and what it cannot make, DuckDB does.

    Raises:
        SettingsError: what it needs is not set.
    """
    if settings.gold_engine != "spark":
        return duckdb.run
    if settings.spark_glue_job is None:
        from shopease_assets.engines import spark  # noqa: PLC0415 - an extra

        return spark.run
    if settings.lake_bucket is None:
        raise SettingsError("SHOPEASE_SPARK_GLUE_JOB: Glue reads lakes on S3 only; set SHOPEASE_LAKE_URI=s3://…")
    from shopease_assets.engines.spark_on_glue import SparkOnGlue  # noqa: PLC0415 - boto3
    from shopease_assets.storage.location import Location  # noqa: PLC0415

    location = Location.s3(settings.lake_bucket, settings.kms_key)
    return SparkOnGlue(settings.spark_glue_job, location, location.root.split("/")[0])
