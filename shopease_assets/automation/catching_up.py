"""Which days a refresh has to run: those the source touched since we last read it, and those never published."""

from collections.abc import Iterable
from datetime import date, timedelta

from shopease_assets.core.layout import TableRef, partition_date
from shopease_assets.sources.postgres import PostgresSnapshot
from shopease_assets.sources.postgres_table import DayRange, PostgresTable
from shopease_assets.storage.lake import ParquetLake

#: Clocks differ and transactions commit late: changes this old are looked at again.
_OVERLAP = timedelta(minutes=10)
_LAST_OF_THE_DAY = TableRef("gold", "daily_sales_summary")


def days_to_refresh(
    lake: ParquetLake, snapshot: PostgresSnapshot, tables: Iterable[PostgresTable], days: DayRange
) -> list[tuple[date, date]]:
    """Ranges of days, ascending: touched at the source, never published, and the last one."""
    published = {partition_date(key) for key in lake.log.pointers(_LAST_OF_THE_DAY)}
    stale = {days.end, *set(days) - published}
    for table in tables:
        stale |= _touched(lake, snapshot, table, days)
    return _ranges(stale)


def version_days(
    lake: ParquetLake, snapshot: PostgresSnapshot, tables: Iterable[PostgresTable], days: DayRange
) -> set[str]:
    """The days the lake lacks of the tables that keep versions: never read, or touched since."""
    lacking: set[date] = set()
    for table in tables:
        if table.versions:
            read = {partition_date(key) for key in lake.log.pointers(TableRef("bronze", table.name))}
            lacking |= set(days) - read
            lacking |= _touched(lake, snapshot, table, days)
    return {day.isoformat() for day in lacking}


def _touched(lake: ParquetLake, snapshot: PostgresSnapshot, table: PostgresTable, days: DayRange) -> set[date]:
    publications = lake.history(TableRef("bronze", table.name))
    if not publications:
        return set()
    return snapshot.days_touched(table, publications[0].published_at - _OVERLAP, days.zone) & set(days)


def _ranges(days: Iterable[date]) -> list[tuple[date, date]]:
    """Consecutive days joined."""
    ranges: list[tuple[date, date]] = []
    for day in sorted(days):
        if ranges and ranges[-1][1] + timedelta(days=1) == day:
            ranges[-1] = (ranges[-1][0], day)
        else:
            ranges.append((day, day))
    return ranges
