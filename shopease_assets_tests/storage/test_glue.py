"""Glue shows what the log says: types, comments, and the folder of every published version; whatever went wrong."""

import json
import threading
from base64 import b64decode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest

from shopease_assets.core.errors import CatalogError
from shopease_assets.core.layout import TableRef
from shopease_assets.storage.glue import GlueMirror
from shopease_assets.storage.glue_tables import TableDocument
from shopease_assets.storage.glue_types import glue_columns, trino_columns
from shopease_assets.storage.lake import ParquetLake
from shopease_assets.storage.location import Location
from shopease_assets.storage.log import PublicationLog
from shopease_assets.storage.records import Draft, Move, NewVersion
from shopease_assets_tests.aws import make_bucket
from shopease_assets_tests.storage.scenario import MONDAY, ORDERS, TUESDAY, WEDNESDAY, FakeClock, orders, publish
from shopease_assets_tests.strict_glue import StrictGlue

SALES = TableRef("gold", "sales", "month")
MONTHS = "2025-02-01", "2025-03-01"
DOCUMENT = TableDocument("Orders.\n\nGrain: one order.", "team:data", {"order_id": "key"}, frozenset({"note"}))


@pytest.fixture
def log_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """SQLite, unless a test asks for both: only who is alone with a table depends on it."""
    if getattr(request, "param", "sqlite") == "postgresql":
        return str(request.getfixturevalue("postgres_log"))
    return f"sqlite:///{tmp_path}/log.db"


@pytest.fixture
def location(glue: StrictGlue) -> Location:
    make_bucket("shopease-lake")
    return Location.s3("s3://shopease-lake/prefix")


@pytest.fixture
def mirror(lake: ParquetLake) -> GlueMirror:
    return GlueMirror(lake.location, lake.log, "test", lambda _: DOCUMENT)


def shown(glue: StrictGlue, table: TableRef = ORDERS, name: str | None = None) -> dict[str, Any]:
    """The table or view as anyone sees it."""
    answer = glue.client.get_table(DatabaseName=f"shopease_test_{table.layer}", Name=name or table.name)
    found: dict[str, Any] = answer["Table"]
    return found


def partitions(glue: StrictGlue, table: TableRef = ORDERS) -> dict[str, dict[str, Any]]:
    pages = glue.client.get_paginator("get_partitions").paginate(
        DatabaseName=f"shopease_test_{table.layer}", TableName=table.name
    )
    return {at["Values"][0]: at["StorageDescriptor"] for page in pages for at in page["Partitions"]}


def addresses(glue: StrictGlue) -> dict[str, str]:
    return {key: at["Location"] for key, at in partitions(glue).items()}


def published(lake: ParquetLake, table: TableRef = ORDERS) -> dict[str, str]:
    """What Glue should show: partition → the address of its published version."""
    root = f"s3://shopease-lake/prefix/{table.path}/{table.partition_by}="
    return {key: f"{root}{key}/{at.version}/" for key, at in lake.log.pointers(table).items()}


def columns(described: dict[str, Any]) -> dict[str, str]:
    return {column["Name"]: column["Type"] for column in described.get("StorageDescriptor", described)["Columns"]}


def note(log: PublicationLog, version: str, days: list[str]) -> None:
    """A publication as the log has it: the mirror never looks into files."""
    seen = log.snapshot(ORDERS, ())
    schema = seen.schema or pa.schema([("order_id", pa.int64())])
    moves = {day: Move(NewVersion(version, "run", (), 0, 0)) for day in days}
    log.append(Draft(ORDERS, "publish", "run", datetime(2025, 3, 1, tzinfo=UTC), None, schema, moves, seen))


def test_every_type_of_the_lake_has_its_name_in_hive_and_in_trino() -> None:
    types = {
        "id": (pa.int64(), "bigint", "bigint"),
        "Small": (pa.int32(), "int", "integer"),
        "amount": (pa.decimal128(18, 2), "decimal(18,2)", "decimal(18,2)"),
        "share": (pa.float64(), "double", "double"),
        "at": (pa.timestamp("us", "UTC"), "timestamp", "timestamp"),
        "day": (pa.date32(), "date", "date"),
        "name": (pa.string(), "string", "varchar"),
        "raw": (pa.binary(), "binary", "varbinary"),
        "yes": (pa.bool_(), "boolean", "boolean"),
        "tags": (pa.list_(pa.string()), "array<string>", "array(varchar)"),
        "place": (pa.struct([("City", pa.string()), ("n", pa.float32())]), "struct<city:string,n:float>",
                  "row(city varchar, n real)"),
        "by": (pa.map_(pa.string(), pa.int16()), "map<string,smallint>", "map(varchar, smallint)"),
    }  # fmt: skip
    schema = pa.schema([(name, type_) for name, (type_, _, _) in types.items()])
    assert glue_columns(ORDERS, schema) == {name.lower(): hive for name, (_, hive, _) in types.items()}
    assert trino_columns(ORDERS, schema) == {name.lower(): trino for name, (_, _, trino) in types.items()}


@pytest.mark.parametrize("type_", [pa.uint32(), pa.time64("us"), pa.list_(pa.uint8())])
def test_a_type_athena_cannot_read_is_named_with_its_column(type_: pa.DataType) -> None:
    with pytest.raises(CatalogError, match=r"silver\.orders: column odd is .* publish it as another type"):
        glue_columns(ORDERS, pa.schema([("odd", type_)]))


def test_names_that_differ_by_case_only_are_refused() -> None:
    with pytest.raises(CatalogError, match="apart by case"):
        glue_columns(ORDERS, pa.schema([("id", pa.int64()), ("ID", pa.int64())]))


def test_a_published_table_is_shown_with_its_types_words_and_partitions(
    lake: ParquetLake, mirror: GlueMirror, glue: StrictGlue
) -> None:
    publish(lake, orders((1, MONDAY), (2, TUESDAY), amount=Decimal("1.50"), note="x"))
    mirror.sync(ORDERS)
    table = shown(glue)
    assert table["TableType"] == "EXTERNAL_TABLE"
    assert table["Parameters"]["classification"] == "parquet"
    assert table["Parameters"]["personal"] == "true"
    assert (table["Description"], table["Owner"]) == (DOCUMENT.description, "team:data")
    assert table["PartitionKeys"] == [{"Name": "dt", "Type": "date"}]
    order_id, _amount, note = table["StorageDescriptor"]["Columns"]
    assert order_id == {"Name": "order_id", "Type": "bigint", "Comment": "key"}
    assert note["Parameters"] == {"personal": "true"}
    assert columns(table)["amount"].startswith("decimal(")
    assert table["StorageDescriptor"]["Location"] == "s3://shopease-lake/prefix/silver/orders/"
    assert addresses(glue) == published(lake)
    assert all(columns(at) == columns(table) for at in partitions(glue).values())


def test_what_was_mirrored_is_not_mirrored_again(lake: ParquetLake, mirror: GlueMirror, glue: StrictGlue) -> None:
    publish(lake, orders((1, MONDAY)))
    assert mirror.sync(ORDERS)
    glue.calls.clear()
    assert not mirror.sync(ORDERS)
    assert glue.calls == {"GetTable": 1}


def test_a_month_of_days_takes_a_handful_of_calls_however_many_there_are(
    lake: ParquetLake, mirror: GlueMirror, glue: StrictGlue
) -> None:
    days = [(date(2025, 1, 1) + timedelta(days=n)).isoformat() for n in range(250)]
    glue.page = 100
    note(lake.log, "first", days)
    mirror.sync(ORDERS)
    assert glue.calls["BatchCreatePartition"] == 3
    glue.calls.clear()
    note(lake.log, "second", days[:31])
    mirror.sync(ORDERS)
    assert glue.calls == {"GetTable": 1, "BatchGetPartition": 1, "BatchUpdatePartition": 1}
    assert addresses(glue) == published(lake)
    lake.rollback(ORDERS, 0)
    glue.calls.clear()
    mirror.sync(ORDERS)
    assert glue.calls["BatchDeletePartition"] == 10
    assert addresses(glue) == {}


def test_a_rollback_brings_back_old_addresses_and_takes_days_away(
    lake: ParquetLake, mirror: GlueMirror, glue: StrictGlue
) -> None:
    first = publish(lake, orders((1, MONDAY)))
    mirror.sync(ORDERS)
    before = addresses(glue)
    publish(lake, orders((2, MONDAY), (3, TUESDAY)))
    mirror.sync(ORDERS)
    assert addresses(glue).keys() == {MONDAY, TUESDAY}
    lake.rollback(ORDERS, first)
    mirror.sync(ORDERS)
    assert addresses(glue) == before


def test_new_columns_and_wider_types_reach_the_table_and_the_partitions_that_were_rewritten(
    lake: ParquetLake, mirror: GlueMirror, glue: StrictGlue
) -> None:
    narrow, wide = pl.Decimal(12, 2), pl.Decimal(18, 2)
    publish(lake, orders((1, MONDAY), amount=pl.lit(Decimal(1)).cast(narrow)))
    publish(lake, orders((1, WEDNESDAY), amount=pl.lit(Decimal(1)).cast(narrow)))
    mirror.sync(ORDERS)
    publish(lake, orders((2, TUESDAY), amount=pl.lit(Decimal(2)).cast(wide), city="Pune"))
    mirror.sync(ORDERS)
    assert columns(shown(glue)) == {"order_id": "bigint", "amount": "decimal(18,2)", "city": "string"}
    held = partitions(glue)
    assert columns(held[TUESDAY]) == columns(shown(glue))
    assert columns(held[MONDAY])["amount"] == columns(held[WEDNESDAY])["amount"] == "decimal(18,2)"
    assert addresses(glue) == published(lake)
    assert not mirror.compare(ORDERS)


def test_a_table_others_change_at_the_same_time_is_read_again(
    lake: ParquetLake, mirror: GlueMirror, glue: StrictGlue
) -> None:
    publish(lake, orders((1, MONDAY)))
    mirror.sync(ORDERS)
    publish(lake, orders((1, MONDAY), city="Pune"))
    glue.conflicts = 2
    mirror.sync(ORDERS)
    assert glue.calls["UpdateTable"] == 3
    assert "city" in columns(shown(glue))


def test_a_table_others_never_stop_changing_is_given_up_with_a_cure(
    lake: ParquetLake, mirror: GlueMirror, glue: StrictGlue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shopease_assets.storage.glue._PAUSES", (0.0, 0.0))
    publish(lake, orders((1, MONDAY)))
    mirror.sync(ORDERS)
    publish(lake, orders((1, MONDAY), city="Pune"))
    glue.conflicts = 99
    with pytest.raises(CatalogError, match=r"silver\.orders is not up to date in Glue .* shopease catalog repair"):
        mirror.sync(ORDERS)


def test_parameters_of_others_outlive_our_updates(lake: ParquetLake, mirror: GlueMirror, glue: StrictGlue) -> None:
    publish(lake, orders((1, MONDAY)))
    mirror.sync(ORDERS)
    table = shown(glue)
    table["Parameters"]["steward"] = "finance"
    said = {name: table[name] for name in ("Name", "TableType", "Parameters", "PartitionKeys", "StorageDescriptor")}
    glue.client.update_table(DatabaseName="shopease_test_silver", TableInput=said, VersionId=table["VersionId"])
    publish(lake, orders((1, MONDAY), city="Pune"))
    mirror.sync(ORDERS)
    assert shown(glue)["Parameters"]["steward"] == "finance"
    assert shown(glue)["Description"] == DOCUMENT.description


def test_what_was_published_while_glue_was_down_is_mirrored_the_next_time(
    lake: ParquetLake, mirror: GlueMirror, glue: StrictGlue
) -> None:
    publish(lake, orders((1, MONDAY)))
    mirror.sync(ORDERS)
    glue.down = True
    for day in (TUESDAY, WEDNESDAY):
        publish(lake, orders((2, day)))
        with pytest.raises(CatalogError, match="shopease catalog repair"):
            mirror.sync(ORDERS)
    lake.rollback(ORDERS, 1, partitions=[TUESDAY])
    glue.down = False
    publish(lake, orders((3, MONDAY)))
    mirror.sync(ORDERS)
    assert addresses(glue) == published(lake)
    assert addresses(glue).keys() == {MONDAY, WEDNESDAY}


def test_one_who_is_killed_half_way_is_made_up_for(lake: ParquetLake, mirror: GlueMirror, glue: StrictGlue) -> None:
    class Killed(BaseException):
        pass

    def kill(operation: str) -> None:
        if operation == fatal:
            raise Killed

    publish(lake, orders((1, MONDAY), (1, TUESDAY)))
    mirror.sync(ORDERS)
    known: dict[str, int] = {}
    for fatal in ("GetTable", "UpdateTable", "BatchGetPartition", "BatchCreatePartition", "BatchUpdatePartition"):
        glue.before = kill
        known[fatal] = 1
        publish(lake, orders((2, MONDAY), (1, f"2025-04-1{len(known)}"), **known))
        with pytest.raises(Killed):
            mirror.sync(ORDERS)
        glue.before = lambda _: None
        assert addresses(glue) != published(lake)
        mirror.sync(ORDERS)
        assert addresses(glue) == published(lake)
        assert fatal.lower() in columns(shown(glue))


@pytest.mark.parametrize("log_url", ["sqlite", "postgresql"], indirect=True)
def test_the_later_of_two_at_once_waits_and_wins(lake: ParquetLake, mirror: GlueMirror, glue: StrictGlue) -> None:
    publish(lake, orders((1, MONDAY)))
    mirror.sync(ORDERS)
    about_to_write, go_on = threading.Event(), threading.Event()

    def hold_the_first(operation: str) -> None:
        if operation == "BatchUpdatePartition" and not about_to_write.is_set():
            about_to_write.set()
            assert go_on.wait(30)

    glue.before = hold_the_first
    publish(lake, orders((2, MONDAY)))
    first = threading.Thread(target=mirror.sync, args=(ORDERS,))
    first.start()
    assert about_to_write.wait(30)
    publish(lake, orders((3, MONDAY)))
    other = GlueMirror(lake.location, PublicationLog.open(lake.log._url), "test", lambda _: DOCUMENT)
    second = threading.Thread(target=other.sync, args=(ORDERS,))
    second.start()
    second.join(0.3)
    assert second.is_alive(), "the second must wait: the first would write an older address after it"
    go_on.set()
    first.join(30)
    second.join(30)
    other._log.close()
    assert addresses(glue) == published(lake)


@pytest.mark.parametrize("log_url", ["sqlite", "postgresql"], indirect=True)
def test_many_who_publish_and_mirror_at_once_leave_glue_at_the_newest(
    lake: ParquetLake, glue: StrictGlue, log_url: str
) -> None:
    def publish_and_mirror(number: int) -> None:
        log = PublicationLog.open(log_url)
        mine = GlueMirror(lake.location, log, "test", lambda _: DOCUMENT)
        for turn in range(3):
            note(log, f"{number}-{turn}", [MONDAY, TUESDAY])
            mine.sync(ORDERS)
        log.close()

    note(lake.log, "first", [MONDAY])
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(publish_and_mirror, range(4)))
    assert addresses(glue) == published(lake)


def test_a_new_log_does_not_take_partitions_away_it_has_never_heard_of(
    lake: ParquetLake, mirror: GlueMirror, glue: StrictGlue, tmp_path: Any, clock: FakeClock
) -> None:
    publish(lake, orders((1, MONDAY)))
    mirror.sync(ORDERS)
    before = addresses(glue)
    log = PublicationLog.open(f"sqlite:///{tmp_path}/new.db")
    fresh = ParquetLake(lake.location, log, clock=clock)
    publish(fresh, orders((2, TUESDAY)))
    GlueMirror(fresh.location, log, "test", lambda _: DOCUMENT).sync(ORDERS)
    assert addresses(glue) == before | published(fresh)
    log.close()


@pytest.fixture
def months(lake: ParquetLake, mirror: GlueMirror) -> Iterator[ParquetLake]:
    """A table of versions by month, two of them."""
    for month in MONTHS:
        frame = pl.DataFrame({"key": ["a"], "valid_from": [date(2025, 1, 1)], "valid_to": [None], "month": [month]})
        frame = frame.with_columns(pl.col("month").str.to_date(), pl.col("valid_from", "valid_to").cast(pl.Datetime))
        lake.publish(lake.stage(SALES, frame, partitions=[month], run_id="run"))
        mirror.sync(SALES)
    return lake


def defined(view: dict[str, Any]) -> dict[str, Any]:
    """What Athena reads of a view."""
    encoded = view["ViewOriginalText"].removeprefix("/* Presto View: ").removesuffix(" */")
    read: dict[str, Any] = json.loads(b64decode(encoded))
    return read


def test_views_show_the_newest_month_by_its_name(months: ParquetLake, glue: StrictGlue) -> None:
    view = shown(glue, SALES, "sales_latest")
    assert (view["TableType"], view["Parameters"]["presto_view"]) == ("VIRTUAL_VIEW", "true")
    read = defined(view)
    assert read["originalSql"].splitlines()[-2:] == [
        'from "shopease_test_gold"."sales"',
        "where month = date '2025-03-01'",
    ]
    assert [(column["name"], column["type"]) for column in read["columns"]] == [
        ("key", "varchar"), ("valid_from", "timestamp"), ("valid_to", "timestamp"), ("month", "date"),
    ]  # fmt: skip
    assert "coalesce(valid_to" in defined(shown(glue, SALES, "sales_versions"))["originalSql"]


def test_a_view_follows_a_rollback(months: ParquetLake, mirror: GlueMirror, glue: StrictGlue) -> None:
    months.rollback(SALES, 1)
    mirror.sync(SALES)
    assert "date '2025-02-01'" in defined(shown(glue, SALES, "sales_latest"))["originalSql"]
    assert not mirror.compare(SALES)
