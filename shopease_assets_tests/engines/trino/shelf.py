"""Published tables for questions: rows as Parquet files, and a note of every partition that was asked for."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from shopease_assets.core.errors import QueryError
from shopease_assets.engines import trino
from shopease_assets.engines.duckdb import InputRelation
from shopease_assets.engines.parsing import Input
from shopease_assets_tests.engines.published import Published


@dataclass(frozen=True)
class Shelf:
    """A catalog over files. With `whole`, every partition is handed out, whatever was asked for."""

    tables: Mapping[Input, Published]
    whole: bool = False
    asked: dict[Input, tuple[str, ...]] = field(default_factory=dict)

    def table(self, layer: str, name: str) -> trino.PublishedTable:
        if (layer, name) not in self.tables:
            raise QueryError(f"there is no published table {layer}.{name}")
        published = self.tables[layer, name]
        column = "month" if "month" in published.schema.names else "dt"
        keys = tuple(Path(path).parts[-3].removeprefix(f"{column}=") for path in published.paths)
        return trino.PublishedTable(published.schema, trino.Partitions(column, keys))

    def view(self, layer: str, name: str) -> str | None:
        return None

    def relation(self, layer: str, name: str, partitions: Collection[str]) -> InputRelation:
        self.asked[layer, name] = tuple(partitions)
        published = self.tables[layer, name]
        if self.whole:
            return published
        return replace(published, paths=[p for p in published.paths if Path(p).parts[-3].split("=")[1] in partitions])
