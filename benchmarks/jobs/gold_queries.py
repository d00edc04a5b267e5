"""The questions, asked of gold through the platform's DuckDB: what a dashboard does. Warm."""

from pathlib import Path

from benchmarks.questions import GOLD
from benchmarks.stopwatch import Stopwatch, arguments, median_seconds
from shopease_assets.core.layout import TableRef
from shopease_assets.engines.duckdb import query
from shopease_assets.storage.lake import ParquetLake, Relation
from shopease_assets.storage.log import PublicationLog


def main() -> None:
    """Ask the lake in the folder."""
    _, folder = arguments()
    lake = ParquetLake.local(Path(folder), PublicationLog.open(f"sqlite:///{folder}/_catalog.sqlite"))

    def resolve(layer: str, name: str) -> Relation:
        return lake.relation(TableRef(layer, name))  # type: ignore[arg-type]  # the query's layers are the lake's

    with Stopwatch() as watch:
        watch.facts["seconds"] = {
            name: median_seconds(lambda sql=sql: query(sql, resolve)) for name, sql in GOLD.items()
        }
        watch.stop()
        rows = {name: query(sql, resolve).to_pylist() for name, sql in GOLD.items()}
        watch.facts["answers"] = {name: [list(map(str, row.values())) for row in rows] for name, rows in rows.items()}


main()
