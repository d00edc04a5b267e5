"""The floor of any extraction: the rows of order_items as COPY's binary format, thrown away."""

import psycopg

from benchmarks.stopwatch import Stopwatch, arguments

_ROWS = "copy (select * from shop.order_items) to stdout (format binary)"

(dsn,) = arguments()
with Stopwatch() as watch, psycopg.connect(dsn) as connection, connection.cursor().copy(_ROWS) as copy:
    watch.facts["bytes"] = sum(len(chunk) for chunk in copy)
