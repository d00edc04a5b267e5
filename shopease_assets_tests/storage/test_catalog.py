"""`check` finds whatever does not agree and names the cure; `repair` mends Glue only; a lost log comes back."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shopease_assets.core.errors import CatalogError
from shopease_assets.core.layout import TableRef
from shopease_assets.storage.catalog import Finding, Kind, check, repair
from shopease_assets.storage.glue import GlueMirror
from shopease_assets.storage.glue_tables import TableDocument
from shopease_assets.storage.lake import ParquetLake, StagedPartition
from shopease_assets.storage.location import Location
from shopease_assets.storage.log import PublicationLog
from shopease_assets.storage.parquet import StoredFile
from shopease_assets.storage.rebuilding import rebuild_log
from shopease_assets_tests.aws import make_bucket
from shopease_assets_tests.storage.scenario import (
    MONDAY,
    ORDERS,
    TUESDAY,
    WEDNESDAY,
    FakeClock,
    order_ids,
    orders,
    publish,
    rows,
)
from shopease_assets_tests.strict_glue import StrictGlue

GRACE = timedelta(hours=24)
SILVER = {"DatabaseName": "shopease_test_silver", "TableName": "orders"}


@pytest.fixture
def location(glue: StrictGlue) -> Location:
    make_bucket("shopease-lake")
    return Location.s3("s3://shopease-lake/prefix")


@pytest.fixture
def log(tmp_path: Path) -> Iterator[PublicationLog]:
    opened = PublicationLog.open(f"sqlite:///{tmp_path}/log.db")
    yield opened
    opened.close()


def mirror_of(lake: ParquetLake) -> GlueMirror:
    return GlueMirror(lake.location, lake.log, "test", document)


def document(_: TableRef) -> TableDocument:
    return TableDocument("A table.")


@pytest.fixture
def mirrored(lake: ParquetLake) -> ParquetLake:
    """Three days of orders, in log and Glue."""
    publish(lake, orders((1, MONDAY), (2, TUESDAY), (3, WEDNESDAY)))
    mirror_of(lake).sync(ORDERS)
    return lake


def found(lake: ParquetLake, clock: FakeClock) -> dict[Kind, list[str]]:
    """Kind → the partitions found."""
    findings = check(lake, mirror_of(lake), document, now=clock(), grace=GRACE)
    return {kind: [one.partition for one in findings if one.kind == kind] for kind in {one.kind for one in findings}}


def file_of(lake: ParquetLake, day: str) -> str:
    return lake.files(ORDERS, [day])[0].removeprefix("s3://")


def test_a_mirrored_lake_has_nothing_to_find(mirrored: ParquetLake, clock: FakeClock) -> None:
    assert found(mirrored, clock) == {}
    assert repair(mirrored, mirror_of(mirrored)) == []


def test_whatever_others_did_to_glue_is_found_and_mended_once(
    mirrored: ParquetLake, glue: StrictGlue, clock: FakeClock
) -> None:
    held = glue.client.get_partition(**SILVER, PartitionValues=[TUESDAY])["Partition"]
    moved = {"Values": [TUESDAY], "StorageDescriptor": {**held["StorageDescriptor"], "Location": "s3://elsewhere/"}}
    invented = {"Values": ["2031-01-01"], "StorageDescriptor": {**held["StorageDescriptor"], "Location": "s3://gone/"}}
    glue.client.delete_partition(**SILVER, PartitionValues=[MONDAY])
    glue.client.update_partition(**SILVER, PartitionValueList=[TUESDAY], PartitionInput=moved)
    glue.client.create_partition(**SILVER, PartitionInput=invented)
    table = glue.client.get_table(DatabaseName="shopease_test_silver", Name="orders")["Table"]
    table["StorageDescriptor"]["Columns"][0]["Type"] = "string"
    said = {name: table[name] for name in ("Name", "TableType", "Parameters", "PartitionKeys", "StorageDescriptor")}
    glue.client.update_table(DatabaseName="shopease_test_silver", TableInput=said, VersionId=table["VersionId"])

    assert found(mirrored, clock) == {
        Kind.MISSING: [MONDAY],
        Kind.STALE: [TUESDAY],
        Kind.ORPHAN: ["2031-01-01"],
        Kind.DEFINITION: [""],
    }
    before = rows(mirrored)
    (mended,) = repair(mirrored, mirror_of(mirrored))
    assert (list(mended.create), list(mended.update), list(mended.delete)) == ([MONDAY], [TUESDAY], ["2031-01-01"])
    assert repair(mirrored, mirror_of(mirrored)) == []
    assert found(mirrored, clock) == {}
    assert rows(mirrored) == before


def test_a_rollback_nobody_mirrored_is_found_and_mended(mirrored: ParquetLake, clock: FakeClock) -> None:
    mirrored.rollback(ORDERS, 0, partitions=[MONDAY])
    assert found(mirrored, clock) == {Kind.UNPUBLISHED: [MONDAY]}
    repair(mirrored, mirror_of(mirrored))
    assert found(mirrored, clock) == {}


def test_a_database_that_is_gone_is_made_again(mirrored: ParquetLake, glue: StrictGlue, clock: FakeClock) -> None:
    glue.client.delete_database(Name="shopease_test_silver")
    assert set(found(mirrored, clock)) == {Kind.MISSING, Kind.DEFINITION}
    repair(mirrored, mirror_of(mirrored))
    assert found(mirrored, clock) == {}


def test_orphans_whose_files_are_there_outlive_a_repair(
    mirrored: ParquetLake, tmp_path: Path, clock: FakeClock
) -> None:
    log = PublicationLog.open(f"sqlite:///{tmp_path}/fresh.db")
    fresh = ParquetLake(mirrored.location, log, clock=clock)
    publish(fresh, orders((9, MONDAY)))
    assert found(fresh, clock)[Kind.ORPHAN] == [TUESDAY, WEDNESDAY]
    (mended,) = repair(fresh, mirror_of(fresh))
    assert (list(mended.update), list(mended.delete), list(mended.orphans)) == ([MONDAY], [], [TUESDAY, WEDNESDAY])
    log.close()


def test_a_table_only_glue_knows_is_found_and_others_own_tables_are_not(
    mirrored: ParquetLake, tmp_path: Path, glue: StrictGlue, clock: FakeClock
) -> None:
    theirs = {"Name": "scratch", "TableType": "EXTERNAL_TABLE", "Parameters": {}}
    glue.client.create_table(DatabaseName="shopease_test_silver", TableInput=theirs)
    assert found(mirrored, clock) == {}
    log = PublicationLog.open(f"sqlite:///{tmp_path}/empty.db")
    lost = ParquetLake(mirrored.location, log, clock=clock)
    assert check(lost, mirror_of(lost), document, now=clock(), grace=GRACE) == [Finding(Kind.UNKNOWN_TABLE, ORDERS, "")]
    log.close()


def test_files_that_are_gone_short_or_of_other_types_are_named(mirrored: ParquetLake, clock: FakeClock) -> None:
    filesystem = mirrored.location.filesystem
    filesystem.delete_file(file_of(mirrored, MONDAY))
    with filesystem.open_output_stream(file_of(mirrored, TUESDAY)) as short:
        short.write(b"PAR1")
    findings = check(mirrored, None, document, now=clock(), grace=GRACE)
    assert [(one.kind, one.partition) for one in findings] == [(Kind.FILES, MONDAY), (Kind.FILES, TUESDAY)]
    assert "is gone" in findings[0].says
    assert "has 4 of" in findings[1].says


def test_a_footer_of_other_types_is_found_before_athena_stumbles_over_it(lake: ParquetLake, clock: FakeClock) -> None:
    staged = lake.stage(ORDERS, orders((1, MONDAY)), partitions=[MONDAY], run_id="run")
    path = lake.relation_staged(staged).paths[0].removeprefix("s3://")
    with lake.location.filesystem.open_output_stream(path) as file:
        pq.write_table(pa.table({"order_id": ["1"]}), file)
    size = lake.location.filesystem.get_file_info(path).size
    other = StagedPartition((StoredFile("part-0.parquet", size),), 1)
    lake.publish(replace(staged, partitions={MONDAY: other}))
    (finding,) = check(lake, None, document, now=clock(), grace=GRACE)
    assert (finding.kind, finding.says) == (Kind.TYPES, "order_id is string, not bigint")


def test_a_contract_that_promises_other_types_is_found(mirrored: ParquetLake, clock: FakeClock) -> None:
    promise = pa.schema([("order_id", pa.string()), ("amount", pa.decimal128(12, 2))])
    (finding,) = check(mirrored, None, lambda _: TableDocument(schema=promise), now=clock(), grace=GRACE)
    assert finding.kind == Kind.CONTRACT
    assert finding.says == "order_id is bigint, not string, amount is missing, not decimal(12,2)"


def test_a_type_athena_cannot_read_is_found(lake: ParquetLake, clock: FakeClock) -> None:
    publish(lake, orders((1, MONDAY), n=pl.lit(1, pl.UInt32)))
    findings = check(lake, None, document, now=clock(), grace=GRACE)
    assert {one.kind for one in findings} == {Kind.UNREADABLE, Kind.TYPES}


def test_what_was_staged_and_never_published_is_found_after_the_grace(mirrored: ParquetLake, clock: FakeClock) -> None:
    staged = mirrored.stage(ORDERS, orders((7, MONDAY)), partitions=[MONDAY], run_id="lost")
    assert found(mirrored, clock) == {}
    clock.advance(hours=25)
    findings = check(mirrored, None, document, now=clock(), grace=GRACE)
    assert [(one.kind, one.says) for one in findings] == [(Kind.STRAY, staged.version)]
    mirrored.vacuum(ORDERS, keep=1, grace=GRACE)
    assert check(mirrored, None, document, now=clock(), grace=GRACE) == []


def test_a_lost_log_is_rebuilt_and_goes_on(mirrored: ParquetLake, tmp_path: Path, clock: FakeClock) -> None:
    publish(mirrored, orders((4, "2025-03-06"), city="Pune"))  # the earlier days have no such column
    publish(mirrored, orders((5, MONDAY), city="Goa"))
    mirror_of(mirrored).sync(ORDERS)
    seen, told = rows(mirrored), mirrored.log.pointers(ORDERS)

    log = PublicationLog.open(f"sqlite:///{tmp_path}/new.db")
    lake = ParquetLake(mirrored.location, log, clock=clock)
    (rebuilt,) = rebuild_log(lake, mirror_of(lake), now=clock())
    assert (rebuilt.table, rebuilt.partitions, rebuilt.rows, rebuilt.lost) == (ORDERS, 4, 4, ())
    assert rows(lake) == seen
    assert log.schema(ORDERS) == mirrored.log.schema(ORDERS)
    for key, at in log.pointers(ORDERS).items():
        assert (at.version, at.files, at.rows, at.schema, at.run_id) == (
            told[key].version, told[key].files, told[key].rows, told[key].schema, told[key].run_id,
        )  # fmt: skip
    assert found(lake, clock) == {}

    publish(lake, orders((6, TUESDAY), city="Goa"))
    mirror_of(lake).sync(ORDERS)
    assert order_ids(lake) == [3, 4, 5, 6]
    assert found(lake, clock) == {}
    with pytest.raises(CatalogError, match="not empty"):
        rebuild_log(lake, mirror_of(lake), now=clock())
    log.close()


def test_months_and_what_has_no_version_are_told_apart(
    mirrored: ParquetLake, tmp_path: Path, glue: StrictGlue, clock: FakeClock
) -> None:
    sales = TableRef("gold", "sales", "month")
    frame = pl.DataFrame({"n": [1], "month": [date(2025, 3, 1)]})
    mirrored.publish(mirrored.stage(sales, frame, partitions=["2025-03-01"], run_id="run"))
    mirror_of(mirrored).sync(sales)
    mirrored.location.filesystem.delete_dir(mirrored.location.version(
        ORDERS, MONDAY, mirrored.log.pointers(ORDERS)[MONDAY].version
    ))  # fmt: skip
    log = PublicationLog.open(f"sqlite:///{tmp_path}/new.db")
    lake = ParquetLake(mirrored.location, log, clock=clock)
    rebuilt = {one.table: one for one in rebuild_log(lake, mirror_of(lake), now=clock())}
    assert rebuilt[sales].partitions == 1
    assert rebuilt[ORDERS].lost == (MONDAY,)
    assert order_ids(lake) == [2, 3]
    log.close()
