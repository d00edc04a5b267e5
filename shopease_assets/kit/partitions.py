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

#: All upstream days up to the end of the partition; days not published yet are no error.
HISTORY = dg.TimeWindowPartitionMapping(start_offset=-1200, allow_nonexistent_upstream_partitions=True)
#: Metadata of an asset: the tables a first load has to complete before it.
WAITS_FOR = "shopease/waits_for"
#: Metadata of a silver asset: column → the silver table in any version of which it must exist.
REFERENCES = "shopease/references"
