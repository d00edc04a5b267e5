"""The data dictionary: a Markdown page per table, written from its contract, its query and the asset graph.

Nothing is told here that the code does not say; `shopease docs --check` keeps the committed pages true.
"""

import inspect
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import dagster as dg
import pyarrow as pa

from shopease_assets.core.contract import Contract
from shopease_assets.core.layout import TableRef
from shopease_assets.kit.bronze import SOURCE_TABLES
from shopease_assets.kit.columns import CONTRACTS
from shopease_assets.kit.documents import PERSONAL, charter, grain, words_of, words_of_source
from shopease_assets.sources.postgres_table import PostgresTable, lake_type
from shopease_assets.storage.glue_types import trino_type
from shopease_assets.storage.io_manager import table_of

_MODELS = "../../../shopease_assets/gold"
_LAYERS = {
    "gold": "business-ready",
    "silver": "clean, typed, deduplicated; what broke a rule is in `quarantine.<table>`",
    "bronze": "as in the source",
}


def pages(assets: Iterable[dg.AssetsDefinition]) -> dict[str, str]:
    """File name → content: `gold/fact_sales.md` for every table, and `README.md` as the way in."""
    tables = {table_of(asset.key, asset.partitions_def): asset for asset in assets}
    readers: dict[TableRef, list[TableRef]] = {ref: [] for ref in tables}
    by_key = {asset.key: ref for ref, asset in tables.items()}
    for ref, asset in tables.items():
        for upstream in asset.dependency_keys:
            readers[by_key[upstream]].append(ref)
    written = {f"{ref.path}.md": _page(ref, asset, readers[ref], by_key) for ref, asset in tables.items()}
    return {"README.md": _index(tables), **written}


def outdated(folder: Path, expected: Mapping[str, str]) -> list[str]:
    """The pages that are missing, stale or of tables that are gone."""
    found = {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*.md")}
    return sorted(name for name in found.keys() | expected.keys() if found.get(name) != expected.get(name))


def write(folder: Path, expected: Mapping[str, str]) -> None:
    """Makes the folder hold exactly these pages."""
    for name in outdated(folder, expected):
        path = folder / name
        if name not in expected:
            path.unlink()
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(expected[name])


def _index(tables: Mapping[TableRef, dg.AssetsDefinition]) -> str:
    lines = ["# Data dictionary", "", "Written by `make docs` from the contracts, the queries and the asset graph.", ""]
    for layer, what in _LAYERS.items():
        lines += [f"## {layer}: {what}", "", "| table | by | what a row is |", "|---|---|---|"]
        lines += [
            f"| [{ref.name}]({ref.path}.md) | {'month' if ref.partition_by == 'month' else 'day'} | {grain(ref)} |"
            for ref in sorted(tables)
            if ref.layer == layer
        ]
        lines.append("")
    return "\n".join(lines)


def _page(
    ref: TableRef, asset: dg.AssetsDefinition, readers: Iterable[TableRef], by_key: Mapping[dg.AssetKey, TableRef]
) -> str:
    upstream = sorted(by_key[key] for key in asset.dependency_keys)
    return "\n".join(
        [
            f"# {ref}",
            "",
            *charter(ref).splitlines(),
            "",
            f"Partitioned by `{ref.partition_by}`, "
            + ("the state as of the month's end." if ref.partition_by == "month" else "the business day."),
            "",
            "## Columns",
            "",
            "| column | type | null | says |",
            "|---|---|---|---|",
            *_columns(ref),
            "",
            *_rules(ref),
            "## Lineage",
            "",
            "```mermaid",
            "flowchart LR",
            *(f"  {_node(parent)} --> {_node(ref)}" for parent in upstream),
            *([f"  source[(PostgreSQL: {SOURCE_TABLES[ref.name]})] --> {_node(ref)}"] if ref.layer == "bronze" else []),
            *(f"  {_node(ref)} --> {_node(child)}" for child in sorted(readers)),
            "```",
            "",
            *([f"Its query: [{ref.name}.sql]({_MODELS}/{ref.name}.sql).", ""] if _has_model(ref) else []),
            "## Ask it",
            "",
            "```sql",
            f"select * from {ref}",  # noqa: S608  # shown, not run
            f"where {ref.partition_by} = (select max({ref.partition_by}) from {ref}) limit 10",  # noqa: S608
            "```",
            "",
        ]
    )


def _columns(ref: TableRef) -> Iterator[str]:
    if ref not in CONTRACTS:
        yield from _source_columns(SOURCE_TABLES[ref.name])
        return
    contract = CONTRACTS[ref]
    types = contract.arrow_schema()
    for name, column in contract.columns().items():
        says = ", ".join(f"**{word}**" if word == PERSONAL else word for word in words_of(contract, name))
        yield f"| {name} | {_sql_type(types.field(name).type)} | {'yes' if column.nullable else 'no'} | {says} |"


def _source_columns(table: PostgresTable) -> Iterator[str]:
    for name, kind in table.types.items():
        yield f"| {name} | {_sql_type(lake_type(kind))} | yes | {', '.join(words_of_source(table, name))} |"


def _sql_type(kind: pa.DataType | None) -> str:
    """The type as Athena calls it."""
    return trino_type(kind) if kind else ""


def _rules(ref: TableRef) -> list[str]:
    if ref not in CONTRACTS:
        return []
    declared = _declared(CONTRACTS[ref])
    return ["## Rules", "", "| rule | dimension | promise |", "|---|---|---|", *declared, ""] if declared else []


def _declared(contract: type[Contract]) -> list[str]:
    of_rows = [rule for rule in contract.rules() if "|" not in rule.name]
    told = {rule.name: rule.dimension.value for rule in of_rows} | dict.fromkeys(contract.warnings(), "warning")
    return [f"| {name} | {dimension} | {_promise(contract, name)} |" for name, dimension in told.items()]


def _promise(contract: type[Contract], rule: str) -> str:
    declared = inspect.getattr_static(contract, rule)
    function = getattr(declared, "validation_fn", None) or declared.function
    return (inspect.getdoc(function) or "").replace("\n", " ")


def _has_model(ref: TableRef) -> bool:
    return (Path(__file__).parent / "gold" / f"{ref.name}.sql").exists() and ref.layer == "gold"


def _node(ref: TableRef) -> str:
    return f"{ref.layer}_{ref.name}[{ref}]"
