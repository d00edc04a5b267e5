"""`shopease quarantine`: what was refused, why, and the row as it was read, personal values masked."""

import json
from collections.abc import Collection, Mapping
from datetime import date
from importlib import import_module
from typing import Annotated, Any

import polars as pl
import typer
from rich.table import Table
from rich.text import Text

from shopease_assets.cli import options
from shopease_assets.cli.console import console
from shopease_assets.cli.lake import Format, write_result
from shopease_assets.core.errors import NotPublished, SettingsError
from shopease_assets.core.layout import TableRef
from shopease_assets.core.masking import masked_row
from shopease_assets.settings import settings
from shopease_assets.storage.lake import ParquetLake
from shopease_assets.storage.open import open_lake
from shopease_assets.storage.quarantine import quarantine_tables, quarantined
from shopease_assets.storage.quarantine import summary as rules_summary

app = typer.Typer(no_args_is_help=True, help="What was refused, and why: rules with their rows, and the rows as read.")
Output = Annotated[Format, typer.Option("--format", help="How to write the result")]


@app.command()
def summary(
    start: options.FromDay = None,
    end: options.ToDay = None,
    table: Annotated[str | None, typer.Option(help="Only this table: orders")] = None,
    output: Output = Format.TABLE,
) -> None:
    """List the broken rules of each table: how many rows on which days, some of their keys, and the latest run."""
    days = options.days(start, end)
    lake = open_lake(settings())
    refs = [_named(lake, table)] if table else _all(lake)
    found = rules_summary(lake, refs, _published(lake, refs, days))
    if found.is_empty() and output is Format.TABLE:
        console().print(_nothing(table or "the lake", start, end))
    else:
        write_result(found.to_arrow(), output)


@app.command()
def show(
    table: Annotated[str, typer.Argument(metavar="TABLE", help="orders")],
    start: options.FromDay = None,
    end: options.ToDay = None,
    rule: Annotated[str | None, typer.Option(help="Only rows that break this rule: email|format")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many rows, newest days first")] = 20,
    reveal: Annotated[bool, typer.Option("--reveal", help="Show personal values, not only their shape")] = False,
    output: Output = Format.TABLE,
) -> None:
    """Show rows in quarantine as they were read, the columns that broke a rule highlighted, personal values masked."""
    days = options.days(start, end)
    lake = open_lake(settings())
    ref = _named(lake, table)
    rows = quarantined(lake, ref, _published(lake, [ref], days))
    broken = sorted(rows["rules"].explode().unique()) if len(rows) else []
    if rule and rule not in broken:
        raise SettingsError(f"no row of {ref} breaks {rule!r}; broken rules: {', '.join(broken) or 'none'}")
    chosen = rows.filter(pl.col("rules").list.contains(rule)) if rule else rows
    shown = chosen.sort("dt", "key", descending=[True, False]).head(limit)
    told = [_told(ref.name, row, reveal=reveal) for row in shown.iter_rows(named=True)]
    if output is not Format.TABLE:
        write_result(shown.select(*_OF_ALL, pl.Series("row", told, pl.String)).to_arrow(), output)
    elif shown.is_empty():
        console().print(_nothing(str(ref), start, end))
    else:
        console().print(_table(ref.name, shown.with_columns(pl.Series("row", told, pl.String)), [rule] if rule else ()))
        console().print(f"{len(shown):,} of {len(chosen):,} rows" + ("" if reveal else "; personal values are masked"))


_OF_ALL = (pl.col("dt").alias("day"), "key", pl.col("rules").list.join(", "), "quarantined_at", "run_id")
#: Columns of ours that a bronze row carries.
_OURS = {"_extracted_at", "_source", "_unreadable"}


def _all(lake: ParquetLake) -> list[TableRef]:
    refs = quarantine_tables(lake)
    if not refs:
        raise NotPublished("no row has been judged yet; run: shopease run")
    return refs


def _named(lake: ParquetLake, text: str) -> TableRef:
    name = text.replace(".", "/").removeprefix("silver/").removeprefix("quarantine/")
    return options.table(f"quarantine/{name}", _all(lake))


def _published(lake: ParquetLake, refs: list[TableRef], days: tuple[date, date]) -> list[str]:
    """The published days of the range."""
    first, last = map(str, days)
    return sorted({day for ref in refs for day in lake.log.pointers(ref) if first <= day <= last})


def _nothing(where: str, start: str | None, end: str | None) -> str:
    span = (f" from {start}" if start else "") + (f" to {end}" if end else "")
    return f"nothing is in quarantine in {where}{span}"


def _told(table: str, row: Mapping[str, Any], *, reveal: bool) -> str:
    """The row as read, as JSON, without its nulls; what nobody declared may be personal too."""
    original = {name: value for name, value in json.loads(row["original_row"]).items() if value is not None}
    if not reveal:
        import_module(f"shopease_assets.bronze.{table}")
        from shopease_assets.kit.bronze import SOURCE_TABLES

        declared = SOURCE_TABLES[table]
        undeclared = original.keys() - declared.types.keys() - _OURS
        original = masked_row(original, {*declared.personal, *undeclared})
    return json.dumps(original, ensure_ascii=False)


def _table(table: str, rows: pl.DataFrame, rules: Collection[str]) -> Table:
    import_module(f"shopease_assets.silver.{table}")
    from shopease_assets.kit.columns import silver_contracts

    contract = silver_contracts()[table]
    shown = Table("day", "key", "rules", "quarantined (UTC)", "row as it was read", show_lines=True)
    for row in rows.iter_rows(named=True):
        original = json.loads(row["row"])
        culprits = {column for rule in rules or row["rules"] for column in contract.culprits(rule)}
        culprits |= json.loads(original.get("_unreadable", "{}")).keys()
        lacking = dict.fromkeys(sorted(culprits - original.keys()), "null")
        content = Text("\n").join(
            Text(f"{name}: {value}", style="bold red" if name in culprits else "")
            for name, value in (lacking | original).items()
        )
        at = f"{row['quarantined_at']:%Y-%m-%d %H:%M}"
        shown.add_row(str(row["dt"]), Text(row["key"]), Text("\n".join(row["rules"])), at, content)
    return shown
