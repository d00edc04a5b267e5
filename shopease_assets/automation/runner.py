"""Runs a range of days through Dagster in this process: the days, then the months they touch.

A run takes a chunk of days. Tables that look at every version of another table (references, as-of joins) wait until
that table is complete, so the order of work is in waves; within a wave, chunks are independent.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import dagster as dg
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

from shopease_assets.kit.partitions import DAILY, MONTHLY

_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass(frozen=True)
class Chunk:
    """One run: some assets over consecutive partitions."""

    assets: tuple[dg.AssetsDefinition, ...]
    first: str
    last: str


Progress = Callable[[int], None]  # how many chunks are done


@dataclass(frozen=True)
class StepFailure:
    """A table that could not be published for some partitions of a run, and why."""

    table: str
    first: str
    last: str
    reason: str


@dataclass(frozen=True)
class Outcome:
    """What a range of runs did."""

    runs: int
    failures: Sequence[StepFailure] = field(default_factory=tuple)

    @property
    def success(self) -> bool:
        """Whether every table was published for every partition."""
        return not self.failures


def plan(
    assets: Sequence[dg.AssetsDefinition], start: date, end: date, *, days_per_run: int, newest_month: str = ""
) -> list[Chunk]:
    """The runs that bring `assets` up to date for the days from `start` to `end`, in order.

    Months are those the days touch, and the later ones up to `newest_month`: their state holds these days too.
    """
    waves = _waves([asset for asset in assets if asset.partitions_def == DAILY])
    days = _keys(DAILY, start.isoformat(), end.isoformat())
    chunks = [days[i : i + days_per_run] for i in range(0, len(days), days_per_run)]
    if len(chunks) == 1:  # one run sees every partition it needs, whatever the wave
        waves = [tuple(asset for wave in waves for asset in wave)]
    daily = [Chunk(wave, chunk[0], chunk[-1]) for wave in waves if wave for chunk in chunks]
    monthly = tuple(asset for asset in assets if asset.partitions_def == MONTHLY)
    months = _keys(MONTHLY, start.replace(day=1).isoformat(), max(end.isoformat(), newest_month))
    return daily + ([Chunk(monthly, months[0], months[-1])] if monthly and months else [])


def run_chunks(
    chunks: Sequence[Chunk],
    assets: Sequence[dg.AssetsDefinition],
    *,
    resources: Mapping[str, object],
    instance: dg.DagsterInstance,
    progress: Progress | None = None,
) -> Outcome:
    """Run the chunks one after the other; a chunk that fails does not stop the others."""
    failures: list[StepFailure] = []
    for done, chunk in enumerate(chunks):
        if progress:
            progress(done)
        result = dg.materialize(
            assets,
            selection=list(chunk.assets),
            instance=instance,
            resources=dict(resources),
            run_config=_QUIET,
            tags={ASSET_PARTITION_RANGE_START_TAG: chunk.first, ASSET_PARTITION_RANGE_END_TAG: chunk.last},
            raise_on_error=False,
        )
        failures += _failures(result, chunk)
    return Outcome(len(chunks), tuple(failures))


def _keys(partitions: dg.TimeWindowPartitionsDefinition, first: str, last: str) -> list[str]:
    return [key for key in partitions.get_partition_keys() if first <= key <= last]


def _waves(assets: Sequence[dg.AssetsDefinition]) -> list[tuple[dg.AssetsDefinition, ...]]:
    """Assets by how many complete tables they have to wait for."""
    by_key = {asset.key: asset for asset in assets}
    level: dict[dg.AssetKey, int] = {}

    def wave(key: dg.AssetKey) -> int:
        if key not in level:
            asset = by_key[key]
            level[key] = max(
                (
                    wave(upstream) + (asset.get_partition_mapping(upstream) is not None)
                    for upstream in asset.dependency_keys
                    if upstream in by_key
                ),
                default=0,
            )
        return level[key]

    numbered = [(wave(asset.key), asset) for asset in assets]
    return [
        tuple(asset for number, asset in numbered if number == wanted)
        for wanted in range(max((number for number, _ in numbered), default=-1) + 1)
    ]


def _failures(result: dg.ExecuteInProcessResult, chunk: Chunk) -> Iterator[StepFailure]:
    for event in result.all_events:
        if event.is_step_failure:
            data = event.step_failure_data
            reason = data.user_failure_data.description if data.user_failure_data else None
            error = data.error.cause if data.error and data.error.cause else data.error
            yield StepFailure(
                table=(event.step_key or "").replace("__", "."),
                first=chunk.first,
                last=chunk.last,
                reason=reason or (error.message.strip() if error else "no reason given"),
            )
