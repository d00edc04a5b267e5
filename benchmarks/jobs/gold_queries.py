"""The questions, asked of gold through the platform's DuckDB in an open session, as a dashboard does. Warm."""

from pathlib import Path

from benchmarks.questions import GOLD
from benchmarks.stopwatch import Stopwatch, arguments, median_seconds
from shopease_assets.core.layout import TableRef
from shopease_assets.engines.duckdb import asking
from shopease_assets.storage.lake import ParquetLake
from shopease_assets.storage.log import PublicationLog

_TABLES = ("monthly_sales_trends", "product_performance", "customer_analytics")


def main() -> None:
    """Ask the lake in the folder."""
    _, folder = arguments()
    lake = ParquetLake.local(Path(folder), PublicationLog.open(f"sqlite:///{folder}/_catalog.sqlite"))
    relations = {("gold", name): lake.relation(TableRef("gold", name, "month")) for name in _TABLES}
    with Stopwatch() as watch, asking(relations) as ask:
        watch.facts["seconds"] = {name: median_seconds(lambda sql=sql: ask(sql)) for name, sql in GOLD.items()}
        watch.stop()
        answers = {name: ask(sql).to_pylist() for name, sql in GOLD.items()}
        watch.facts["answers"] = {
            name: [list(map(str, row.values())) for row in rows] for name, rows in answers.items()
        }


main()
