"""Files another engine wrote into a staged version's folders, on a folder and on S3."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import fs

from shopease_assets.core.errors import SchemaConflict
from shopease_assets.storage.lake import ParquetLake, Staged
from shopease_assets_tests.storage.scenario import MONDAY, ORDERS, TUESDAY

SCHEMA = pa.schema([("order_id", pa.int64()), ("total", pa.decimal128(18, 2)), ("at", pa.timestamp("us", "UTC"))])
AT = datetime(2025, 3, 3, 9, 30, 0, 250_000, tzinfo=UTC)
ROW = {"order_id": 1, "total": Decimal("1.50"), "at": AT}


@pytest.fixture
def log_url(tmp_path: object) -> str:
    return f"sqlite:///{tmp_path}/log.db"


def adopt(lake: ParquetLake, files: Mapping[str, list[pa.Table]], **options: object) -> Staged:
    """Adopts tables written as `<n>` into each partition's folder; Monday and Tuesday, files or not."""

    def write(folders: Mapping[str, str], schema: pa.Schema) -> None:
        for key, tables in files.items():
            path = folders[key].removeprefix(lake.location.scheme)
            lake.location.filesystem.create_dir(path)
            for number, table in enumerate(tables):
                with lake.location.filesystem.open_output_stream(f"{path}/{number}") as sink:
                    pq.write_table(table, sink, **options)

    return lake.adopt(ORDERS, SCHEMA, write, partitions=[TUESDAY, MONDAY], run_id="run")


def stored(lake: ParquetLake, staged: Staged, key: str) -> set[str]:
    """The names of all files in the partition's folder."""
    folder = lake.location.version(ORDERS, key, staged.version)
    return {info.base_name for info in lake.location.filesystem.get_file_info(fs.FileSelector(folder))}


def test_files_of_the_contract_s_types_stay_as_they_are(lake: ParquetLake) -> None:
    rows = pa.Table.from_pylist([ROW], schema=SCHEMA)
    staged = adopt(lake, {MONDAY: [rows, rows]}, use_deprecated_int96_timestamps=False)
    assert stored(lake, staged, MONDAY) == {"0", "1"}
    assert staged.partitions[MONDAY].rows == 2
    assert lake.scan_staged(staged).drop("dt").collect().rows() == [tuple(ROW.values())] * 2


def test_a_folder_without_files_becomes_an_empty_version(lake: ParquetLake) -> None:
    staged = adopt(lake, {})
    assert {key: part.rows for key, part in staged.partitions.items()} == {MONDAY: 0, TUESDAY: 0}
    lake.publish(staged)
    assert lake.scan(ORDERS, strict=True).collect().is_empty()
    assert lake.log.schema(ORDERS) == SCHEMA


def test_other_types_and_another_order_are_written_anew_and_the_files_removed(lake: ParquetLake) -> None:
    """UNLOAD writes instants as INT96, without a zone."""
    other = pa.schema([("at", pa.timestamp("us")), ("total", pa.decimal128(12, 2)), ("order_id", pa.int32())])
    rows = pa.Table.from_pylist([{**ROW, "at": AT.replace(tzinfo=None)}], schema=other)
    staged = adopt(lake, {MONDAY: [rows, rows]}, use_deprecated_int96_timestamps=True)
    assert stored(lake, staged, MONDAY) == {"part-0.parquet"} == {f.name for f in staged.partitions[MONDAY].files}
    assert staged.schema == SCHEMA
    lake.publish(staged)
    assert lake.scan(ORDERS).drop("dt").collect().rows() == [tuple(ROW.values())] * 2


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"order_id": [1], "total": [Decimal("1.50")]}, r"contract do not both have at"),
        ({"order_id": [1], "total": [Decimal("1.505")], "at": [AT]}, r"that the types of total cannot"),
        (
            {"order_id": ["Lovelace"], "total": [Decimal("1.50")], "at": [AT]},
            r"that the types of order_id, total cannot",
        ),
    ],
)
def test_files_that_do_not_fit_the_contract_are_refused_without_their_values(
    lake: ParquetLake, columns: dict[str, list[object]], message: str
) -> None:
    with pytest.raises(SchemaConflict, match=message) as refusal:
        adopt(lake, {MONDAY: [pa.table(columns)]})
    assert "Lovelace" not in str(refusal.value)
    assert lake.log.tables() == []
