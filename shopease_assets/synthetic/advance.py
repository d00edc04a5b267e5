"""Play further days on a database we generated: new business, progress of the old, and now and then a deletion.

Starts the day after the newest order. Every change gets an `updated_at` inside the days played, so what reads the
source by `updated_at` sees it; `Advance.touched` says which partitions must change in the lake.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

import polars as pl
import psycopg
from psycopg import sql

from shopease_assets.synthetic.dataset import BUSINESS_TIME, KEYS, TABLES, business_day
from shopease_assets.synthetic.known import newest_order_day, read_known
from shopease_assets.synthetic.load import connection_to, copy_rows
from shopease_assets.synthetic.play import Changes, play
from shopease_assets.synthetic.window import window_of

_TOUCHED_SCHEMA: Final = pl.Schema(
    {"table": pl.String, "day": pl.Date, "inserted": pl.Int64, "updated": pl.Int64, "deleted": pl.Int64}
)


@dataclass(frozen=True)
class Advance:
    """What was played. `touched` has one row per table and business day: rows inserted, updated, deleted.

    For tables whose business day is their last change, an update belongs to the day of the new version.
    """

    first_day: date
    last_day: date
    touched: pl.DataFrame

    @property
    def rows(self) -> dict[str, int]:
        """Rows inserted per table."""
        inserted = self.touched.group_by("table").agg(pl.col("inserted").sum())
        return dict(inserted.iter_rows())

    def partitions(self, table: str) -> list[date]:
        """The business days of a table that changed, ascending."""
        return self.touched.filter(pl.col("table") == table)["day"].sort().to_list()


def advance(dsn: str, *, days: int, seed: int = 7, now: datetime | None = None) -> Advance:
    """Play `days` days after the newest order day, in one transaction; nothing happens after `now`.

    Raises SourceError if there is nothing to go on from, or `now` is not on the last day.
    """
    with connection_to(dsn) as connection:
        start = newest_order_day(connection) + timedelta(days=1)
        window = window_of(start, days, now)
        changes = play(read_known(connection, start), window, seed)
        _write(connection, changes)
    return Advance(window.start, window.last_day, _touched(changes))


def _write(connection: psycopg.Connection, changes: Changes) -> None:
    """Children go first when rows are deleted, last when they are inserted."""
    for table in reversed(TABLES):
        if table in changes.deleted:
            _delete(connection, table, changes.deleted[table])
    for table in TABLES:
        if table in changes.updated:
            _update(connection, table, changes.updated[table])
        if table in changes.inserted:
            copy_rows(connection, f"shop.{table}", changes.inserted[table])


def _delete(connection: psycopg.Connection, table: str, rows: pl.DataFrame) -> None:
    (key,) = KEYS[table]
    connection.execute(
        sql.SQL("delete from shop.{} where {} = any(%s)").format(sql.Identifier(table), sql.Identifier(key)),
        [rows[key].to_list()],
    )


def _update(connection: psycopg.Connection, table: str, rows: pl.DataFrame) -> None:
    """New values for the rows with these keys, by way of a temporary table."""
    keys = KEYS[table]
    unchanged = {*keys, BUSINESS_TIME[table]} - {"updated_at"}
    values = [column for column in rows.columns if column not in unchanged]
    written = rows.select(*keys, *values)
    target = sql.Identifier("shop", table)
    fresh = sql.Identifier(f"fresh_{table}")
    connection.execute(
        sql.SQL("create temporary table {} on commit drop as select {} from {} with no data").format(
            fresh, sql.SQL(", ").join(map(sql.Identifier, written.columns)), target
        )
    )
    copy_rows(connection, f"fresh_{table}", written)
    connection.execute(
        sql.SQL("update {} as old set {} from {} as fresh where {}").format(
            target,
            sql.SQL(", ").join(sql.SQL("{0} = fresh.{0}").format(sql.Identifier(column)) for column in values),
            fresh,
            sql.SQL(" and ").join(sql.SQL("old.{0} = fresh.{0}").format(sql.Identifier(key)) for key in keys),
        )
    )


def _touched(changes: Changes) -> pl.DataFrame:
    kinds = {"inserted": changes.inserted, "updated": changes.updated, "deleted": changes.deleted}
    counts = [
        frame.select(
            pl.lit(table).alias("table"),
            business_day(table).alias("day"),
            *(pl.lit(int(kind == counted), pl.Int64).alias(counted) for counted in kinds),
        )
        for kind, frames in kinds.items()
        for table, frame in frames.items()
    ]
    everything = pl.concat([pl.DataFrame(schema=_TOUCHED_SCHEMA), *counts])
    return everything.group_by("table", "day").agg(pl.col(*kinds).sum()).sort("table", "day")
