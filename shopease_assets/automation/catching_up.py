"""Which days a refresh has to run: those the source touched since we last read it, and those never published."""

from collections.abc import Iterable
from datetime import date, timedelta
from itertools import pairwise

from shopease_assets.core.layout import TableRef, partition_date
from shopease_assets.sources.postgres import PostgresSnapshot
from shopease_assets.sources.postgres_table import DayRange, PostgresTable
from shopease_assets.storage.lake import ParquetLake
from shopease_assets.storage.versions import written_at

#: Clocks differ and transactions commit late: changes this old are looked at again.
_OVERLAP = timedelta(minutes=10)
_SHORT_GAP_DAYS = 31
_LAST_OF_THE_DAY = TableRef("gold", "daily_sales_summary")


def days_to_refresh(
    lake: ParquetLake, snapshot: PostgresSnapshot, tables: Iterable[PostgresTable], days: DayRange
) -> list[tuple[date, date]]:
    """Ranges of days, ascending: touched at the source, never published, and the last one."""
    published = {partition_date(key) for key in lake.log.pointers(_LAST_OF_THE_DAY)}
    stale = {days.end, *set(days) - published}
    for table in tables:
        stale |= _stale(lake, snapshot, table, days)
    return _ranges(stale)


def version_days(
    lake: ParquetLake, snapshot: PostgresSnapshot, tables: Iterable[PostgresTable], days: DayRange
) -> set[str]:
    """The days the lake lacks of the tables that keep versions: with rows and never read, or changed since."""
    versioned = [table for table in tables if table.versions]
    lacking = {day for table in versioned for day in _stale(lake, snapshot, table, days)}
    read = {key for table in versioned for key in lake.log.pointers(TableRef("bronze", table.name))}
    return {day.isoformat() for day in _with_short_gaps(sorted(lacking), {partition_date(key) for key in read})}


def _with_short_gaps(days: list[date], read: set[date]) -> set[date]:
    """The days, and those between them that were never read either: one run of a month beats thirty runs of a day."""
    between = {
        before + timedelta(days=n)
        for before, after in pairwise(days)
        if (after - before).days <= _SHORT_GAP_DAYS
        for n in range(1, (after - before).days)
    }
    return {*days} | (between - read)


def _stale(lake: ParquetLake, snapshot: PostgresSnapshot, table: PostgresTable, days: DayRange) -> set[date]:
    """The days whose rows at the source are newer than what was read of them."""
    pointers = lake.log.pointers(TableRef("bronze", table.name))
    written = {partition_date(key): written_at(pointer.version) for key, pointer in pointers.items()}
    seen = {day: at - _OVERLAP for day, at in written.items() if at}
    since = None if table.versions else min(seen.values(), default=None)
    if since is None and not table.versions:
        return set()  # nothing of it was ever read: all its days are missing anyway
    changes = snapshot.newest_changes(table, since, days.zone)
    # Versions older than the lake belong to its first day.
    dated = ((max(day, days.start) if table.versions else day, at) for day, at in changes.items())
    return {day for day, at in dated if day not in seen or at > seen[day]} & set(days)


def _ranges(days: Iterable[date]) -> list[tuple[date, date]]:
    """Consecutive days joined."""
    ranges: list[tuple[date, date]] = []
    for day in sorted(days):
        if ranges and ranges[-1][1] + timedelta(days=1) == day:
            ranges[-1] = (ranges[-1][0], day)
        else:
            ranges.append((day, day))
    return ranges
