"""Which days a refresh has to run: those the source touched since we last read it, and those never published."""

from collections.abc import Iterable
from datetime import date, timedelta

from shopease_assets.core.layout import TableRef, partition_date
from shopease_assets.settings import Settings
from shopease_assets.sources.postgres import PostgresSnapshot
from shopease_assets.sources.postgres_table import PostgresTable
from shopease_assets.storage.lake import ParquetLake

#: Clocks differ and transactions commit late: changes this old are looked at again.
_OVERLAP = timedelta(minutes=10)
_LAST_OF_THE_DAY = TableRef("gold", "daily_sales_summary")


def days_to_refresh(
    lake: ParquetLake, dsn: str, tables: Iterable[PostgresTable], settings: Settings, today: date
) -> list[tuple[date, date]]:
    """Ranges of days, ascending: touched at the source, never published, and today."""
    days = {today, *_never_published(lake, settings.start_date, today)}
    with PostgresSnapshot(dsn) as snapshot:
        for table in tables:
            publications = lake.history(TableRef("bronze", table.name))
            if publications:
                days |= snapshot.days_touched(table, publications[0].published_at - _OVERLAP, settings.zone)
    return _ranges(day for day in days if settings.start_date <= day <= today)


def _never_published(lake: ParquetLake, start: date, today: date) -> set[date]:
    published = {partition_date(key) for key in lake.log.pointers(_LAST_OF_THE_DAY)}
    return {start + timedelta(days=n) for n in range((today - start).days + 1)} - published


def _ranges(days: Iterable[date]) -> list[tuple[date, date]]:
    """Consecutive days joined."""
    ranges: list[tuple[date, date]] = []
    for day in sorted(days):
        if ranges and ranges[-1][1] + timedelta(days=1) == day:
            ranges[-1] = (ranges[-1][0], day)
        else:
            ranges.append((day, day))
    return ranges
