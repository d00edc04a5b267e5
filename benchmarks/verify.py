"""Both pipelines must have made the same gold, and both sides must give the same answers, before a ratio is told."""

from pathlib import Path

import polars as pl

from benchmarks.measure import Cost
from benchmarks.tables import GOLD_TABLES
from shopease_assets.core.layout import TableRef
from shopease_assets.storage.lake import ParquetLake
from shopease_assets.storage.log import PublicationLog

_MONEY = pl.Decimal(18, 2)


def same_gold(lake_folder: Path, naive_folder: Path) -> None:
    """Every table's rows and every column's total, to the cent.

    Raises:
        SystemExit: they differ; the message says where.
    """
    lake = ParquetLake.local(lake_folder, PublicationLog.open(f"sqlite:///{lake_folder}/_catalog.sqlite"))
    for table in GOLD_TABLES:
        ours = lake.scan(TableRef("gold", table)).collect()
        theirs = pl.read_parquet(naive_folder / f"{table}.parquet")
        if (told := _totals(ours, ours)) != (expected := _totals(theirs, ours)):
            raise SystemExit(f"gold.{table}: ours {told}, naive {expected}")


def same_answers(source: Cost, gold: Cost) -> None:
    """Every question's rows.

    Raises:
        SystemExit: they differ; the message says which.
    """
    for question, answer in source.facts["answers"].items():
        if gold.facts["answers"][question] != answer:
            raise SystemExit(f"{question}: gold says {gold.facts['answers'][question][:3]}, the source {answer[:3]}")


def _totals(frame: pl.DataFrame, like: pl.DataFrame) -> dict[str, object]:
    numbers = [name for name, kind in like.schema.items() if kind.is_numeric() and name != "dt"]
    # CSV made floats of cents: rounded once, they are exact again
    exact = frame.select(
        (pl.col(name).round(2).cast(_MONEY) if like.schema[name].is_decimal() else pl.col(name).cast(pl.Int64)).sum()
        for name in numbers
    )
    return {"rows": frame.height} | exact.row(0, named=True)
