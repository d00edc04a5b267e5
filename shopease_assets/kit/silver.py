"""`@silver(Contract)`: a Polars function as a daily asset, guarded by its contract.

Rows that break a rule go to `quarantine/<table>` with the rules they broke and the row as it was read; the rest is
published, unless a dimension falls below its threshold. A function's parameters name its inputs: `bronze_orders`.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

import dagster as dg
import polars as pl

from shopease_assets.core.audit import Audit, audit
from shopease_assets.core.cleaning import ROW
from shopease_assets.core.contract import Contract
from shopease_assets.core.layout import TableRef
from shopease_assets.core.quality import CheckResult, Dimension, check_of
from shopease_assets.kit.bronze import MATCHES_SOURCE
from shopease_assets.kit.columns import CONTRACTS, column_schema
from shopease_assets.kit.partitions import DAILY, REFERENCES, WAITS_FOR
from shopease_assets.kit.policy import CHUNKS, RETRIES
from shopease_assets.kit.publishing import StepEvents, check_specs, publish_audited, withholding_values
from shopease_assets.settings import settings
from shopease_assets.storage.io_manager import LakeIOManager
from shopease_assets.storage.lake import ParquetLake, Relation

SilverFunction = Callable[..., pl.LazyFrame]
CONSERVATION, RECONCILES = "row_conservation", "reconciles_with_source"
_CHECKS = {
    **{dimension.value: f"Share of rows that keep every {dimension} rule" for dimension in Dimension},
    CONSERVATION: "Rows in = published + quarantined + deduplicated, exactly",
    RECONCILES: "Row count and money sums agree with the source for that day",
}


def silver(contract: type[Contract]) -> Callable[[SilverFunction], dg.AssetsDefinition]:
    """Make the asset `silver/<function name>` of a function from bronze rows to rows of the contract."""

    def decorate(function: SilverFunction) -> dg.AssetsDefinition:
        ref = TableRef("silver", function.__name__)
        CONTRACTS[ref] = contract
        main = f"bronze_{ref.name}"
        inputs = {name: dg.AssetIn(key=name.split("_", 1)) for name in inspect.signature(function).parameters}
        if main not in inputs:
            raise ValueError(f"{ref}: its function needs a parameter {main}")

        @dg.asset(
            key=[ref.layer, ref.name],
            partitions_def=DAILY,
            ins=inputs,
            deps=[["silver", table] for table in sorted({ref.table for ref in contract.references().values()})],
            description=inspect.getdoc(contract),
            kinds={"polars", "parquet"},
            io_manager_key="lake",
            retry_policy=RETRIES,
            backfill_policy=CHUNKS,
            metadata={
                "dagster/column_schema": column_schema(contract),
                "shopease/key": contract.key(),
                REFERENCES: {column: ref.table for column, ref in contract.references().items() if not ref.same_day},
                WAITS_FOR: sorted(
                    {f"silver/{ref.table}" for ref in contract.references().values() if not ref.same_day}
                ),
            },
            check_specs=check_specs(ref, _CHECKS, DAILY, blocking=list(_CHECKS)),
        )
        @withholding_values(ref, contract.source_columns().keys() | contract.source_columns().values())
        def refine(context: dg.AssetExecutionContext, **frames: pl.LazyFrame) -> StepEvents:
            lake: LakeIOManager = context.resources.lake
            bronze = frames.pop(main).collect().with_row_index(ROW)
            frame = function(**{main: bronze.lazy()}, **frames).collect()
            partitions = list(context.partition_keys)
            verdict = audit(
                frame,
                bronze,
                contract,
                partitions=partitions,
                parents=_parents(lake.lake, contract, partitions),
                refused_parents=_refused_parents(lake.lake, contract, partitions),
                thresholds=settings().thresholds,
                zone=settings().timezone,
            )
            run_id, base = context.run.run_id, lake.started_at_position
            told = {"run_id": pl.lit(run_id), "quarantined_at": pl.lit(datetime.now(UTC))}
            refused = lake.lake.stage(
                ref.quarantine,
                verdict.bad.with_columns(**told),
                partitions=_quarantine_days(lake.lake, ref.quarantine, verdict, partitions),
                run_id=run_id,
                base=base,
            )
            staged = lake.lake.stage(ref, verdict.good, partitions=partitions, run_id=run_id, base=base)
            results = [*_quality(verdict), *_reconciled(lake.lake, ref, verdict, bronze, partitions)]
            lake.publish(refused)
            yield from publish_audited(context, staged, results, _facts(verdict))

        return refine

    return decorate


def _parents(lake: ParquetLake, contract: type[Contract], partitions: Sequence[str]) -> dict[str, pl.DataFrame]:
    """The keys that exist: only key columns are read, of every day, or of the same days for a parent of the day."""
    return {
        column: _keys(
            lake.relation(TableRef("silver", reference.table), partitions=partitions if reference.same_day else None),
            ("dt", column) if reference.same_day else (column,),
        )
        for column, reference in contract.references().items()
    }


@lru_cache(maxsize=16)
def _keys(parent: Relation, columns: tuple[str, ...]) -> pl.DataFrame:
    """Kept while the parent's files are the same: several tables and runs ask for them, and a year has many files."""
    return parent.scan().select(columns).unique().collect()


def _refused_parents(lake: ParquetLake, contract: type[Contract], partitions: Sequence[str]) -> dict[str, pl.DataFrame]:
    """The parents of the same day that were set aside by the run that published the others."""
    found = {}
    for column, reference in contract.references().items():
        parent = TableRef("silver", reference.table)
        shown = lake.log.pointers(parent, partitions) if reference.same_day else {}
        refused = lake.log.pointers(parent.quarantine, list(shown)) if shown else {}
        days = [day for day, aside in refused.items() if aside.rows and aside.run_id == shown[day].run_id]
        if days:
            key = pl.col("row_key").str.json_path_match(f"$.{column}").cast(pl.Int64).alias(column)
            found[column] = lake.scan(parent.quarantine, partitions=days).select("dt", key).collect()
    return found


def _quarantine_days(lake: ParquetLake, ref: TableRef, verdict: Audit, partitions: Sequence[str]) -> list[str]:
    """The days with something to set aside, or to clear; one at least, so that the table exists from the start."""
    held = lake.log.pointers(ref, partitions)
    days = {day.isoformat() for day in verdict.bad["dt"].unique()} | {day for day, seen in held.items() if seen.rows}
    return sorted(days) or list(partitions[:1])


def _quality(verdict: Audit) -> list[CheckResult]:
    dimensions = [
        check_of(partition, score, verdict.samples)
        for partition, scores in verdict.scores.items()
        for score in scores.values()
    ]
    conservation = [
        CheckResult(
            partition,
            CONSERVATION,
            passed=account.lost == 0,
            rows=account.rows_in,
            failed_rows=min(abs(account.lost), account.rows_in),
            reason=f"{account.lost} of {account.rows_in} rows are unaccounted for" if account.lost else "",
            facts=vars(account),
        )
        for partition, account in verdict.accounts.items()
    ]
    return dimensions + conservation


def _reconciled(
    lake: ParquetLake, ref: TableRef, verdict: Audit, bronze: pl.DataFrame, partitions: Sequence[str]
) -> list[CheckResult]:
    """Published values plus the originals of the rows set aside must sum to what the source computed."""
    bronze_ref = TableRef("bronze", ref.name)
    shown = lake.log.pointers(bronze_ref, partitions)
    source = {
        result.partition: result.details["held"]
        for result in lake.log.quality(bronze_ref, partitions)
        # a newer result is of a version that was blocked, lost a race or was rolled back
        if result.check == MATCHES_SOURCE and result.run_id == shown[result.partition].run_id
    }
    money = sorted({name for held in source.values() for name in held} & set(verdict.good.columns))
    kept = _sums(verdict.good, money)
    aside = _sums(bronze.filter(~pl.col(ROW).is_in(verdict.good_rows.implode())), money)
    return [
        _compared(
            partition,
            verdict.accounts[partition].rows_in,
            {name: sum(part.get(partition, {}).get(name) or 0 for part in (kept, aside)) for name in money},
            source.get(partition),
        )
        for partition in partitions
    ]


def _compared(
    partition: str, rows: int, sums: Mapping[str, Decimal | int], source: Mapping[str, Any] | None
) -> CheckResult:
    facts = {"rows": rows, **{name: str(value) for name, value in sums.items()}}
    if source is None:
        reason = "the source's totals for the day are not known; rerun its bronze partition"
        return CheckResult(partition, RECONCILES, passed=False, blocking=False, rows=rows, reason=reason, facts=facts)
    agrees = source["rows"] == rows and all(Decimal(source[name]) == value for name, value in sums.items())
    reason = "" if agrees else f"the source had {source}, the lake accounts for {facts}"
    return CheckResult(partition, RECONCILES, passed=agrees, rows=rows, reason=reason, facts=facts)


def _sums(frame: pl.DataFrame, money: Sequence[str]) -> dict[str, dict[str, Decimal]]:
    summed = frame.group_by("dt").agg(pl.col(name).cast(pl.Decimal(38, 2)).sum() for name in money)
    return {row.pop("dt").isoformat(): row for row in summed.iter_rows(named=True)}


def _facts(verdict: Audit) -> dict[str, Mapping[str, Any]]:
    return {
        partition: {
            "rows_in": account.rows_in,
            "quarantined": account.quarantined,
            "deduplicated": account.deduplicated,
            **({"warnings": dict(found)} if (found := verdict.warnings.get(partition)) else {}),
        }
        for partition, account in verdict.accounts.items()
    }
