"""A contract's columns as the Dagster UI shows them: type, rules, whether personal."""

import dagster as dg

from shopease_assets.core.contract import Contract, Says
from shopease_assets.core.layout import TableRef

#: The contract of every table that has one, in the order their files were loaded.
CONTRACTS: dict[TableRef, type[Contract]] = {}


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
                tags={"personal": ""} if Says.personal(column) else {},
            )
            for name, column in contract.columns().items()
        ]
    )
