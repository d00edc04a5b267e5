"""`@gold(Contract)`: a Polars function as a gold asset, for what SQL is the wrong tool for.

A function's parameters name its inputs: `silver_customers`. A daily function sees the days it is run for (of inputs in
`history` the earlier ones too) and returns their rows with `dt`; a monthly one is called for each month with all days
up to its end, and `as_of` is its last day (of the current month: the newest published one). `log` stands for the
publication log and `days` for the partitions asked for; a table made of the log is made after all others, whatever
became of them.
"""

import inspect
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

import dagster as dg
import polars as pl

from shopease_assets.core.contract import Contract
from shopease_assets.core.layout import partition_date
from shopease_assets.kit.charts import Chart
from shopease_assets.kit.gold_table import GoldTable, gold_asset, publish_gold, stage_rows
from shopease_assets.kit.month_state import at_end_of_month, in_turn
from shopease_assets.kit.partitions import DAILY
from shopease_assets.kit.policy import AFTERWARDS
from shopease_assets.kit.publishing import StepEvents
from shopease_assets.storage.io_manager import LakeIOManager
from shopease_assets.storage.lake import Relation

GoldFunction = Callable[..., pl.LazyFrame]
_NOT_TABLES = {"as_of", "log", "days"}


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

    `GoldTable` explains the arguments.
    """

    def decorate(function: GoldFunction) -> dg.AssetsDefinition:
        table = GoldTable(
            function.__name__,
            contract,
            partitions,
            versions=versions,
            history=history,
            revenue=revenue,
            stock=stock,
            chart=chart,
            trend=trend,
        )
        parameters = inspect.signature(function).parameters
        inputs_of = {name: ".".join(name.split("_", 1)) for name in parameters if name not in _NOT_TABLES}
        every_version = {name for name, read in inputs_of.items() if read in versions}

        @gold_asset(
            table,
            inputs_of,
            description=inspect.getdoc(contract),
            kinds={"polars", "parquet"},
            tags=AFTERWARDS if "log" in parameters else None,
        )
        def build(context: dg.AssetExecutionContext, **inputs: Relation) -> StepEvents:
            lake: LakeIOManager = context.resources.lake
            keys = list(context.partition_keys)
            told = {"log": lake.lake.log, "days": keys}
            asked = {name: told[name] for name in parameters if name in told}
            rows = (
                in_turn(
                    state.select(table.columns).collect().to_arrow()
                    for state in _by_month(function, inputs, every_version, keys, asked)
                )
                if table.monthly
                else _by_day(function, inputs, asked).select(table.columns).collect()
            )
            staged = stage_rows(context, table, rows)
            yield from publish_gold(context, table, staged)

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
) -> Iterator[pl.LazyFrame]:
    for month in months:
        visible, last = at_end_of_month(month, inputs, every_version)
        as_of = {"as_of": last} if "as_of" in inspect.signature(function).parameters else {}
        state = _by_day(function, visible, {**asked, **as_of})
        yield state.with_columns(pl.lit(partition_date(month)).alias("month"))
