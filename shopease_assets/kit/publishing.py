"""The last part of every step: record the checks, publish the partitions that passed, fail for the others.

Dagster evaluates in-op checks after the I/O manager has run, which would publish bad data first; so a step judges
what it staged itself and only hands good versions over.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import wraps
from typing import Any

import dagster as dg

from shopease_assets.core.layout import TableRef
from shopease_assets.core.masking import values_withheld
from shopease_assets.core.quality import CheckResult
from shopease_assets.storage.io_manager import BLOCKED, LakeIOManager
from shopease_assets.storage.lake import Staged
from shopease_assets.storage.records import QualityResult

StepEvents = Iterator[dg.Output[Any] | dg.AssetCheckEvaluation | dg.AssetMaterialization]
PartitionFacts = Mapping[str, Mapping[str, Any]]
Step = Callable[..., StepEvents]


def check_specs(
    table: TableRef, checks: Mapping[str, str], partitions: dg.PartitionsDefinition[str], *, blocking: Sequence[str]
) -> list[dg.AssetCheckSpec]:
    """One spec per check (name → description), with a status per partition."""
    return [
        dg.AssetCheckSpec(
            name,
            asset=dg.AssetKey([table.layer, table.name]),
            description=description,
            blocking=name in blocking,
            partitions_def=partitions,
        )
        for name, description in checks.items()
    ]


def withholding_values(table: TableRef, known: Iterable[str]) -> Callable[[Step], Step]:
    """Make a step whose errors name the table and the `known` columns, and no value: Dagster logs what they say."""

    def decorate(step: Step) -> Step:
        @wraps(step)
        def withholding(context: dg.AssetExecutionContext, **inputs: Any) -> StepEvents:
            with values_withheld(table, known, passing=dg.Failure):
                yield from step(context, **inputs)

        return withholding

    return decorate


def publish_audited(
    context: dg.AssetExecutionContext, staged: Staged, results: Sequence[CheckResult], facts: PartitionFacts
) -> StepEvents:
    """Record every check per partition; publish the partitions none of whose blocking checks failed.

    Raises:
        Failure: a blocking check failed; the partitions that passed are published all the same.
    """
    lake: LakeIOManager = context.resources.lake
    for result in results:
        yield _evaluation(context.asset_key, result)
    lake.lake.log.record_quality([_logged(result, staged, datetime.now(UTC)) for result in results])

    blocked = {result.partition: result for result in results if result.blocks}
    good = [partition for partition in staged.partitions if partition not in blocked]
    metadata = {
        partition: {"dagster/partition_row_count": staged.partitions[partition].rows, **facts.get(partition, {})}
        for partition in good
    }
    if blocked:
        if good:
            lake.publish(staged.only(good))
        for partition in good:
            yield dg.AssetMaterialization(context.asset_key, partition=partition, metadata=metadata[partition])
        raise dg.Failure(
            _blocked_message(staged.table, results),
            metadata={BLOCKED: dg.MetadataValue.json(sorted(blocked))},
            allow_retries=False,
        )
    for partition in good:
        context.add_asset_metadata(metadata[partition], asset_key=context.asset_key, partition_key=partition)
    yield dg.Output(staged)
    for name in dict.fromkeys(spec.name for spec in context.assets_def.check_specs):
        spec = context.assets_def.get_spec_for_check_key(dg.AssetCheckKey(context.asset_key, name))
        yield dg.Output(None, output_name=spec.get_python_identifier())


def _evaluation(asset: dg.AssetKey, result: CheckResult) -> dg.AssetCheckEvaluation:
    numbers = {
        "rows": result.rows,
        "failed_rows": result.failed_rows,
        "score": result.score,
        "threshold": result.threshold,
        "reason": result.reason,
    }
    told = {name: number for name, number in numbers.items() if number not in {None, ""}}
    return dg.AssetCheckEvaluation(
        asset_key=asset,
        check_name=result.check,
        passed=result.passed,
        metadata=told | {name: _shown(fact) for name, fact in result.facts.items()},
        severity=dg.AssetCheckSeverity.ERROR if result.blocking else dg.AssetCheckSeverity.WARN,
        blocking=result.blocking,
        partition=result.partition,
    )


def _shown(fact: Any) -> Any:
    return dg.MetadataValue.json(fact) if isinstance(fact, dict | list) else fact


def _logged(result: CheckResult, staged: Staged, at: datetime) -> QualityResult:
    return QualityResult(
        table=staged.table,
        partition=result.partition,
        check=result.check,
        passed=result.passed,
        rows=result.rows,
        failed_rows=result.failed_rows,
        run_id=staged.run_id,
        checked_at=at,
        blocking=result.blocking,
        score=result.score,
        threshold=result.threshold,
        details={"reason": result.reason, **result.facts} if result.reason else result.facts,
    )


def _blocked_message(table: TableRef, results: Sequence[CheckResult]) -> str:
    reasons = [f"{result.partition}: {result.reason}" for result in results if result.blocks]
    shown = "; ".join(reasons[:3]) + (f"; and {len(reasons) - 3} more" if len(reasons) > 3 else "")  # noqa: PLR2004
    return f"{table} blocked, the last good version stays visible: {shown}"
