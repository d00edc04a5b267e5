"""Columns as the Dagster UI shows them: type, rules, whether personal; of a contract or of a source table."""

import dagster as dg

from shopease_assets.core.contract import Contract, Says
from shopease_assets.core.layout import TableRef
from shopease_assets.sources.postgres_table import PostgresTable, lake_type

#: The contract of every table that has one, in the order their files were loaded.
CONTRACTS: dict[TableRef, type[Contract]] = {}
_PERSONAL = "personal"


def silver_contracts() -> dict[str, type[Contract]]:
    """The contracts of silver, by table name."""
    return {ref.name: contract for ref, contract in CONTRACTS.items() if ref.layer == "silver"}


def column_schema(contract: type[Contract]) -> dg.TableSchema:
    """The columns tab of an asset, derived from its contract."""
    rules: dict[str, list[str]] = {}
    for rule in contract.rules():
        column, _, name = rule.name.partition("|")
        if name not in {"", "nullability"}:
            rules.setdefault(column, []).append(name)
    types = dict(zip(contract.columns(), contract.arrow_schema().types, strict=True))
    return dg.TableSchema(
        [
            dg.TableColumn(
                name,
                type=str(types[name]),
                constraints=dg.TableColumnConstraints(nullable=column.nullable, other=rules.get(name, [])),
                tags=_tags(personal=Says.personal(column)),
            )
            for name, column in contract.columns().items()
        ]
    )


def source_schema(table: PostgresTable) -> dg.TableSchema:
    """The columns tab of a bronze asset, derived from the source table's declaration."""
    return dg.TableSchema(
        [
            dg.TableColumn(name, type=str(lake_type(kind)), tags=_tags(personal=name in table.personal))
            for name, kind in table.types.items()
        ]
    )


def holds_personal(schema: object) -> bool:
    """Whether a table of these columns holds data of natural persons."""
    return isinstance(schema, dg.TableSchema) and any(_PERSONAL in column.tags for column in schema.columns)


def _tags(*, personal: bool) -> dict[str, str]:
    return {_PERSONAL: ""} if personal else {}
