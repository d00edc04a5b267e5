"""The platform as tests drive it: a lake in a folder, a source, and Dagster in this process."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Self

import dagster as dg
import polars as pl
import psycopg

from shopease_assets.automation.late_changes import look, newest_day, version_days
from shopease_assets.automation.planning import Chunk, Work, plan, waves
from shopease_assets.automation.runner import Outcome, run_chunks
from shopease_assets.automation.stale_work import work_to_catch_up
from shopease_assets.core.layout import TableRef
from shopease_assets.sources.postgres import PostgresSnapshot
from shopease_assets.sources.run_source import RunSource
from shopease_assets.storage.glue import GlueMirror
from shopease_assets.storage.io_manager import LakeIOManager
from shopease_assets.storage.lake import ParquetLake
from shopease_assets.storage.log import PublicationLog

START, LAST_DAY = date(2026, 1, 1), date(2026, 2, 14)


class Platform:
    """One lake over one source. Each run notes where the log stood and takes a snapshot, as in production."""

    def __init__(self, dsn: str, folder: Path, instance: dg.DagsterInstance | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.dsn = dsn
        self.log = PublicationLog.open(f"sqlite:///{folder / '_catalog.sqlite'}")
        self.lake = ParquetLake.local(folder, self.log)
        self.mirror: GlueMirror | None = None
        self.instance = instance or dg.DagsterInstance.ephemeral()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.log.close()
        self.instance.dispose()

    def run(
        self, first: date, last: date | None = None, *, tables: Sequence[str] | None = None, days_per_run: int = 31
    ) -> Outcome:
        """Run the days (and their months) for some tables (`silver/orders`), or for all."""
        from shopease_assets.definitions import assets

        selected = [asset for asset in assets if tables is None or asset.key.to_user_string() in tables]
        return self.execute(
            plan(
                selected,
                first,
                last or first,
                today=max(last or first, LAST_DAY),
                days_per_run=days_per_run,
                version_days=self._lacking(max(last or first, LAST_DAY)) if tables is None else (),
                newest_day=newest_day(self.lake),
                newest_month=max(self._months(), default=""),
            )
        )

    def lacks(self, until: date = LAST_DAY) -> Work:
        """What `shopease refresh` would run, found by comparing the days until then with the source."""
        from shopease_assets.definitions import assets, source_tables

        with PostgresSnapshot(self.dsn) as snapshot:
            found = look(self.lake, snapshot, source_tables, (START.isoformat(), until.isoformat()))
        return work_to_catch_up(self.lake, assets, found.stale)

    def refresh(self, until: date = LAST_DAY) -> Work:
        """Run what the lake lacks; returns it.

        Raises:
            AssertionError: something could not be published.
        """
        from shopease_assets.definitions import assets

        work = self.lacks(until)
        outcome = self.execute([chunk for wave in waves(work, assets, 31) for chunk in wave])
        assert outcome.success, outcome.failures
        return work

    def execute(self, chunks: Sequence[Chunk]) -> Outcome:
        """Run the chunks, in order."""
        from shopease_assets.definitions import assets

        return run_chunks(
            chunks,
            assets,
            resources=self.resources,
            instance=self.instance,
        )

    @property
    def resources(self) -> dict[str, object]:
        """What assets need: the lake and the source, anew for each run."""
        return {"lake": dg.IOManagerDefinition(self._opened), "source": _source(self.dsn)}

    def _opened(self, _: dg.InitResourceContext) -> LakeIOManager:
        return LakeIOManager(self.lake, mirror=self.mirror)

    def _lacking(self, today: date) -> set[str]:
        from shopease_assets.definitions import source_tables

        with PostgresSnapshot(self.dsn) as snapshot:
            return version_days(self.lake, snapshot, source_tables, (START.isoformat(), today.isoformat()))

    def _months(self) -> set[str]:
        monthly = [ref for ref in self.log.tables() if ref.partition_by == "month"]
        return {month for ref in monthly for month in self.log.pointers(ref)}

    def rows(self, table: str, *days: date) -> pl.DataFrame:
        """What is published of `silver.orders`, of the given days or all."""
        layer, name = table.split(".")
        ref = next(ref for ref in self.log.tables() if (ref.layer, ref.name) == (layer, name))
        return self.lake.scan(ref, [day.isoformat() for day in days] or None).collect()

    def checks(self, table: str, day: date) -> dict[str, bool]:
        """The newest outcome of each check of a partition."""
        layer, name = table.split(".")
        results = self.log.quality(TableRef(layer, name), [day.isoformat()])  # type: ignore[arg-type]
        return {result.check: result.passed for result in results}

    def sql(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        """Run a statement on the source."""
        with psycopg.connect(self.dsn) as connection:
            cursor = connection.execute(statement, values)  # type: ignore[call-overload]
            return cursor.fetchall() if cursor.description else []


def _source(dsn: str) -> dg.ResourceDefinition:
    def opened(_: dg.InitResourceContext):  # type: ignore[no-untyped-def]  # a generator resource
        source = RunSource(dsn)
        yield source
        source.close()

    return dg.ResourceDefinition(opened)
