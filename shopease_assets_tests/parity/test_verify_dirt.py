"""A dirty source: what quarantine holds is accounted for, blocked days are told, and nothing else is an alarm."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import pytest

from shopease_assets import synthetic
from shopease_assets.core.layout import TableRef, partition_date
from shopease_assets.parity.certificate import Certificate
from shopease_assets.sources.embedded import create_database, drop_database
from shopease_assets_tests.parity.conftest import Verify
from shopease_assets_tests.platform import LAST_DAY, START, Platform
from shopease_assets_tests.spine.test_dirt import _SILVER, _SOME

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def dirty(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """Every table of every day over a shop whose orders and items are dirty: some days pass, some are blocked."""
    days = (LAST_DAY - START).days + 1
    sound = synthetic.generate("tiny", start=START, days=days)
    soiled = synthetic.generate("tiny", start=START, days=days, dirt=_SOME)
    dimensions = {table: sound.frames[table] for table in _SILVER if table not in {"orders", "order_items"}}
    dsn = create_database(server, "parity_dirty")
    synthetic.create(dsn, relaxed=True)
    synthetic.load(dsn, replace(soiled, frames=soiled.frames | dimensions))
    with Platform(dsn, tmp_path_factory.mktemp("parity_dirty") / "lake") as platform:
        platform.run(START, LAST_DAY)
        yield platform
    drop_database(server, "parity_dirty")


@pytest.fixture(scope="module")
def certificate(dirty: Platform, verify: Verify) -> Certificate:
    return verify(dirty)


def test_bronze_holds_the_dirt_as_the_source_does(certificate: Certificate) -> None:
    assert [one for one in certificate.differences if one.table.startswith("shop.")] == []
    assert all(group.equal for table in certificate.tables for group in table.compared)


def test_blocked_days_are_told_and_all_other_rows_accounted_for(dirty: Platform, certificate: Certificate) -> None:
    for table in certificate.tables:
        if table.accounts is None:
            continue
        shown = {partition_date(key) for key in dirty.log.pointers(TableRef("silver", table.name))}
        blocked = {account.day for account in table.accounts if account.state}
        assert blocked == {account.day for account in table.accounts} - shown, table.name
        for account in table.accounts:
            if not account.state:
                assert account.rows == account.published + account.quarantined + account.duplicates, account
    told = {one.what for one in certificate.differences if one.table.startswith("silver.")}
    assert told == {"not published in silver"}
    accounts = [account for table in certificate.tables for account in table.accounts or ()]
    assert sum(account.quarantined for account in accounts) > 0
    assert sum(account.duplicates for account in accounts) > 0


def test_reports_of_the_days_that_passed_equal_gold(dirty: Platform, certificate: Certificate) -> None:
    published = {date.fromisoformat(key) for key in dirty.log.pointers(TableRef("gold", "daily_sales_summary"))}
    assert {date.fromisoformat(day) for day in certificate.reports[0].partitions} == published
    assert "days are not published" in certificate.reports[0].skipped
    assert all(report.rows and not report.differences for report in certificate.reports)
