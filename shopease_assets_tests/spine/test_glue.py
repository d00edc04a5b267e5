"""The platform over S3: every table it publishes is in Glue, whose outage harms nothing, and verbs put things right."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import pytest

from shopease_assets.aws import client
from shopease_assets.core.layout import TableRef
from shopease_assets.definitions import defs
from shopease_assets.kit.documents import document
from shopease_assets.settings import settings
from shopease_assets.storage.catalog import check
from shopease_assets.storage.lake import ParquetLake, utc_now
from shopease_assets.storage.location import Location
from shopease_assets.storage.open import open_mirror
from shopease_assets_tests.aws import make_bucket
from shopease_assets_tests.platform import LAST_DAY, Platform
from shopease_assets_tests.spine.shell import Shell, shell_over
from shopease_assets_tests.strict_glue import StrictGlue

DAY = LAST_DAY
TENANTS = TableRef("silver", "tenants")


@pytest.fixture
def on_s3(aws: str, platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Platform]:
    """A platform whose lake is a bucket, mirrored in Glue."""
    make_bucket("shopease-lake")
    platform.lake = ParquetLake(Location.s3("s3://shopease-lake/prod"), platform.log)
    monkeypatch.setenv("SHOPEASE_LAKE_URI", "s3://shopease-lake/prod")
    monkeypatch.setenv("SHOPEASE_CATALOG_URL", f"sqlite:///{tmp_path}/lake/_catalog.sqlite")
    monkeypatch.setenv("SHOPEASE_ENVIRONMENT", "test")
    settings.cache_clear()
    platform.mirror = open_mirror(settings(), platform.lake, document)
    yield platform
    monkeypatch.undo()
    settings.cache_clear()


@pytest.fixture
def shell(on_s3: Platform, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Shell]:
    yield from shell_over(on_s3, monkeypatch, capsys)


@pytest.fixture
def glue(aws: str) -> StrictGlue:
    return StrictGlue(client("glue"))


def addresses(platform: Platform, table: TableRef) -> dict[str, str]:
    assert platform.mirror is not None
    return platform.mirror.addresses(table)


def nightly_check(platform: Platform) -> dg.AssetCheckEvaluation:
    result = defs.resolve_job_def("catalog").execute_in_process(instance=platform.instance)
    (evaluation,) = result.get_asset_check_evaluations()
    return evaluation


@pytest.mark.slow
def test_every_table_a_run_publishes_is_in_glue_as_it_is_in_its_files(on_s3: Platform, glue: StrictGlue) -> None:
    glue.page = 50
    assert on_s3.run(date(2026, 1, 1), date(2026, 1, 2)).success
    assert on_s3.mirror is not None
    in_glue = {table for layer in ("bronze", "silver", "gold", "quarantine") for table in on_s3.mirror.tables(layer)}
    assert in_glue == set(on_s3.log.tables())
    assert {table.layer for table in in_glue} == {"bronze", "silver", "gold", "quarantine"}
    assert check(on_s3.lake, on_s3.mirror, document, now=utc_now(), grace=timedelta(days=1)) == []


def test_an_outage_of_glue_fails_no_run_and_the_nightly_job_makes_up_for_it(
    on_s3: Platform, glue: StrictGlue, caplog: pytest.LogCaptureFixture
) -> None:
    tried: list[str] = []
    glue.down, glue.before = True, tried.append
    assert on_s3.run(DAY, tables=["bronze/tenants", "silver/tenants"]).success
    assert "bronze.tenants is not up to date in Glue" in caplog.text
    assert len(tried) == 1, "a run must not wait for Glue at every table"
    glue.down = False
    with pytest.raises(client("glue").exceptions.EntityNotFoundException):
        client("glue").get_table(DatabaseName="shopease_test_silver", Name="tenants")
    assert nightly_check(on_s3).passed
    assert set(addresses(on_s3, TENANTS)) == set(on_s3.log.pointers(TENANTS))


def test_the_nightly_job_tells_what_no_repair_mends(on_s3: Platform) -> None:
    assert on_s3.run(DAY, tables=["bronze/tenants", "silver/tenants"]).success
    path = on_s3.lake.files(TENANTS, [DAY.isoformat()])[0].removeprefix("s3://")
    on_s3.lake.location.filesystem.delete_file(path)
    found = nightly_check(on_s3)
    assert not found.passed
    assert "shopease run for these partitions" in (found.description or "")
    assert list(found.metadata) == ["published files that are missing or cut short"]


def test_the_verbs_find_mend_and_rebuild(
    on_s3: Platform, shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    day = DAY.isoformat()
    assert on_s3.run(DAY, tables=["bronze/tenants", "silver/tenants"]).success
    assert "log and objects and Glue agree" in shell("catalog", "check")
    client("glue").delete_partition(DatabaseName="shopease_test_silver", TableName="tenants", PartitionValues=[day])
    told = shell("catalog", "check", "--table", "silver/tenants", exits=1)
    assert "partitions Glue lacks: 1" in told
    assert "cure: shopease catalog repair" in told
    assert "silver/tenants" in shell("catalog", "repair")
    assert "nothing to do" in shell("catalog", "repair")

    shell("rollback", "silver/tenants", "--to", "0")
    assert addresses(on_s3, TENANTS) == {}
    publication = on_s3.lake.history(TENANTS)[-1].id
    shell("rollback", "silver/tenants", "--to", str(publication))
    assert set(addresses(on_s3, TENANTS)) == {day}

    on_s3.lake.rollback(TENANTS, 0)
    assert "silver.tenants: Glue has only just followed" in shell("vacuum", "silver/tenants", "--grace-hours", "0")
    on_s3.lake.rollback(TENANTS, publication)
    assert "left for next time" in shell("vacuum", "silver/tenants")
    assert "left for next time" not in shell("vacuum", "silver/tenants")

    assert "not empty" in shell("catalog", "rebuild-log", exits=1)
    monkeypatch.setenv("SHOPEASE_CATALOG_URL", f"sqlite:///{tmp_path}/new/log.db")
    settings.cache_clear()
    assert "silver/tenants" in shell("catalog", "rebuild-log")
    assert shell("query", "select count(*) as n from silver.tenants", "--format", "csv") == (
        f"n\n{on_s3.lake.scan(TENANTS).collect().height}\n"
    )
    assert "agree" in shell("catalog", "check")


def test_a_lake_in_a_folder_is_checked_too_and_has_nothing_to_repair(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert platform.run(DAY, tables=["bronze/tenants", "silver/tenants"]).success
    for shell in shell_over(platform, monkeypatch, capsys):
        assert "log and objects agree" in shell("catalog", "check")
        assert "a lake in a folder has no tables in Glue" in shell("catalog", "repair", exits=1)
        Path(platform.lake.files(TENANTS)[0]).unlink()
        assert "is gone" in shell("catalog", "check", exits=1)
