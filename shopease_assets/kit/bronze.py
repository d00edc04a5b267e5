"""`bronze(...)`: a source table as a daily asset, its rows and types unchanged.

Days are extracted in one query and split into partitions while they stream by. The source's own row counts and
money sums, taken in the same snapshot, must agree with what was staged before anything is published.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import dagster as dg
import polars as pl
import pyarrow as pa

from shopease_assets.core.errors import NotPublished, ShopEaseError, SourceUnavailable
from shopease_assets.core.layout import TableRef, partition_date
from shopease_assets.core.quality import CheckResult
from shopease_assets.kit.columns import source_schema
from shopease_assets.kit.partitions import DAILY
from shopease_assets.kit.policy import CHUNKS, RETRIES
from shopease_assets.kit.publishing import StepEvents, check_specs, publish_audited, withholding_values
from shopease_assets.settings import settings
from shopease_assets.sources.postgres import EXTRACTED_AT, SOURCE
from shopease_assets.sources.postgres_table import DayRange, PostgresTable
from shopease_assets.sources.run_source import RunSource
from shopease_assets.storage.io_manager import LakeIOManager
from shopease_assets.storage.lake import ParquetLake, Staged

#: The check whose facts hold a day's row count and money sums as the source computed them.
MATCHES_SOURCE = "matches_source"
#: Every source table that has a bronze asset, in the order their files were loaded.
SOURCE_TABLES: dict[str, PostgresTable] = {}


def bronze(table: PostgresTable, description: str) -> dg.AssetsDefinition:
    """The asset `bronze/<table>`: one partition per business day of the source's rows."""
    ref = TableRef("bronze", table.name)
    SOURCE_TABLES[table.name] = table

    @dg.asset(
        key=[ref.layer, ref.name],
        partitions_def=DAILY,
        description=description,
        kinds={"postgres", "parquet"},
        io_manager_key="lake",
        retry_policy=RETRIES,
        backfill_policy=CHUNKS,
        required_resource_keys={"source"},
        metadata={
            "dagster/column_schema": source_schema(table),
            "shopease/source": str(table),
            "shopease/key": list(table.key),
        },
        check_specs=check_specs(
            ref,
            {MATCHES_SOURCE: "Row count and money sums equal the source's, in the same snapshot"},
            DAILY,
            blocking=[MATCHES_SOURCE],
        ),
    )
    @withholding_values(ref, table.types)
    def extract(context: dg.AssetExecutionContext) -> StepEvents:
        lake: LakeIOManager = context.resources.lake
        source: RunSource = context.resources.source
        days = day_range(context.partition_keys, table)
        try:
            snapshot = source.snapshot()
            shape = snapshot.shape(table)
            totals = snapshot.totals(table, shape, days)
            rows: Any = _with_columns_gone(snapshot.read(table, shape, days), lake.lake.log.schema(ref))
            if table.versions:
                rows = _gained(lake.lake, ref, table, rows, context.partition_keys)
            staged = lake.lake.stage(
                ref, rows, partitions=context.partition_keys, run_id=context.run.run_id, base=lake.started_at_position
            )
        except ShopEaseError as error:
            source.close()  # a retry starts from a new snapshot
            raise _failure(error) from None
        results = _matches_source(lake.lake.scan_staged(staged), staged, table, totals, snapshot.taken_at)
        told = {"new_columns": list(shape.new_columns)} if shape.new_columns else {}
        yield from publish_audited(context, staged, results, dict.fromkeys(context.partition_keys, told))

    return extract


def day_range(partitions: Iterable[str], table: PostgresTable) -> DayRange:
    """The days to read; versions older than the lake belong to its first day, older facts do not belong to it."""
    days = sorted(partition_date(key) for key in partitions)
    first = table.versions and days[0] == settings().start_date
    return DayRange(days[0], days[-1], settings().zone, first=first)


def _failure(error: ShopEaseError) -> Exception:
    """Connection troubles are worth a retry by the step's policy; a changed shape is not."""
    return error if isinstance(error, SourceUnavailable) else dg.Failure(str(error), allow_retries=False)


def _with_columns_gone(rows: Iterable[pa.RecordBatch], published: pa.Schema | None) -> Iterator[pa.RecordBatch]:
    """The rows, with nulls for columns that came to the source undeclared and went again."""
    for batch in rows:
        for column in published or ():
            if column.name not in batch.schema.names:
                batch = batch.append_column(column, pa.nulls(len(batch), column.type))  # noqa: PLW2901
        yield batch


def _gained(
    lake: ParquetLake, ref: TableRef, table: PostgresTable, rows: Iterable[pa.RecordBatch], partitions: list[str]
) -> pl.DataFrame:
    """What the source has now, and the published versions it has overwritten since."""
    now = pl.DataFrame(pl.from_arrow(list(rows))).with_columns(pl.col(SOURCE).cast(pl.String))
    try:
        published = lake.scan(ref, partitions=partitions).collect()
    except NotPublished:
        return now
    overwritten = published.join(now, on=["dt", *table.key, "updated_at"], how="anti", nulls_equal=True)
    return pl.concat([now, overwritten], how="diagonal_relaxed")  # the lake refuses what became another type


def _matches_source(
    staged_rows: pl.LazyFrame,
    staged: Staged,
    table: PostgresTable,
    totals: Mapping[str, Mapping[str, Any]],
    taken_at: Any,
) -> list[CheckResult]:
    sums = [pl.col(name).cast(pl.Decimal(38, 2)).sum() for name in table.money]
    both = pl.collect_all(
        [
            rows.group_by("dt").agg(pl.len().alias("rows"), *sums)
            for rows in (staged_rows, staged_rows.filter(pl.col(EXTRACTED_AT) == taken_at))
        ]
    )
    held, extracted = ({row.pop("dt").isoformat(): row for row in frame.iter_rows(named=True)} for frame in both)
    nothing = {"rows": 0, **dict.fromkeys(table.money)}
    return [
        CheckResult(
            partition=partition,
            check=MATCHES_SOURCE,
            passed=_same(ours := extracted.get(partition, nothing), theirs := totals.get(partition, nothing)),
            rows=held.get(partition, nothing)["rows"],
            reason="" if _same(ours, theirs) else f"the source counts {_spoken(theirs)}, we read {_spoken(ours)}",
            facts={"source": _plain(theirs), "held": _plain(held.get(partition, nothing))},
        )
        for partition in staged.partitions
    ]


def _same(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> bool:
    return all((ours[name] or 0) == (theirs[name] or 0) for name in theirs)


def _plain(total: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value if isinstance(value, int) else str(value or 0) for name, value in total.items()}


def _spoken(total: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in _plain(total).items())
