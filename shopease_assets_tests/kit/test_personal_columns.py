"""Which columns hold data of natural persons: said at the source, in silver and in gold, and the same everywhere."""

from pathlib import Path

import dagster as dg
import pytest

from shopease_assets import gold
from shopease_assets.definitions import assets
from shopease_assets.engines.sql_model import SqlModel
from shopease_assets.kit.bronze import SOURCE_TABLES
from shopease_assets.kit.columns import silver_contracts
from shopease_assets.kit.policy import PERSONAL
from shopease_assets.sources.postgres_table import PostgresTable

CONTRACTS = silver_contracts()
_SPECS = {asset.key.to_user_string(): asset.specs_by_key[asset.key] for asset in assets}
_MODELS = sorted(Path(str(gold.__file__)).parent.glob("*.sql"))


def _schema(table: str) -> dg.TableSchema:
    schema = _SPECS[table].metadata["dagster/column_schema"]
    assert isinstance(schema, dg.TableSchema)
    return schema


def _personal(table: str) -> set[str]:
    return {column.name for column in _schema(table).columns if "personal" in column.tags}


@pytest.mark.parametrize("table", sorted(CONTRACTS))
def test_silver_and_its_source_agree_on_what_is_personal(table: str) -> None:
    sources = CONTRACTS[table].source_columns()
    in_silver = {sources[column] for column in CONTRACTS[table].personal()}
    read = set(sources.values())
    assert in_silver == set(SOURCE_TABLES[table].personal) & read
    assert not set(SOURCE_TABLES[table].personal) - read, "personal, and not in silver: is it needed at all?"


@pytest.mark.parametrize("table", sorted(_SPECS))
def test_nothing_that_identifies_a_row_is_personal(table: str) -> None:
    keys = set(_SPECS[table].metadata["shopease/key"])
    assert not keys & _personal(table)


@pytest.mark.parametrize("model", _MODELS, ids=lambda path: path.stem)
def test_what_gold_makes_of_a_personal_column_is_personal(model: Path) -> None:
    loaded = SqlModel.load(model)
    inputs = {
        table: {column.name: "VARCHAR" for column in _schema("/".join(table)).columns} | {"dt": "DATE", "month": "DATE"}
        for table in loaded.inputs
    }
    made = {
        column
        for column, sources in loaded.lineage(inputs).items()
        if any(name in _personal(f"{layer}/{table}") for layer, table, name in sources)
    }
    assert made <= _personal(f"gold/{model.stem}")


def test_tables_with_personal_columns_can_be_filtered_by_their_tag() -> None:
    tagged = {table for table, spec in _SPECS.items() if PERSONAL in spec.tags}
    assert tagged == {table for table in _SPECS if _personal(table)}
    assert {"bronze/customers", "silver/customers", "bronze/web_events", "gold/customer_analytics"} <= tagged
    assert not {"bronze/products", "silver/order_items", "gold/fact_sales"} & tagged


@pytest.mark.parametrize("table", sorted(SOURCE_TABLES))
def test_a_bronze_table_shows_the_columns_and_types_of_its_declaration(table: str) -> None:
    columns = {column.name: column.type for column in _schema(f"bronze/{table}").columns}
    assert list(columns) == list(SOURCE_TABLES[table].types)
    assert columns["updated_at"] == "timestamp[us, tz=UTC]"
    assert _personal(f"bronze/{table}") == set(SOURCE_TABLES[table].personal)


def test_a_personal_column_must_be_among_the_columns() -> None:
    with pytest.raises(ValueError, match="people: nickname not among its columns"):
        PostgresTable(
            "people",
            key=("person_id",),
            personal=("nickname",),
            columns="person_id bigint, created_at timestamptz, updated_at timestamptz",
        )
