"""Runs a range of days through Dagster in this process: the days, then the months they touch.

A run takes a chunk of days. Tables that look at every version of another table (references, as-of joins) wait until
that table is complete, so the order of work is in waves; within a wave, chunks are independent.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby

import dagster as dg
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

from shopease_assets.core.layout import day_ranges
from shopease_assets.kit.partitions import DAILY, MONTHLY, WAITS_FOR
from shopease_assets.kit.policy import AFTERWARDS
from shopease_assets.storage.io_manager import BLOCKED

_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass(frozen=True)
class Chunk:
    """One run: some assets over consecutive partitions."""

    assets: tuple[dg.AssetsDefinition, ...]
    first: str
    last: str

    @property
    def partitions(self) -> dg.TimeWindowPartitionsDefinition:
        """The definition its partitions belong to: Dagster runs assets of one definition at a time."""
        return MONTHLY if self.assets[0].partitions_def == MONTHLY else DAILY


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
    assets: Sequence[dg.AssetsDefinition],
    start: date,
    end: date,
    *,
    today: date,
    days_per_run: int,
    version_days: Collection[str] = (),
    newest_month: str = "",
) -> list[Chunk]:
    """The runs that bring `assets` up to date for the days from `start` to `end`, in order.

    Tables that others wait for are also run for `version_days`, the days the lake lacks of them: a source that
    overwrites may show a customer of January only under the day he moved. Months are those the days touch, and the
    later ones up to `newest_month`, whose state holds these days too.
    """
    last = [asset for asset in assets if asset.specs_by_key[asset.key].tags.items() >= AFTERWARDS.items()]
    daily = [asset for asset in assets if asset.partitions_def == DAILY and asset not in last]
    asked = _keys(DAILY, start.isoformat(), min(end, today).isoformat())
    first = _waited_for(assets)
    complete = sorted({*asked, *version_days}) if first else asked
    if complete == asked and len(asked) <= days_per_run:  # one run sees every partition it needs, in whatever order
        chunks = chunked(daily, asked, days_per_run)
    else:
        chunks = [
            chunk
            for wave in waves(daily)
            for part, days in (
                ([asset for asset in wave if asset in first], complete),
                ([asset for asset in wave if asset not in first], asked),
            )
            for chunk in chunked(part, days, days_per_run)
        ]
    monthly = [asset for asset in assets if asset.partitions_def == MONTHLY]
    months = _keys(MONTHLY, start.replace(day=1).isoformat(), max(min(end, today).isoformat(), newest_month))
    return [*chunks, *chunked(last, asked, days_per_run), *chunked(monthly, months, days_per_run)]


def _waited_for(assets: Sequence[dg.AssetsDefinition]) -> list[dg.AssetsDefinition]:
    """The tables among `assets` that others need complete, and what these are made of."""
    waited = {key for asset in assets for key in asset.metadata_by_key[asset.key].get(WAITS_FOR, [])}
    daily = [asset for asset in assets if asset.partitions_def == DAILY]
    needed = {asset.key for asset in daily if asset.key.to_user_string() in waited}
    sources = {key for asset in assets if asset.key in needed for key in asset.dependency_keys}
    return [asset for asset in daily if asset.key in needed | sources]


def chunked(assets: Sequence[dg.AssetsDefinition], keys: Sequence[str], most: int) -> list[Chunk]:
    """Runs of at most `most` consecutive partitions; all months in one."""
    if not assets or not keys:
        return []
    ranges = [(keys[0], keys[-1])] if assets[0].partitions_def == MONTHLY else day_ranges(keys, most)
    return [Chunk(tuple(assets), first, last) for first, last in ranges]


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
    runs = 0
    for done, chunk in enumerate(chunks):
        if progress:
            progress(done)
        waiting = [chunk]
        while waiting:
            part = waiting.pop()
            result = dg.materialize(
                assets,
                selection=list(part.assets),
                instance=instance,
                resources=dict(resources),
                run_config=_QUIET,
                tags={ASSET_PARTITION_RANGE_START_TAG: part.first, ASSET_PARTITION_RANGE_END_TAG: part.last},
                raise_on_error=False,
            )
            runs += 1
            failures += _failures(result, part)
            waiting += _without_blocked(part, result)
    return Outcome(runs, tuple(failures))


def _without_blocked(chunk: Chunk, result: dg.ExecuteInProcessResult) -> list[Chunk]:
    """What a blocked day must not hold back: the unfinished assets, for the other days of the run."""
    blocked = {day for event in result.all_events if event.is_step_failure for day in _blocked(event)}
    done = {event.step_key for event in result.all_events if event.is_step_success}
    unfinished = tuple(asset for asset in chunk.assets if asset.op.name not in done)
    keys = _keys(chunk.partitions, chunk.first, chunk.last)
    if not unfinished or blocked.isdisjoint(keys):
        return []
    runs = [list(days) for held, days in groupby(keys, blocked.__contains__) if not held]
    return [Chunk(unfinished, days[0], days[-1]) for days in runs]


def _keys(partitions: dg.TimeWindowPartitionsDefinition, first: str, last: str) -> list[str]:
    return [key for key in partitions.get_partition_keys() if first <= key <= last]


def waves(assets: Sequence[dg.AssetsDefinition]) -> list[tuple[dg.AssetsDefinition, ...]]:
    """Assets by how many complete tables they have to wait for."""
    by_key = {asset.key: asset for asset in assets}
    level: dict[dg.AssetKey, int] = {}

    def wave(key: dg.AssetKey) -> int:
        if key not in level:
            asset = by_key[key]
            level[key] = max(
                (
                    wave(upstream) + (upstream.to_user_string() in asset.metadata_by_key[key].get(WAITS_FOR, []))
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
            blocked = _blocked(event)
            data = event.step_failure_data
            reason = data.user_failure_data.description if data.user_failure_data else None
            error = data.error.cause if data.error and data.error.cause else data.error
            yield StepFailure(
                table=(event.step_key or "").replace("__", "."),
                first=min(blocked, default=chunk.first),
                last=max(blocked, default=chunk.last),
                reason=reason or (error.message.strip() if error else "no reason given"),
            )


def _blocked(event: dg.DagsterEvent) -> list[str]:
    """The partitions a failed step could not publish, when it could have published others."""
    told = event.step_failure_data.user_failure_data
    metadata = told.metadata.get(BLOCKED) if told else None
    return list(metadata.value) if isinstance(metadata, dg.JsonMetadataValue) else []  # type: ignore[arg-type]
