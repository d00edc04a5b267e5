"""`@gold(Contract)`: a Polars function as a daily gold asset, for what SQL is the wrong tool for.

A function's parameters name its inputs: `silver_customers`. `log` stands for the publication log and `days` for the
partitions asked for; a table made of the log is made after all others, whatever became of them.
"""

import inspect
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import dagster as dg
import polars as pl

from shopease_assets.core.contract import Contract
from shopease_assets.core.layout import TableRef, partition_date
from shopease_assets.kit.charts import Chart
from shopease_assets.kit.columns import column_schema
from shopease_assets.kit.contract_check import CONTRACT, SAYS, keeps_contract
from shopease_assets.kit.partitions import DAILY, WAITS_FOR
from shopease_assets.kit.policy import AFTERWARDS, CHUNKS, RETRIES
from shopease_assets.kit.publishing import StepEvents, check_specs, publish_audited
from shopease_assets.storage.io_manager import LakeIOManager
from shopease_assets.storage.lake import ParquetLake

GoldFunction = Callable[..., pl.LazyFrame]
_TREND_DAYS = 60


def gold(contract: type[Contract], *, trend: Chart | None = None) -> Callable[[GoldFunction], dg.AssetsDefinition]:
    """Make the asset `gold/<function name>` of a function to rows of the contract with their `dt`.

    `trend` draws the newest partition and the published ones of the sixty days before it.
    """

    def decorate(function: GoldFunction) -> dg.AssetsDefinition:
        ref = TableRef("gold", function.__name__)
        parameters = inspect.signature(function).parameters
        inputs = [name for name in parameters if name not in {"log", "days"}]

        @dg.asset(
            key=[ref.layer, ref.name],
            partitions_def=DAILY,
            ins={name: dg.AssetIn(key=name.split("_", 1)) for name in inputs},
            description=inspect.getdoc(contract),
            kinds={"polars", "parquet"},
            tags=AFTERWARDS if "log" in parameters else {},
            io_manager_key="lake",
            retry_policy=RETRIES,
            backfill_policy=CHUNKS,
            metadata={
                "dagster/column_schema": column_schema(contract),
                "shopease/key": contract.key(),
                WAITS_FOR: [],
            },
            check_specs=check_specs(ref, {CONTRACT: SAYS}, DAILY, blocking=[CONTRACT]),
        )
        def build(context: dg.AssetExecutionContext, **frames: pl.LazyFrame) -> StepEvents:
            lake: LakeIOManager = context.resources.lake
            keys = list(context.partition_keys)
            told = {"log": lake.lake.log, "days": keys}
            rows = function(**frames, **{name: told[name] for name in parameters if name in told})
            frame = rows.select("dt", *contract.columns()).collect()
            staged = lake.lake.stage(
                ref, frame, partitions=keys, run_id=context.run.run_id, base=lake.started_at_position
            )
            written = lake.lake.scan_staged(staged).collect()
            facts: dict[str, Any] = {}
            if trend is not None and len(written):
                facts["trend"] = dg.MetadataValue.md(trend(_with_days_before(lake.lake, ref, written, keys[-1])))
            yield from publish_audited(context, staged, keeps_contract(written, ref, contract, keys), {keys[-1]: facts})

        return build

    return decorate


def _with_days_before(lake: ParquetLake, ref: TableRef, rows: pl.DataFrame, newest: str) -> pl.DataFrame:
    since = (partition_date(newest) - timedelta(days=_TREND_DAYS)).isoformat()
    before = [day for day in lake.log.pointers(ref) if since <= day <= newest]
    if not before:
        return rows
    older = lake.scan(ref, partitions=before).collect().join(rows, on="dt", how="anti")
    return pl.concat([older, rows], how="diagonal")
