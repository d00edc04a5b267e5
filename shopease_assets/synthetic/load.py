"""Bring a dataset into PostgreSQL by COPY, or into files. Data first, constraints and indexes after."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import polars as pl
import psycopg
from psycopg import sql

from shopease_assets.core.errors import SourceError
from shopease_assets.synthetic import schema
from shopease_assets.synthetic.dataset import Dataset

FileFormat = Literal["csv", "json", "parquet"]
Progress = Callable[[str, int, int], None]  # what was done, how many of how many

_ROWS_PER_WRITE: Final = 100_000
_RELAXED_NOTE: Final = "relaxed"


@dataclass(frozen=True)
class Loaded:
    """What a load brought in: rows per table; faults per table, day and rule (none for clean data)."""

    rows: dict[str, int]
    planted: pl.DataFrame


def create(dsn: str, *, relaxed: bool = False) -> None:
    """Create schema `shop` with empty tables; `load` adds constraints, indexes and triggers.

    `relaxed` tables take duplicates, orphans, nulls and broken JSON. Raises SourceError if the schema exists.
    """
    with connection_to(dsn) as connection:
        try:
            connection.execute(schema.tables(relaxed=relaxed))
        except psycopg.errors.DuplicateSchema as error:
            raise SourceError("schema shop exists already; drop it or choose another database") from error
        if relaxed:
            connection.execute(sql.SQL("comment on schema shop is {}").format(_RELAXED_NOTE))


def drop(dsn: str) -> None:
    """Drop schema `shop` and everything in it; nothing happens if there is none."""
    with connection_to(dsn) as connection:
        connection.execute("drop schema if exists shop cascade")


def load(dsn: str, dataset: Dataset, *, progress: Progress | None = None) -> Loaded:
    """Fill the empty tables that `create` made and finish the schema. All or nothing.

    Raises SourceError if faults were planted that the strict schema would refuse, or if the schema is missing.
    """
    with connection_to(dsn) as connection:
        relaxed = _is_relaxed(connection)
        if dataset.relaxed and not relaxed:
            raise SourceError("the dataset holds faults the strict schema refuses; create the schema with relaxed=True")
        finishing = schema.finish(relaxed=relaxed)
        steps = len(dataset.frames) + len(finishing)
        for done, (table, frame) in enumerate(dataset.frames.items(), start=1):
            copy_rows(connection, f"shop.{table}", frame)
            _report(progress, table, done, steps)
        for done, statement in enumerate(finishing, start=len(dataset.frames) + 1):
            connection.execute(statement)
            _report(progress, "constraints and indexes", done, steps)
    with connection_to(dsn, autocommit=True) as connection:
        connection.execute("vacuum (analyze)")
    return Loaded(dataset.rows, dataset.planted())


def export(dataset: Dataset, folder: Path, formats: Sequence[FileFormat] = ("csv", "json", "parquet")) -> list[Path]:
    """Write `<folder>/<table>.<format>` for every table (json: one object a line); returns the files.

    Raises SourceError for a format we do not write.
    """
    folder.mkdir(parents=True, exist_ok=True)
    return [
        _write(frame, folder / f"{table}.{file_format}", file_format)
        for table, frame in dataset.frames.items()
        for file_format in formats
    ]


def _write(frame: pl.DataFrame, file: Path, file_format: str) -> Path:
    match file_format:
        case "csv":
            frame.write_csv(file)
        case "json":
            # Decimals as text keep their cents; times as ISO text.
            frame.with_columns(pl.col(pl.Decimal).cast(pl.String)).write_ndjson(file)
        case "parquet":
            frame.write_parquet(file, compression="zstd", compression_level=1)
        case _:
            raise SourceError(f"cannot export as {file_format!r}; choose csv, json or parquet")
    return file


@contextmanager
def connection_to(dsn: str, *, autocommit: bool = False) -> Iterator[psycopg.Connection]:
    """A connection in UTC whose transaction commits at the end. Raises SourceError if the server does not answer."""
    try:
        connection = psycopg.connect(dsn, autocommit=autocommit, options="-c timezone=UTC")
    except psycopg.OperationalError as error:
        raise SourceError(f"the source does not answer: {error}; start it or mend the DSN") from error
    with connection:
        yield connection


def copy_rows(connection: psycopg.Connection, table: str, frame: pl.DataFrame) -> None:
    """Append a frame to a table; columns go by name."""
    statement = sql.SQL("copy {} ({}) from stdin (format csv)").format(
        sql.Identifier(*table.split(".")), sql.SQL(", ").join(map(sql.Identifier, frame.columns))
    )
    with connection.cursor().copy(statement) as copy:
        for rows in frame.iter_slices(_ROWS_PER_WRITE):
            # Text in quotes, null without: an empty string stays an empty string.
            copy.write(rows.write_csv(include_header=False, quote_style="non_numeric", null_value="").encode())


def _is_relaxed(connection: psycopg.Connection) -> bool:
    row = connection.execute("select obj_description(to_regnamespace('shop')), to_regnamespace('shop')").fetchone()
    if row is None or row[1] is None:
        raise SourceError("schema shop is missing; create it first")
    return bool(row[0] == _RELAXED_NOTE)


def _report(progress: Progress | None, what: str, done: int, of: int) -> None:
    if progress:
        progress(what, done, of)
