"""The database every job reads: one embedded server, filled once, and the CPU its processes have used.

The days are fixed, so that a database that is found is the database that would be made.
"""

import os
import time
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import psutil
import psycopg

from shopease_assets.sources.embedded import create_database, data_folder, start_embedded
from shopease_assets.synthetic import create, generate, load

START = date(2025, 1, 1)
_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Source:
    """The generated database and the server it lies on."""

    home: Path
    dsn: str
    postmaster: int
    days: int
    items: int

    def cpu_seconds(self) -> float:
        """CPU of all processes the server ever had: the living ones', and that of the dead the postmaster buried.

        A backend that has just left is still a zombie, or counted with its parent: nothing is lost in between.
        """
        while True:
            try:
                living = psutil.Process(self.postmaster).children()
                ticks = _ticks(self.postmaster, slice(11, 15)) + sum(
                    _ticks(child.pid, slice(11, 13)) for child in living
                )
            except (FileNotFoundError, ProcessLookupError, psutil.NoSuchProcess):
                continue  # one left while we were counting
            return ticks / _TICK

    def settle(self) -> None:
        """Let the server finish what the last job left behind, so that the next one does not pay for it."""
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            connection.execute("drop schema if exists staging cascade")
            connection.execute("checkpoint")
            connection.execute("select sum(hashtext(t::text)) from shop.order_items as t")  # warm again
        time.sleep(0.5)


def open_source(home: Path, preset: str, *, start: date = START) -> Source:
    """Start the server in `home` and fill its database unless a former run did."""
    server = start_embedded(home / "postgres")
    with psycopg.connect(server, autocommit=True) as connection:
        exists = connection.execute("select 1 from pg_database where datname = %s", [preset]).fetchone()
    dsn = server.replace("/postgres?", f"/{preset}?") if exists else create_database(server, preset)
    if not _is_filled(dsn):
        create(dsn)
        load(dsn, generate(preset, start=start))
    with psycopg.connect(dsn) as connection:
        days, items = connection.execute(
            "select max(ordered_at)::date - %s::date + 1, (select count(*) from shop.order_items) from shop.orders",
            [start],
        ).fetchone() or (0, 0)
    pid = int((data_folder(home / "postgres") / "postmaster.pid").read_text().split("\n", 1)[0])
    return Source(home, dsn, pid, days, items)


def _is_filled(dsn: str) -> bool:
    with psycopg.connect(dsn) as connection:
        return connection.execute("select to_regclass('shop.orders')").fetchone() != (None,)


def _ticks(pid: int, fields: slice) -> int:
    """User and system time (11, 12), and that of buried children (13, 14), of /proc/<pid>/stat after its name."""
    stat = Path(f"/proc/{pid}/stat").read_text()
    return sum(map(int, stat.rpartition(")")[2].split()[fields]))
