"""One verification: every table and report, from one snapshot of the source, into one certificate."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date

from shopease_assets.parity.accounting import accounted_in_silver
from shopease_assets.parity.certificate import Certificate, ReportParity, TableParity
from shopease_assets.parity.compare import compared_with_bronze
from shopease_assets.parity.lake_snapshot import LakeSnapshot
from shopease_assets.parity.reports import Report, compared_report
from shopease_assets.sources.postgres import PostgresSnapshot
from shopease_assets.sources.postgres_table import DayRange, PostgresTable


def verified(
    lake: LakeSnapshot,
    snapshot: PostgresSnapshot,
    tables: Iterable[PostgresTable],
    reports: Iterable[Report],
    days: DayRange,
    lake_start: date,
    source: str,
) -> Iterable[TableParity | ReportParity | Certificate]:
    """Each table's and report's outcome as soon as it is known, and the certificate last.

    Args:
        lake: what is published, as of one publication.
        snapshot: the source as of one instant.
        tables: the source tables to compare.
        reports: the reports to recompute.
        days: the business days in question, in the zone they are cut in.
        lake_start: the lake's first day, which holds all older versions.
        source: what the certificate calls the source.

    Raises:
        SourceError: a table or column is gone at the source, or it cannot be read.
    """
    found: list[TableParity] = []
    for table in tables:
        parity = compared_with_bronze(table, snapshot, lake, days, lake_start)
        if silver := accounted_in_silver(table, lake, days):
            parity = replace(parity, accounts=silver.accounts, differences=[*parity.differences, *silver.differences])
        found.append(parity)
        yield parity
    recomputed: list[ReportParity] = []
    for report in reports:
        recomputed.append(outcome := compared_report(report, snapshot, lake, days, lake_start))
        yield outcome
    yield Certificate(
        source, snapshot.taken_at, lake.publication, days.start, days.end, days.zone.key, found, recomputed
    )
