"""`sql_table(...)`: a SQL model (`name.sql` beside `name.py`) as a partitioned gold asset with a contract.

The model's inputs are found by parsing, so lineage cannot drift from the query. A daily model sees the days it is
run for; a monthly one sees all days up to the month's end (the current month: up to the newest published day).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pyarrow as pa

from shopease_assets.core.contract import Contract
from shopease_assets.core.layout import TableRef, partition_date
from shopease_assets.engines import duckdb
from shopease_assets.engines.arrow_types import cast_to
from shopease_assets.engines.sql_model import SqlModel
from shopease_assets.kit.charts import Chart
from shopease_assets.kit.columns import CONTRACTS, column_schema
from shopease_assets.kit.contract_check import CONTRACT, SAYS, keeps_contract
from shopease_assets.kit.month_state import at_end_of_month, reads
from shopease_assets.kit.partitions import HISTORY, MONTHLY, WAITS_FOR
from shopease_assets.kit.policy import CHUNKS, RETRIES
from shopease_assets.kit.publishing import StepEvents, check_specs, publish_audited, withholding_values
from shopease_assets.kit.reconciliation import RECONCILES, Window, reconciled, restatements
from shopease_assets.storage.io_manager import HAND_OVER, READS, LakeIOManager
from shopease_assets.storage.lake import Relation

Input = tuple[str, str]


def sql_table(
    file: str,
    contract: type[Contract],
    *,
    partitions: dg.TimeWindowPartitionsDefinition,
    versions: Sequence[str] = (),
    revenue: str | None = None,
    window: Window | None = None,
    chart: Chart | None = None,
) -> dg.AssetsDefinition:
    """The asset `gold/<name>` of the model that lies beside `file`.

    Args:
        file: the table's own `__file__`.
        contract: the result's columns, types and rules.
        partitions: DAILY or MONTHLY.
        versions: inputs that hold row versions (`silver.products`): all known ones are visible, whatever the day.
        revenue: the column whose sum must be silver's revenue of the partition's `window`.
        window: which silver days that is; default: the day, or everything up to the month's end.
        chart: draws the newest partition as Markdown for its materialisation.
    """
    model = SqlModel.load(Path(file).with_suffix(".sql"))
    monthly = partitions is MONTHLY
    window = window or ("to_date" if monthly else "day")
    ref = TableRef("gold", model.name, "month" if monthly else "dt")
    CONTRACTS[ref] = contract

    @dg.asset(
        key=[ref.layer, ref.name],
        partitions_def=partitions,
        ins={
            "_".join(table): dg.AssetIn(
                key=list(table),
                partition_mapping=HISTORY if monthly else None,
                metadata={
                    HAND_OVER: "relation",
                    READS: reads(history=monthly, every_version=".".join(table) in versions),
                },
            )
            for table in model.inputs
        },
        description=f"{contract.__doc__}\n\n{model.docs}\n\n```sql\n{model.sql}\n```",
        kinds={"sql", "duckdb", "parquet"},
        io_manager_key="lake",
        retry_policy=RETRIES,
        backfill_policy=CHUNKS,
        metadata={
            "dagster/column_schema": column_schema(contract),
            "shopease/key": contract.key(),
            WAITS_FOR: [version.replace(".", "/") for version in versions],
        },
        check_specs=check_specs(
            ref,
            {CONTRACT: SAYS} | ({RECONCILES: f"The sum of {revenue} is silver's revenue"} if revenue else {}),
            partitions,
            blocking=[CONTRACT] if monthly else [CONTRACT, RECONCILES],
        ),
    )
    @withholding_values(ref, [ref.partition_by, *contract.columns(), *re.findall(r"\w+", model.sql)])
    def build(context: dg.AssetExecutionContext, **inputs: Relation) -> StepEvents:
        lake: LakeIOManager = context.resources.lake
        relations = {table: inputs["_".join(table)] for table in model.inputs}
        keys = list(context.partition_keys)
        rows = pa.concat_tables(
            [_as_of(model, contract, relations, key, versions) for key in keys]
            if monthly
            else [cast_to(duckdb.run(model, relations), _typed(contract, ref))]
        )
        frame = pl.DataFrame(pl.from_arrow(rows))
        staged = lake.lake.stage(ref, frame, partitions=keys, run_id=context.run.run_id, base=lake.started_at_position)
        # On the newest partition only: the UI shows that one, and each event costs.
        shapes = frozenset((table, relation.schema) for table, relation in relations.items())
        facts: dict[str, Any] = {"dagster/column_lineage": _lineage(model, shapes)}
        if chart is not None and len(frame):
            newest = frame.filter(pl.col(ref.partition_by) == pl.col(ref.partition_by).max())
            facts["chart"] = dg.MetadataValue.md(chart(newest if monthly else frame))
        written = lake.lake.scan_staged(staged).collect()
        results = keeps_contract(written, ref, contract, keys)
        if revenue:
            results += reconciled(written, ref, revenue, window, keys, lake.lake)
        told: dict[str, dict[str, Any]] = {keys[-1]: facts}
        if revenue and not monthly:
            restated = restatements(lake.lake, ref, written, revenue, keys)
            told |= {key: {"restatement": note, **told.get(key, {})} for key, note in restated.items()}
            note = "; ".join(f"{key} {note}" for key, note in restated.items())
            staged = replace(staged, note=note or None)
        yield from publish_audited(context, staged, results, told)

    return build


def _as_of(
    model: SqlModel, contract: type[Contract], relations: Mapping[Input, Relation], key: str, versions: Sequence[str]
) -> pa.Table:
    """The state at the end of the month: no day after it is visible, whatever else the run covers."""
    visible, as_of = at_end_of_month(key, relations, {table for table in relations if ".".join(table) in versions})
    rows = cast_to(duckdb.run(model, visible, as_of=as_of), contract.arrow_schema())
    return rows.append_column("month", pa.repeat(pa.scalar(partition_date(key), pa.date32()), len(rows)))


def _typed(contract: type[Contract], ref: TableRef) -> pa.Schema:
    return contract.arrow_schema().append(pa.field(ref.partition_by, pa.date32()))


@cache
def _lineage(model: SqlModel, shapes: frozenset[tuple[Input, pa.Schema]]) -> dg.TableColumnLineage:
    """Once per process and shape: tracing a model's columns takes longer than running a day of it."""
    found = model.lineage(dict(shapes))
    return dg.TableColumnLineage(
        {
            column: [dg.TableColumnDep(asset_key=[layer, table], column_name=name) for layer, table, name in sources]
            for column, sources in found.items()
        }
    )
