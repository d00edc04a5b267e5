"""Verbs over what is published: query, status, history, rollback, vacuum. None of them needs Dagster."""

import csv
import json
import sys
from collections.abc import Callable, Collection
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from math import isfinite
from typing import TYPE_CHECKING, Annotated, Any

import pyarrow as pa
import typer
from rich.table import Table

from shopease_assets.cli import catalog, options
from shopease_assets.cli.console import console
from shopease_assets.core.errors import NotPublished, QueryError
from shopease_assets.core.layout import LAYERS, TableRef, last_day_of_month
from shopease_assets.core.views import views
from shopease_assets.settings import settings
from shopease_assets.storage.lake import ParquetLake
from shopease_assets.storage.open import open_lake
from shopease_assets.storage.relation import Relation

if TYPE_CHECKING:
    from shopease_assets.engines.trino import PublishedTable

_MAX_ROWS_SHOWN = 100


class Format(StrEnum):
    """How the result of a query is written."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


class Engine(StrEnum):
    """What answers a query."""

    DUCKDB = "duckdb"
    ATHENA = "athena"


EngineOption = Annotated[Engine, typer.Option("--engine", help="This machine, or Amazon Athena")]


def query(
    sql: Annotated[str, typer.Argument(help="One SELECT, as in Athena, over bronze.x, silver.x, gold.x, quarantine.x")],
    output: Annotated[Format, typer.Option("--format", help="How to write the result")] = Format.TABLE,
    engine: EngineOption = Engine.DUCKDB,
) -> None:
    """Answer one SELECT from the published tables; each has its partition column, dt or month."""
    write_result(asked(engine)(sql), output)


def asked(engine: Engine) -> Callable[[str], pa.Table]:
    """What answers a SELECT there."""
    if engine is Engine.DUCKDB:
        return answer
    from shopease_assets.cli.athena import answer_on_athena

    return answer_on_athena


def write_result(result: pa.Table, output: Format) -> None:
    """Write a result to standard output: as a table, as JSON, or as CSV."""
    match output:
        case Format.JSON:
            rows = [{name: _jsonable(value) for name, value in row.items()} for row in result.to_pylist()]
            sys.stdout.write(json.dumps(rows, ensure_ascii=False) + "\n")
        case Format.CSV:
            writer = csv.writer(sys.stdout, lineterminator="\n")
            writer.writerow(result.column_names)
            columns = [column.to_pylist() for column in result.columns]  # by position: names may repeat
            writer.writerows([_text(value) for value in row] for row in zip(*columns, strict=True))
        case Format.TABLE:
            print_result(result)


def answer(sql: str) -> pa.Table:
    """The result of one SELECT of Athena's over the published tables.

    Raises:
        QueryError: it cannot be parsed or answered as Athena would, names an unknown table or column, or is no SELECT.
    """
    from shopease_assets.engines import trino

    return trino.answer(sql, PublishedLake(open_lake(settings())), environment=settings().environment)


class PublishedLake:
    """The lake as a query sees it: tables by layer and name, and of them the partitions that are asked for."""

    def __init__(self, lake: ParquetLake) -> None:
        self._lake = lake
        self._refs = {(str(ref.layer), ref.name): ref for ref in lake.log.tables()}

    def table(self, layer: str, name: str) -> "PublishedTable":
        """Its columns, and its partitions that hold rows. Raises QueryError if there is no such table."""
        from shopease_assets.engines.trino import Partitions, PublishedTable

        if (layer, name) not in self._refs:
            known = ", ".join(str(ref) for ref in self._refs.values()) or "none yet; run: shopease run"
            raise QueryError(f"there is no published table {layer}.{name}; there are: {known}")
        ref = self._refs[layer, name]
        keys = tuple(sorted(key for key, pointer in self._lake.log.pointers(ref).items() if pointer.rows))
        return PublishedTable(self._lake.relation(ref, partitions=()).schema, Partitions(ref.partition_by, keys))

    def view(self, layer: str, name: str) -> str | None:
        """The SELECT of the view of that name that Glue shows beside one of the tables, if there is one."""
        for ref in self._refs.values():
            if ref.layer == layer and name.startswith(f"{ref.name}_") and (schema := self._lake.log.schema(ref)):
                newest = max(self._lake.log.pointers(ref), default=None)
                if view := views(ref, schema.names, newest).get(name):
                    return view.sql
        return None

    def relation(self, layer: str, name: str, partitions: Collection[str]) -> Relation:
        """The files of these partitions."""
        return self._lake.relation(self._refs[layer, name], partitions)


def status() -> None:
    """Say of each table how far it is published, how many rows it has, what failed, and which days are missing."""
    lake = open_lake(settings())
    tables = [ref for ref in lake.log.tables() if ref.layer != "quarantine"]
    if not tables:
        raise NotPublished(f"nothing is published in {settings().lake_address}; run: shopease demo, or shopease run")
    shown = Table("table", "newest", "partitions", "rows", "quarantined", "last run", "failing checks", "gaps")
    for column in shown.columns[2:5]:
        column.justify = "right"
    for ref in sorted(tables, key=lambda ref: (LAYERS.index(ref.layer), ref.name)):
        shown.add_row(*_status_row(lake, ref))
    console().print(shown)


def history(
    name: Annotated[str, typer.Argument(metavar="LAYER/NAME", help="silver/orders")],
    partition: Annotated[str | None, typer.Option(help="Only this partition: 2025-03-01")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many publications")] = 20,
) -> None:
    """List a table's publications, newest first: what to roll back to."""
    lake = open_lake(settings())
    publications = lake.history(options.table(name, lake.log.tables()), partition)[:limit]
    shown = Table("publication", "at (UTC)", "kind", "partitions", "run", "note")
    for publication in publications:
        keys = sorted(publication.partitions)
        span = keys[0] if len(keys) == 1 else f"{keys[0]} … {keys[-1]} ({len(keys)})"
        at = f"{publication.published_at:%Y-%m-%d %H:%M:%S}"
        shown.add_row(str(publication.id), at, publication.kind, span, publication.run_id[:8], publication.note or "")
    console().print(shown)


def rollback(
    name: Annotated[str, typer.Argument(metavar="LAYER/NAME", help="silver/orders")],
    to: Annotated[str, typer.Option(help="A publication's number from `shopease history`, or a time")],
    partition: Annotated[list[str] | None, typer.Option(help="Only this partition (repeatable)")] = None,
) -> None:
    """Show readers again what they saw then. It is a publication of its own, so it can be rolled back too."""
    lake = open_lake(settings())
    ref = options.table(name, lake.log.tables())
    publication = lake.rollback(ref, options.moment(to), partitions=partition)
    console().print(f"{name} is back at {to}, as publication {publication}")
    if mirror := catalog.mirror_of(lake):
        mirror.sync(ref)


def vacuum(
    name: Annotated[str | None, typer.Argument(metavar="[LAYER/NAME]", help="Default: every table")] = None,
    keep: Annotated[int, typer.Option(min=1, help="Newest versions to keep of each partition")] = 3,
    grace_hours: Annotated[float, typer.Option(min=0, help="Longer than the longest run and query")] = 24,
) -> None:
    """Delete versions that nobody reads any more, and what crashed runs left behind."""
    lake = open_lake(settings())
    known = lake.log.tables()
    out = console()
    mirror = catalog.mirror_of(lake)
    for ref in [options.table(name, known)] if name else known:
        if mirror and mirror.sync(ref):
            out.print(
                f"{ref}: Glue has only just followed, its readers may still be at old versions; left for next time"
            )
            continue
        report = lake.vacuum(ref, keep=keep, grace=timedelta(hours=grace_hours))
        if report.files:
            out.print(f"{ref}: {report.versions} versions, {report.files} files, {_size(report.bytes)} deleted")
    out.print("vacuum done")


def _status_row(lake: ParquetLake, ref: TableRef) -> list[str]:
    published = lake.log.pointers(ref)
    newest = lake.history(ref)[0]
    failing = sorted(f"{result.check} {result.partition}" for result in lake.log.quality(ref) if not result.passed)
    gaps = _gaps(ref, sorted(published))
    refused = sum(pointer.rows for pointer in lake.log.pointers(ref.quarantine).values())
    return [
        ref.path,
        max(published, default="-"),
        f"{len(published)}",
        f"{sum(pointer.rows for pointer in published.values()):,}",
        f"{refused:,}" if ref.layer == "silver" else "",
        f"{newest.published_at:%Y-%m-%d %H:%M}",
        f"[red]{_listed(failing)}[/]" if failing else "[green]none[/]",
        f"[yellow]{_listed(gaps)}[/]" if gaps else "none",
    ]


def _gaps(ref: TableRef, published: list[str]) -> list[str]:
    """Partitions between the lake's start and the newest published one that were never published."""
    if not published:
        return []
    start = settings().start_date
    day = start.replace(day=1) if ref.partition_by == "month" else start
    expected = []
    while (key := day.isoformat()) <= published[-1]:
        expected.append(key)
        day = (last_day_of_month(day) if ref.partition_by == "month" else day) + timedelta(days=1)
    return [key for key in expected if key not in set(published)]


def _listed(names: list[str], most: int = 2) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _size(count: int) -> str:
    return f"{count / 1e6:,.1f} MB"


def _jsonable(value: Any) -> Any:  # noqa: PLR0911  # one line a type
    match value:
        case Decimal():
            return f"{value:f}"
        case date() | time():
            return value.isoformat()
        case float() if not isfinite(value):
            return None
        case bytes():
            return value.hex()
        case dict():
            return {name: _jsonable(inner) for name, inner in value.items()}
        case list():
            return [_jsonable(inner) for inner in value]
        case bool() | int() | float() | str() | None:
            return value
        case _:
            return str(value)


def _text(value: Any) -> Any:
    match value:
        case None:
            return ""
        case datetime():
            return value.isoformat(sep=" ")
        case _:
            return _jsonable(value)


def print_result(result: pa.Table) -> None:
    """Print the first rows of a result as a table."""
    rows = [list(row.values()) for row in result.slice(0, _MAX_ROWS_SHOWN).to_pylist()]
    shown = Table()
    for name, kind in zip(result.column_names, result.schema.types, strict=True):
        number = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
        shown.add_column(name, justify="right" if number else "left", overflow="fold")
    for row in rows:
        shown.add_row(*("[dim]null[/]" if value is None else str(_text(value)).replace("[", r"\[") for value in row))
    console().print(shown)
    if len(result) > _MAX_ROWS_SHOWN:
        console().print(f"{_MAX_ROWS_SHOWN} of {len(result):,} rows; add a LIMIT, or --format csv for all")
