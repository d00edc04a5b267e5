"""Published tables for tests: rows written as Parquet in the lake's hive layout. No log, no contract."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

Row = Mapping[str, object]


@dataclass(frozen=True)
class Published:
    """A table's schema and files, as an `InputRelation`."""

    schema: pa.Schema
    paths: list[str]

    def days(self, *days: date) -> "Published":
        """The same table with only these days bound."""
        return replace(self, paths=[path for path in self.paths if any(f"/dt={day}/" in path for day in days)])

    def until(self, last: date) -> "Published":
        """The same table with all days up to `last` bound."""
        return replace(self, paths=[path for path in self.paths if _day(path) <= last])


def publish(root: Path, table: tuple[str, str], schema: pa.Schema, rows: Iterable[Row]) -> Published:
    """Writes rows into one file per `dt` (or `month`); columns that a row does not name are null."""
    key = "month" if "month" in schema.names else "dt"
    by_day = defaultdict(list)
    for row in rows:
        by_day[row[key]].append(row)
    stored = pa.schema([field for field in schema if field.name != key])
    paths = []
    for day, members in sorted(by_day.items(), key=lambda entry: str(entry[0])):
        folder = root.joinpath(*table, f"{key}={day}", "v1")
        folder.mkdir(parents=True)
        columns = [pa.array([row.get(field.name) for row in members], field.type) for field in stored]
        pq.write_table(pa.table(columns, schema=stored), folder / "part-0.parquet")
        paths.append(str(folder / "part-0.parquet"))
    return Published(schema, paths)


def _day(path: str) -> date:
    return date.fromisoformat(path.split("/dt=")[1][:10])
