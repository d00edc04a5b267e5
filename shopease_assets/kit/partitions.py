"""The two partition definitions and how tables of one see tables of the other. Nothing else is partitioned."""

import dagster as dg

from shopease_assets.settings import settings

#: What happened on a business day; the last partition is today.
DAILY = dg.DailyPartitionsDefinition(
    start_date=settings().start_date.isoformat(), timezone=settings().timezone, end_offset=1
)
#: The state at the end of a month; the last partition is the current month, as of the latest published day.
MONTHLY = dg.MonthlyPartitionsDefinition(
    start_date=settings().start_date.replace(day=1).isoformat(), timezone=settings().timezone, end_offset=1
)

_YEARS = 30  # of history: Dagster walks back month by month, at every look at every input

#: All upstream days up to the end of the partition, of a day or a month; days not published yet are no error.
HISTORY_OF_DAY, HISTORY_OF_MONTH = (
    dg.TimeWindowPartitionMapping(start_offset=-_YEARS * in_a_year, allow_nonexistent_upstream_partitions=True)
    for in_a_year in (366, 12)
)
#: Metadata of an asset: the tables a first load has to complete before it.
WAITS_FOR = "shopease/waits_for"
#: Metadata of a silver asset: column → the silver table in any version of which it must exist.
REFERENCES = "shopease/references"
