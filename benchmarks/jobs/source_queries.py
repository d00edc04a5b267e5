"""The same questions, asked of the source's tables. Warm."""

import psycopg

from benchmarks.questions import SOURCE
from benchmarks.stopwatch import Stopwatch, arguments, median_seconds


def main() -> None:
    """Ask PostgreSQL."""
    (dsn,) = arguments()
    with Stopwatch() as watch, psycopg.connect(dsn) as connection:
        watch.facts["seconds"] = {
            name: median_seconds(lambda sql=sql: connection.execute(sql).fetchall()) for name, sql in SOURCE.items()
        }
        watch.facts["answers"] = {
            name: [list(map(str, row)) for row in connection.execute(sql)] for name, sql in SOURCE.items()
        }


main()
