"""Views for analysts, as Athena's SQL: the newest state of a month's table, and who or what something was, and when.

Only text is made here; Glue gets it from `storage`, a laptop's queries from the command line.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from shopease_assets.core.layout import TableRef

_FOREVER = "timestamp '9999-12-31 00:00:00.000'"


@dataclass(frozen=True)
class View:
    """A SELECT and the table's columns it shows, in its order and types."""

    columns: tuple[str, ...]
    sql: str


def views(table: TableRef, columns: Sequence[str], newest: str | None, database: str | None = None) -> dict[str, View]:
    """Name → view, of the views that belong to a table; they lie beside it.

    `<table>_latest` has the rows of the newest published month. The month is written into the view, for Athena then
    reads that partition only. `<table>_versions`, of a table of versions, is the same with `valid_to` of what is still
    valid in the far future: `on o.ordered_at >= d.valid_from and o.ordered_at < d.valid_to`.

    Args:
        table: tables by day have no views.
        columns: the table's, without its partition column.
        newest: its newest published partition; without one there are no views.
        database: where the table lies, when that is not called like its layer.
    """
    if table.partition_by != "month" or newest is None:
        return {}
    source = f'from "{database or table.layer}"."{table.name}"\nwhere month = date \'{newest}\''
    found = {f"{table.name}_latest": _view([*columns, "month"], source)}
    if {"valid_from", "valid_to"} <= set(columns):
        found[f"{table.name}_versions"] = _view(columns, source, valid_to=f"coalesce(valid_to, {_FOREVER}) as valid_to")
    return found


def _view(columns: Sequence[str], source: str, **instead: str) -> View:
    shown = ",\n  ".join(instead.get(name, f'"{name}"') for name in columns)
    return View(tuple(columns), f"select\n  {shown}\n{source}")
