"""The tiny shop as the spine's suites run it, and a verification of any platform."""

from collections.abc import Callable, Sequence
from datetime import date

import pytest

from shopease_assets.parity.certificate import Certificate
from shopease_assets.parity.lake_snapshot import LakeSnapshot
from shopease_assets.parity.reports import REPORTS, Report
from shopease_assets.parity.verification import verified
from shopease_assets.sources.postgres import PostgresSnapshot
from shopease_assets.sources.postgres_table import DayRange
from shopease_assets_tests.platform import LAST_DAY, START, Platform
from shopease_assets_tests.spine.conftest import built, copy_of

__all__ = ["built", "copy_of"]
Verify = Callable[..., Certificate]


@pytest.fixture(scope="session")
def verify() -> Verify:
    """Verifies some tables, or everything, over some days, or all."""
    return _verify


def _verify(
    platform: Platform,
    first: date = START,
    last: date = LAST_DAY,
    *,
    tables: Sequence[str] | None = None,
    reports: Sequence[Report] = (),
    days: DayRange | None = None,
) -> Certificate:
    from shopease_assets.definitions import source_tables

    chosen = [table for table in source_tables if tables is None or table.name in tables]
    told = REPORTS if tables is None else reports
    with PostgresSnapshot(platform.dsn) as snapshot:
        *_, certificate = verified(
            LakeSnapshot.now(platform.lake),
            snapshot,
            chosen,
            told,
            days or DayRange(first, last),
            START,
            "the tiny shop",
        )
    assert isinstance(certificate, Certificate)
    return certificate
