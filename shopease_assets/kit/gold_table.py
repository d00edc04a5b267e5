"""What gold tables have in common, whatever makes their rows: the asset's declaration, the audit, the publication.

A step has two halves: something stages a version of the run's partitions, then `publish_gold` judges what was staged.
What makes the rows is not here: SQL is `sql_table`'s, functions are `gold`'s.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import dagster as dg
import polars as pl

from shopease_assets.core.contract import Contract
from shopease_assets.core.layout import TableRef, partition_date
from shopease_assets.core.quality import CheckResult
from shopease_assets.kit.charts import Chart
from shopease_assets.kit.columns import CONTRACTS, column_schema
from shopease_assets.kit.contract_check import CONTRACT, SAYS, keeps_contract
from shopease_assets.kit.partitions import HISTORY_OF_DAY, HISTORY_OF_MONTH, MONTHLY, WAITS_FOR
from shopease_assets.kit.policy import CHUNKS, RETRIES
from shopease_assets.kit.publishing import Step, StepEvents, check_specs, publish_audited, withholding_values
from shopease_assets.kit.reconciliation import RECONCILES, Window, reconciled, restatements, stock_reconciled
from shopease_assets.storage.io_manager import HAND_OVER, READS, LakeIOManager, Reads
from shopease_assets.storage.lake import Data, ParquetLake, Staged

_TREND_DAYS = 60


@dataclass(frozen=True)
class GoldTable:
    """What is declared of a gold table.

    Attributes:
        name: `gold.<name>`.
        contract: its columns, types and rules.
        partitions: DAILY or MONTHLY.
        versions: inputs that hold row versions (`silver.products`): all known ones are visible, whatever the day.
        history: inputs of a daily table that are visible from their first day on: a later day changes with an earlier.
        revenue: the column whose sum must be silver's revenue of the partition's `window`.
        window: which silver days that is; default: the day, or everything up to the month's end.
        stock: the column of a row per product_id and store_id that should be the level silver knows; it only warns.
        chart: draws the newest month, or the days of a run, as Markdown for the newest materialisation.
        trend: likewise, the days of a run with the published ones of the sixty before it.
    """

    name: str
    contract: type[Contract]
    partitions: dg.TimeWindowPartitionsDefinition
    versions: Sequence[str] = ()
    history: Sequence[str] = ()
    revenue: str | None = None
    window: Window | None = None
    stock: str | None = None
    chart: Chart | None = None
    trend: Chart | None = None

    @property
    def monthly(self) -> bool:
        """Whether it holds states at the end of months."""
        return self.partitions is MONTHLY

    @property
    def ref(self) -> TableRef:
        """Where it is in the lake."""
        return TableRef("gold", self.name, "month" if self.monthly else "dt")

    @property
    def columns(self) -> list[str]:
        """Its columns, the partition's first."""
        return [self.ref.partition_by, *self.contract.columns()]


def gold_asset(
    table: GoldTable,
    inputs: Mapping[str, str],
    *,
    description: str | None,
    kinds: Collection[str],
    tags: Mapping[str, str] | None = None,
    known: Iterable[str] = (),
) -> Callable[[Step], dg.AssetsDefinition]:
    """Make the asset of a step.

    Args:
        table: what is declared of it.
        inputs: the step's parameters: name → `silver.orders`, handed over as relations.
        description: for the UI.
        kinds: for the UI.
        tags: of this asset alone.
        known: words its errors may show, besides the table's columns.
    """
    CONTRACTS[table.ref] = table.contract
    says = {CONTRACT: SAYS}
    if table.revenue or table.stock:
        says[RECONCILES] = (
            f"The sum of {table.revenue} is silver's revenue" if table.revenue else f"{table.stock} is silver's level"
        )
    blocking = [CONTRACT] if table.monthly or table.stock else [CONTRACT, RECONCILES]

    def decorate(step: Step) -> dg.AssetsDefinition:
        return dg.asset(
            key=[table.ref.layer, table.name],
            partitions_def=table.partitions,
            ins={name: _input(table, read) for name, read in inputs.items()},
            description=description,
            kinds={*kinds},
            tags=tags,
            io_manager_key="lake",
            retry_policy=RETRIES,
            backfill_policy=CHUNKS,
            metadata={
                "dagster/column_schema": column_schema(table.contract),
                "shopease/key": table.contract.key(),
                WAITS_FOR: [version.replace(".", "/") for version in table.versions],
            },
            check_specs=check_specs(table.ref, says, table.partitions, blocking=blocking),
        )(withholding_values(table.ref, [*table.columns, *known])(step))

    return decorate


def stage_rows(context: dg.AssetExecutionContext, table: GoldTable, rows: Data) -> Staged:
    """Write the rows as a new version of the run's partitions, visible to nobody."""
    lake: LakeIOManager = context.resources.lake
    return lake.lake.stage(
        table.ref,
        rows,
        partitions=context.partition_keys,
        run_id=context.run.run_id,
        base=lake.started_at_position,
    )


def publish_gold(
    context: dg.AssetExecutionContext, table: GoldTable, staged: Staged, facts: Mapping[str, Any] | None = None
) -> StepEvents:
    """Audit what was staged, read back from its files, and publish the partitions that passed.

    `facts` and charts are told of the newest partition only: the UI shows that one, and each event costs.

    Raises:
        Failure: a blocking check failed; the partitions that passed are published all the same.
    """
    lake: ParquetLake = context.resources.lake.lake
    ref, keys = table.ref, list(staged.partitions)
    window = table.window or ("to_date" if table.monthly else "day")
    results: list[CheckResult] = []
    for part in [[month] for month in keys] if table.monthly else [keys]:  # a month's state holds all that was before
        rows = lake.scan_staged(staged.only(part)).collect()
        results += keeps_contract(rows, ref, table.contract, part)
        if table.revenue:
            results += reconciled(rows, ref, table.revenue, window, part, lake)
        if table.stock:
            results += stock_reconciled(rows, ref, table.stock, part, lake)
    told = {keys[-1]: {**(facts or {}), **_charts(table, rows, keys[-1], lake)}}
    if table.revenue and not table.monthly:
        restated = restatements(lake, ref, rows, table.revenue, keys)
        told |= {key: {"restatement": note, **told.get(key, {})} for key, note in restated.items()}
        staged = replace(staged, note="; ".join(f"{key} {note}" for key, note in restated.items()) or None)
    yield from publish_audited(context, staged, results, told)


def _input(table: GoldTable, read: str) -> dg.AssetIn:
    history = table.monthly or read in table.history
    reads: Reads = "every version" if read in table.versions else "history" if history else "partition"
    return dg.AssetIn(
        key=read.split("."),
        partition_mapping=(HISTORY_OF_MONTH if table.monthly else HISTORY_OF_DAY) if history else None,
        metadata={HAND_OVER: "relation", READS: reads},
    )


def _charts(
    table: GoldTable, rows: pl.DataFrame, newest: str, lake: ParquetLake
) -> dict[str, dg.MarkdownMetadataValue]:
    drawn = {}
    if table.chart and len(rows):
        drawn["chart"] = dg.MetadataValue.md(table.chart(rows))
    if table.trend and len(rows):
        drawn["trend"] = dg.MetadataValue.md(table.trend(_with_days_before(lake, table.ref, rows, newest)))
    return drawn


def _with_days_before(lake: ParquetLake, ref: TableRef, rows: pl.DataFrame, newest: str) -> pl.DataFrame:
    since = (partition_date(newest) - timedelta(days=_TREND_DAYS)).isoformat()
    before = [day for day in lake.log.pointers(ref) if since <= day <= newest]
    if not before:
        return rows
    older = lake.scan(ref, partitions=before).collect().join(rows, on="dt", how="anti")
    return pl.concat([older, rows], how="diagonal")
