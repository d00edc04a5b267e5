"""Runs chunks of partitions through Dagster in this process, one after the other. Which, `planning` decides."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

import dagster as dg

from shopease_assets.automation.planning import Chunk, range_tags
from shopease_assets.storage.io_manager import BLOCKED, NOT_PUBLISHED

_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
Progress = Callable[[int], None]  # how many chunks are done


@dataclass(frozen=True)
class StepFailure:
    """A table that could not be published for some partitions of a run, and why."""

    table: str
    first: str
    last: str
    reason: str
    lacks_input: bool = False  # only because something before it is not published


@dataclass(frozen=True)
class Outcome:
    """What a range of runs did."""

    runs: int
    failures: Sequence[StepFailure] = field(default_factory=tuple)

    @property
    def success(self) -> bool:
        """Whether every table was published for every partition."""
        return not self.failures


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
                tags=range_tags(part.first, part.last),
                raise_on_error=False,
            )
            runs += 1
            failures += [
                step_failure(event, part.first, part.last) for event in result.all_events if event.is_step_failure
            ]
            waiting += _without_blocked(part, result)
    return Outcome(runs, tuple(failures))


def _without_blocked(chunk: Chunk, result: dg.ExecuteInProcessResult) -> list[Chunk]:
    """What a blocked day must not hold back: the unfinished assets, for the other days of the run."""
    blocked = {day for event in result.all_events if event.is_step_failure for day in blocked_partitions(event)}
    done = {event.step_key for event in result.all_events if event.is_step_success}
    unfinished = tuple(asset for asset in chunk.assets if asset.op.name not in done)
    keys = chunk.keys
    if not unfinished or blocked.isdisjoint(keys):
        return []
    runs = [list(days) for held, days in groupby(keys, blocked.__contains__) if not held]
    return [Chunk(unfinished, days[0], days[-1]) for days in runs]


def step_failure(event: dg.DagsterEvent, first: str, last: str) -> StepFailure:
    """What the failed step of a run over those partitions says."""
    blocked = blocked_partitions(event)
    data = event.step_failure_data
    reason = data.user_failure_data.description if data.user_failure_data else None
    error = data.error.cause if data.error and data.error.cause else data.error
    return StepFailure(
        table=(event.step_key or "").replace("__", "."),
        first=min(blocked, default=first),
        last=max(blocked, default=last),
        reason=reason or (error.message.strip() if error else "no reason given"),
        lacks_input=data.user_failure_data is not None and NOT_PUBLISHED in data.user_failure_data.metadata,
    )


def blocked_partitions(event: dg.DagsterEvent) -> list[str]:
    """The partitions a failed step could not publish, when it could have published others."""
    told = event.step_failure_data.user_failure_data
    metadata = told.metadata.get(BLOCKED) if told else None
    return list(metadata.value) if isinstance(metadata, dg.JsonMetadataValue) else []  # type: ignore[arg-type]
