"""`@gold(Contract)`: a Polars function as a gold asset, for what SQL is the wrong tool for.

A function's parameters name its inputs: `silver_customers`. A daily function sees the days it is run for (of inputs in
`history` the earlier ones too) and returns their rows with `dt`; a monthly one is called for each month with all days
up to its end, and `as_of` is its last day (of the current month: the newest published one). `log` stands for the
publication log and `days` for the partitions asked for; a table made of the log is made after all others, whatever
became of them.
"""

import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any

import dagster as dg
import polars as pl

from shopease_assets.core.contract import Contract
from shopease_assets.core.layout import TableRef, partition_date
from shopease_assets.kit.charts import Chart
from shopease_assets.kit.columns import CONTRACTS, column_schema
from shopease_assets.kit.contract_check import CONTRACT, SAYS, keeps_contract
from shopease_assets.kit.month_state import at_end_of_month, reads
from shopease_assets.kit.partitions import DAILY, HISTORY, MONTHLY, WAITS_FOR
from shopease_assets.kit.policy import AFTERWARDS, CHUNKS, RETRIES
from shopease_assets.kit.publishing import StepEvents, check_specs, publish_audited, withholding_values
from shopease_assets.kit.reconciliation import RECONCILES, reconciled, stock_reconciled
from shopease_assets.storage.io_manager import HAND_OVER, READS, LakeIOManager
from shopease_assets.storage.lake import ParquetLake, Relation

GoldFunction = Callable[..., pl.LazyFrame]
_NOT_TABLES = {"as_of", "log", "days"}
_TREND_DAYS = 60


def gold(
    contract: type[Contract],
    *,
    partitions: dg.TimeWindowPartitionsDefinition = DAILY,
    versions: Sequence[str] = (),
    history: Sequence[str] = (),
    revenue: str | None = None,
    stock: str | None = None,
    chart: Chart | None = None,
    trend: Chart | None = None,
) -> Callable[[GoldFunction], dg.AssetsDefinition]:
    """Make the asset `gold/<function name>` of a function to rows of the contract.

    Args:
        contract: the result's columns, types and rules.
        partitions: DAILY or MONTHLY.
        versions: inputs that hold row versions (`silver.products`): all known ones are visible, whatever the day.
        history: inputs of a daily table that are visible from their first day on: a later day changes with an earlier.
        revenue: the column whose sum must be silver's revenue of the day, or up to the month's end.
        stock: the column of a row per product_id and store_id that should be the level silver knows; it only warns.
        chart: draws the newest partition as Markdown for its materialisation.
        trend: likewise, with the published days of the sixty before it.
    """
    monthly = partitions is MONTHLY

    def decorate(function: GoldFunction) -> dg.AssetsDefinition:
        ref = TableRef("gold", function.__name__, "month" if monthly else "dt")
        CONTRACTS[ref] = contract
        parameters = inspect.signature(function).parameters
        inputs_of = {name: ".".join(name.split("_", 1)) for name in parameters if name not in _NOT_TABLES}
        seen_whole = {name for name, table in inputs_of.items() if monthly or table in history}
        every_version = {name for name, table in inputs_of.items() if table in versions}
        says = {CONTRACT: SAYS}
        if revenue or stock:
            says[RECONCILES] = f"The sum of {revenue} is silver's revenue" if revenue else f"{stock} is silver's level"

        @dg.asset(
            key=[ref.layer, ref.name],
            partitions_def=partitions,
            ins={
                name: dg.AssetIn(
                    key=table.split("."),
                    partition_mapping=HISTORY if name in seen_whole else None,
                    metadata={
                        HAND_OVER: "relation",
                        READS: reads(history=name in seen_whole, every_version=name in every_version),
                    },
                )
                for name, table in inputs_of.items()
            },
            description=inspect.getdoc(contract),
            kinds={"polars", "parquet"},
            tags=AFTERWARDS if "log" in parameters else {},
            io_manager_key="lake",
            retry_policy=RETRIES,
            backfill_policy=CHUNKS,
            metadata={
                "dagster/column_schema": column_schema(contract),
                "shopease/key": contract.key(),
                WAITS_FOR: [version.replace(".", "/") for version in versions],
            },
            check_specs=check_specs(
                ref, says, partitions, blocking=[CONTRACT] if monthly or stock else [CONTRACT, RECONCILES]
            ),
        )
        @withholding_values(ref, [ref.partition_by, *contract.columns()])
        def build(context: dg.AssetExecutionContext, **inputs: Relation) -> StepEvents:
            lake: LakeIOManager = context.resources.lake
            keys = list(context.partition_keys)
            told = {"log": lake.lake.log, "days": keys}
            asked = {name: told[name] for name in parameters if name in told}
            rows = (
                _by_month(function, inputs, every_version, keys, asked) if monthly else _by_day(function, inputs, asked)
            )
            frame = rows.select(ref.partition_by, *contract.columns()).collect()
            staged = lake.lake.stage(
                ref, frame, partitions=keys, run_id=context.run.run_id, base=lake.started_at_position
            )
            written = lake.lake.scan_staged(staged).collect()
            results = keeps_contract(written, ref, contract, keys)
            if revenue:
                results += reconciled(written, ref, revenue, "to_date" if monthly else "day", keys, lake.lake)
            if stock:
                results += stock_reconciled(written, ref, stock, keys, lake.lake)
            facts: dict[str, Any] = {}
            if chart is not None and len(written):
                newest = pl.col(ref.partition_by) == pl.col(ref.partition_by).max()
                facts["chart"] = dg.MetadataValue.md(chart(written.filter(newest)))
            if trend is not None and len(written):
                facts["trend"] = dg.MetadataValue.md(trend(_with_days_before(lake.lake, ref, written, keys[-1])))
            yield from publish_audited(context, staged, results, {keys[-1]: facts})

        return build

    return decorate


def _by_day(function: GoldFunction, inputs: Mapping[str, Relation], asked: Mapping[str, Any]) -> pl.LazyFrame:
    return function(**{name: relation.scan() for name, relation in inputs.items()}, **asked)


def _by_month(
    function: GoldFunction,
    inputs: Mapping[str, Relation],
    every_version: Collection[str],
    months: Sequence[str],
    asked: Mapping[str, Any],
) -> pl.LazyFrame:
    states = []
    for month in months:
        visible, last = at_end_of_month(month, inputs, every_version)
        as_of = {"as_of": last} if "as_of" in inspect.signature(function).parameters else {}
        state = _by_day(function, visible, {**asked, **as_of})
        states.append(state.with_columns(pl.lit(partition_date(month)).alias("month")))
    return pl.concat(states)


def _with_days_before(lake: ParquetLake, ref: TableRef, rows: pl.DataFrame, newest: str) -> pl.DataFrame:
    since = (partition_date(newest) - timedelta(days=_TREND_DAYS)).isoformat()
    before = [day for day in lake.log.pointers(ref) if since <= day <= newest]
    if not before:
        return rows
    older = lake.scan(ref, partitions=before).collect().join(rows, on="dt", how="anti")
    return pl.concat([older, rows], how="diagonal")
