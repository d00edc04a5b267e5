"""Every table of the platform can be told to Glue: valid types, and files whose footers say the same."""

import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shopease_assets.core.layout import TableRef
from shopease_assets.definitions import SOURCE_TABLES
from shopease_assets.kit.columns import CONTRACTS
from shopease_assets.kit.documents import document
from shopease_assets.kit.policy import OWNER
from shopease_assets.sources.postgres_table import lake_type
from shopease_assets.storage.glue_tables import table_input
from shopease_assets.storage.glue_types import glue_columns
from shopease_assets.storage.parquet import WriteOptions, empty_file
from shopease_assets.storage.schema import canonical_schema

SCHEMAS = {ref: contract.arrow_schema() for ref, contract in CONTRACTS.items()} | {
    TableRef("bronze", name): pa.schema([(column, lake_type(kind)) for column, kind in table.types.items()])
    for name, table in SOURCE_TABLES.items()
}


@pytest.mark.parametrize("table", SCHEMAS, ids=str)
def test_a_table_s_files_hold_what_glue_is_told(table: TableRef) -> None:
    schema = canonical_schema(table, SCHEMAS[table])
    written = empty_file(schema, WriteOptions())
    footer = pq.read_schema(io.BytesIO(written))
    assert glue_columns(table, footer) == glue_columns(table, schema)


@pytest.mark.parametrize("table", SCHEMAS, ids=str)
def test_a_table_is_described_with_every_column(table: TableRef) -> None:
    told = document(table)
    assert "Grain: " in told.description
    assert told.comments.keys() == set(SCHEMAS[table].names)
    assert told.owner == OWNER
    assert all("\n" not in comment for comment in told.comments.values())


def test_personal_columns_and_tables_are_marked_for_glue() -> None:
    customers = TableRef("silver", "customers")
    told = table_input(customers, SCHEMAS[customers], document(customers), "s3://lake/silver/customers")
    marked = {column["Name"] for column in told["StorageDescriptor"]["Columns"] if "Parameters" in column}
    assert {"email", "phone"} <= marked == set(CONTRACTS[customers].personal())
    assert told["Parameters"]["personal"] == "true"
    (email,) = [column for column in told["StorageDescriptor"]["Columns"] if column["Name"] == "email"]
    assert email["Comment"] == "personal, format"
    stores = TableRef("gold", "daily_product_sales")
    assert table_input(stores, SCHEMAS[stores], document(stores), "s3://lake")["Parameters"]["personal"] == "false"


def test_refused_rows_are_as_personal_as_their_source() -> None:
    assert document(TableRef("quarantine", "customers")).personal == {"original_row"}
    assert document(TableRef("quarantine", "products")).personal == set()


def test_a_table_whose_file_is_gone_has_nothing_to_say() -> None:
    assert document(TableRef("gold", "of_yore")).description == ""
