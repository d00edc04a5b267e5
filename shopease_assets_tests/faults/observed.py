"""What fault tests look at: retries, files on disk, the content of what is published, whether partitions are whole."""

import hashlib
from datetime import timedelta
from pathlib import Path

from dagster._core.execution.plan.active import ActiveExecution

from shopease_assets_tests.platform import Platform

_RUN_COLUMNS = {"_extracted_at", "run_id", "quarantined_at"}


def retry_at_once() -> None:
    """Let Dagster retry without its pause, in this process, for good."""
    wait = ActiveExecution.mark_up_for_retry
    ActiveExecution.mark_up_for_retry = lambda plan, step, at_time=None: wait(plan, step)  # type: ignore[method-assign]


def retried_steps(platform: Platform) -> list[str]:
    """The steps Dagster tried again, in all runs of the platform."""
    return [
        record.dagster_event.step_key or ""
        for run in platform.instance.get_run_records()
        for record in platform.instance.all_logs(run.dagster_run.run_id)
        if record.dagster_event and record.dagster_event.event_type_value == "STEP_UP_FOR_RETRY"
    ]


def published(platform: Platform, table: str) -> dict[str, tuple[str, int]]:
    """Partition → version and rows, of `silver.orders`; nothing when the table was never published."""
    pointers = {str(ref): platform.log.pointers(ref) for ref in platform.log.tables()}
    return {key: (pointer.version, pointer.rows) for key, pointer in pointers.get(table, {}).items()}


def digest(platform: Platform) -> str:
    """One number for everything that is published, whatever runs made it and when."""
    whole = hashlib.sha256()
    for ref in sorted(platform.log.tables()):
        for key in sorted(platform.log.pointers(ref)):
            frame = platform.lake.scan(ref, [key]).collect()
            frame = frame.drop(_RUN_COLUMNS & set(frame.columns))
            rows = sorted(map(repr, frame.select(sorted(frame.columns)).iter_rows()))
            whole.update(f"{ref} {key} {rows}".encode())
    return whole.hexdigest()


def read_everything(platform: Platform) -> int:
    """Read every published partition and compare its rows with what the log says; returns how many there were."""
    whole = 0
    for ref in platform.log.tables():
        pointers = platform.log.pointers(ref)
        counted = platform.lake.scan(ref).group_by(ref.partition_by).len().collect()
        rows = {day.isoformat(): count for day, count in counted.iter_rows()}
        assert {key: rows.get(key, 0) for key in pointers} == {key: at.rows for key, at in pointers.items()}, ref
        whole += len(pointers)
    return whole


def left_over(platform: Platform) -> set[str]:
    """Files that no reader can reach, after a vacuum without grace."""
    for ref in platform.log.tables():
        platform.lake.vacuum(ref, keep=1, grace=timedelta(0))
    reachable = {path for ref in platform.log.tables() for path in platform.lake.files(ref)}
    return {str(path) for path in Path(platform.lake.location.root).rglob("*.parquet")} - reachable
