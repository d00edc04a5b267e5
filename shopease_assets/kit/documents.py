"""What a table says of itself in words: its charter, its grain, and a few words a column.

Taken from its contract or its source's declaration, for the data dictionary and for Glue.
"""

import inspect
from functools import cache

from shopease_assets.core.contract import Contract, Says
from shopease_assets.core.layout import TableRef
from shopease_assets.kit.bronze import SOURCE_TABLES
from shopease_assets.kit.columns import CONTRACTS
from shopease_assets.kit.policy import OWNER
from shopease_assets.sources.arrow_rows import UNREADABLE
from shopease_assets.sources.postgres_table import PostgresTable
from shopease_assets.storage.glue_tables import TableDocument

PERSONAL = "personal"


@cache
def document(table: TableRef) -> TableDocument:
    """What Glue is told of a table; nothing of one whose file is gone."""
    if table.layer == "quarantine":
        return _of_quarantine(table)
    if table in CONTRACTS:
        contract = CONTRACTS[table]
        return TableDocument(
            charter(table),
            OWNER,
            {name: ", ".join(words_of(contract, name)) for name in contract.columns()},
            frozenset(contract.personal()),
            contract.arrow_schema(),
        )
    if table.layer == "bronze" and table.name in SOURCE_TABLES:
        source = SOURCE_TABLES[table.name]
        comments = {name: ", ".join(words_of_source(source, name)) for name in source.types}
        personal = {*source.personal, UNREADABLE} if source.personal else set()
        return TableDocument(charter(table), OWNER, comments, frozenset(personal))
    return TableDocument(owner=OWNER)


def charter(table: TableRef) -> str:
    """What a table holds, and its grain."""
    if table in CONTRACTS:
        return inspect.getdoc(CONTRACTS[table]) or ""
    return f"The rows of `{SOURCE_TABLES[table.name]}` as the source has them. Grain: {grain(table)}."


def grain(table: TableRef) -> str:
    """What one row of a table stands for."""
    if table in CONTRACTS:
        told = (inspect.getdoc(CONTRACTS[table]) or "").replace("\n", " ")
        _, _, told = told.partition("Grain: ")
        return told.split(". ")[0].rstrip(".")
    source = SOURCE_TABLES[table.name]
    row = "one row version" if source.versions else "one row"
    return f"{row} ({', '.join(source.key)}{', updated_at' if source.versions else ''})"


def words_of(contract: type[Contract], name: str) -> list[str]:
    """What a column of a contract says beyond its type: key, personal, where it must exist, its rules."""
    column = contract.columns()[name]
    told = Says.reference(column)
    rules = [rule.name.partition("|")[2] for rule in contract.rules() if rule.name.startswith(f"{name}|")]
    return [
        *(["key"] if Says.key(column) else []),
        *([PERSONAL] if Says.personal(column) else []),
        *([f"in silver.{told.table}{' of the same day' if told.same_day else ''}"] if told else []),
        *([f"from JSON `{field.column}`"] if (field := Says.json(column)) else []),
        *([f"one of {', '.join(words)}"] if (words := Says.listed(column)) else []),
        *(rule for rule in rules if rule not in {"nullability", "listed"}),
    ]


def words_of_source(source: PostgresTable, name: str) -> list[str]:
    """What a column of a source table says beyond the lake's type."""
    return [*(["key"] if name in source.key else []), f"{source.types[name]} in the source"]


def _of_quarantine(table: TableRef) -> TableDocument:
    silver = TableRef("silver", table.name, table.partition_by)
    comments = {
        "row_key": f"the key of silver.{table.name}, as JSON",
        "rules": "the rules it broke",
        "dimensions": "the quality dimensions of these rules",
        "original_row": "the row as it was read, as JSON",
    }
    source = SOURCE_TABLES.get(table.name)
    personal = {"original_row"} if source and source.personal else set()
    return TableDocument(
        f"Rows that {silver} refused, with the rules they broke.", OWNER, comments, frozenset(personal)
    )
