"""`sql_table(...)`: a SQL model (`name.sql` beside `name.py`) as a partitioned gold asset with a contract.

The model's inputs are found by parsing, so lineage cannot drift from the query. A daily model sees the days it is
run for; a monthly one sees all days up to the month's end (the current month: up to the newest published day).
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from pathlib import Path

import dagster as dg
import polars as pl
import pyarrow as pa

from shopease_assets.core.contract import Contract
from shopease_assets.core.layout import partition_date
from shopease_assets.engines.arrow_types import cast_to
from shopease_assets.engines.choice import engine_for
from shopease_assets.engines.sql_model import SqlModel
from shopease_assets.kit.athena_table import fits_athena, unloaded
from shopease_assets.kit.charts import Chart
from shopease_assets.kit.gold_table import GoldTable, gold_asset, publish_gold, stage_rows
from shopease_assets.kit.month_state import at_end_of_month, in_turn
from shopease_assets.kit.publishing import StepEvents
from shopease_assets.kit.reconciliation import Window
from shopease_assets.settings import settings
from shopease_assets.storage.lake import Relation, Staged

Input = tuple[str, str]
Inputs = Mapping[Input, Relation]


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
    """The asset `gold/<name>` of the model that lies beside `file`, the table's own `__file__`.

    `GoldTable` explains the other arguments.
    """
    model = SqlModel.load(Path(file).with_suffix(".sql"))
    table = GoldTable(model.name, contract, partitions, versions=versions, revenue=revenue, window=window, chart=chart)

    @gold_asset(
        table,
        {"_".join(read): ".".join(read) for read in model.inputs},
        description=f"{contract.__doc__}\n\n{model.docs}\n\n```sql\n{model.sql}\n```",
        kinds={"sql", "duckdb", "parquet"},
        known=re.findall(r"\w+", model.sql),
    )
    def build(context: dg.AssetExecutionContext, **inputs: Relation) -> StepEvents:
        relations = {read: inputs["_".join(read)] for read in model.inputs}
        staged = _staged(context, table, model, relations)
        shapes = frozenset((read, relation.schema) for read, relation in relations.items())
        yield from publish_gold(context, table, staged, {"dagster/column_lineage": _lineage(model, shapes)})

    return build


def _staged(context: dg.AssetExecutionContext, table: GoldTable, model: SqlModel, inputs: Inputs) -> Staged:
    """A new version of the run's partitions, made by the engine. One that writes files itself returns no rows."""
    if settings().gold_engine == "athena" and fits_athena(table):
        return unloaded(context, table, model, inputs)
    rows = (
        in_turn(_state(table, model, inputs, month) for month in context.partition_keys)
        if table.monthly
        else pl.DataFrame(pl.from_arrow(cast_to(_rows(model, inputs), _typed(table))))
    )
    return stage_rows(context, table, rows)


def _state(table: GoldTable, model: SqlModel, inputs: Inputs, month: str) -> pa.Table:
    """The state at the end of the month: no day after it is visible, whatever else the run covers."""
    visible, as_of = at_end_of_month(month, inputs, {read for read in inputs if ".".join(read) in table.versions})
    rows = cast_to(_rows(model, visible, as_of), table.contract.arrow_schema())
    return rows.append_column("month", pa.repeat(pa.scalar(partition_date(month), pa.date32()), len(rows)))


def _rows(model: SqlModel, relations: Mapping[Input, Relation], as_of: date | None = None) -> pa.Table:
    return engine_for(settings())(model, relations, as_of=as_of)


def _typed(table: GoldTable) -> pa.Schema:
    return table.contract.arrow_schema().append(pa.field(table.ref.partition_by, pa.date32()))


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
