"""Amazon Athena: answers SELECTs over the lake's Glue databases and writes Parquet by UNLOAD; says what was scanned.

PyAthena starts, polls, cancels and pages; names, types, the scan limit and what errors mean are ours. Nothing is
translated here: the SQL is Athena's already.
"""

import logging
import re
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import sqlglot
from sqlglot import exp

from shopease_assets import aws
from shopease_assets.core.errors import QueryError
from shopease_assets.core.layout import LAYERS, glue_database
from shopease_assets.engines.parsing import parse_select
from shopease_assets.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyathena.connection import Connection
    from pyathena.cursor import Cursor

_MEGABYTE, _GIGABYTE, _TERABYTE = 1 << 20, 1 << 30, 1 << 40
#: Athena bills whole megabytes, at least ten a query (aws.amazon.com/athena/pricing, "SQL queries").
_LEAST_BILLED = 10 * _MEGABYTE
_ARROW = {
    "boolean": pa.bool_(),
    "tinyint": pa.int8(),
    "smallint": pa.int16(),
    "integer": pa.int32(),
    "bigint": pa.int64(),
    "float": pa.float32(),
    "real": pa.float32(),
    "double": pa.float64(),
    "date": pa.date32(),
    "time": pa.time64("us"),
    "timestamp": pa.timestamp("us", "UTC"),  # the lake's times are UTC, Athena's type has no zone
    "timestamp with time zone": pa.timestamp("us", "UTC"),
    "varbinary": pa.binary(),
}
#: Athena does not say what is inside, so they stay as it prints them.
_AS_TEXT = ("array", "map", "row", "json")
#: What Athena says → what to do about it.
_CURES = {
    r"SCHEMA_NOT_FOUND|TABLE_NOT_FOUND|(?:Schema|Table|Database) .*(?:does not exist|not found)": (
        "publish the table (shopease run) with this SHOPEASE_ENVIRONMENT, or make Glue agree with the lake "
        "(shopease catalog repair)"
    ),
    r"No output location|output bucket": (
        "set SHOPEASE_ATHENA_RESULTS=s3://bucket/prefix, or give the workgroup a result location"
    ),
    r"WorkGroup .*not found": "set SHOPEASE_ATHENA_WORKGROUP to one of this region's workgroups",
    r"Bytes scanned limit": "name fewer partitions (where dt >= date '…') and columns, or raise the workgroup's limit",
    r"HIVE_BAD_DATA|HIVE_CANNOT_OPEN_SPLIT": "see which files or types disagree: shopease catalog check",
    r"AccessDenied|Access Denied|PERMISSION_DENIED|not authorized": (
        "let this role use athena, glue and the objects of the lake and of the results location (KMS key included)"
    ),
    r"Unable to locate credentials": "give AWS credentials, as for the aws command",
}


@dataclass(frozen=True)
class Progress:
    """How a query stands: its state in Athena's words, how long it has run, how many bytes it has scanned."""

    query_id: str
    state: str
    seconds: float
    scanned: int


Watch = Callable[[Progress], None]


def unwatched(progress: Progress) -> None:
    """Nobody is told."""


class AthenaError(QueryError):
    """Athena refused or failed a query; `reason` is what it said, which may quote values.

    `retryable`: Athena says that the same query may succeed later.
    """

    def __init__(self, reason: str, query_id: str | None = None, *, retryable: bool = False) -> None:
        self.reason = reason
        self.query_id = query_id
        self.retryable = retryable
        self.cure = next((cure for said, cure in _CURES.items() if re.search(said, reason)), None)
        super().__init__(f"Athena: {reason}" + (f"; {self.cure}" if self.cure else ""))

    @property
    def code(self) -> str:
        """Athena's name of the error, as in HIVE_BAD_DATA; it quotes nothing."""
        named = re.match(r"[A-Z][A-Z_]+(?=:)", self.reason)
        return named[0] if named else "no error code"


@dataclass(frozen=True)
class Athena:
    """Where queries run, and over which databases: `shopease_<environment>_gold`, ….

    Attributes:
        environment: names the databases.
        workgroup: the workgroup.
        results: `s3://…` for results; None: as the workgroup says.
        scan_limit: bytes; a query seen to have scanned more is cancelled. The workgroup's own limit is the strict one.
        kms_key: encrypts results and what UNLOAD writes; None: as workgroup and bucket say.
        poll_seconds: how often a query is looked at.
    """

    environment: str
    workgroup: str
    results: str | None = None
    scan_limit: int | None = None
    kms_key: str | None = None
    poll_seconds: float = 1

    @classmethod
    def of(cls, settings: Settings) -> "Athena":
        """Athena as the settings have it."""
        limit = settings.athena_scan_limit_gb
        return cls(
            settings.environment,
            settings.athena_workgroup,
            settings.athena_results,
            None if limit is None else int(limit * _GIGABYTE),
            settings.kms_key,
        )

    def query(self, sql: str, watch: Watch = unwatched) -> pa.Table:
        """The result of one SELECT in Athena's SQL; `gold.x` is read from this environment's database.

        Decimals and dates are exact, times are UTC, arrays, maps, rows and JSON are text.

        Raises:
            QueryError: it is no SELECT, Athena failed it (the reason and the cure are told), or it scanned too much.
            KeyboardInterrupt: as it came; the query has been cancelled.
        """
        with self._finished(in_databases(sql, self.environment), watch) as cursor:
            return _table(cursor)

    def unload(self, select: str, folder: str, watch: Watch = unwatched) -> None:
        """Write the rows of a SELECT as Parquet files into an empty folder `s3://…`; without rows there is no file.

        Names are not changed: a SELECT of ours says the databases.

        Raises:
            QueryError: as `query`.
        """
        target = folder.rstrip("/").replace("'", "''") + "/"
        options = "format = 'PARQUET', compression = 'ZSTD'"
        with self._finished(f"UNLOAD (\n{select}\n) TO '{target}' WITH ({options})", watch):
            pass

    @contextmanager
    def _finished(self, sql: str, watch: Watch) -> "Iterator[Cursor]":
        from pyathena import Error  # noqa: PLC0415 - only who asks Athena pays for it

        over: int | None = None
        retryable = False
        started = time.monotonic()

        def look(execution: Any) -> None:
            nonlocal over, retryable
            scanned = int(execution.data_scanned_in_bytes or 0)
            retryable = bool(execution.retryable)
            watch(Progress(str(execution.query_id), str(execution.state), time.monotonic() - started, scanned))
            if over is None and self.scan_limit is not None and scanned > self.scan_limit:
                over = scanned
                cursor.cancel()

        with self._connection.cursor(on_poll=look) as cursor:
            try:
                cursor.execute(sql)
                yield cursor
            except Error as error:
                if over is not None and self.scan_limit is not None:
                    raise QueryError(_over_the_limit(over, self.scan_limit)) from error
                said = " ".join(str(error).split())
                raise AthenaError(said, cursor.query_id, retryable=retryable) from error

    @cached_property
    def _connection(self) -> "Connection[Cursor]":
        import pyathena  # noqa: PLC0415 - only who asks Athena pays for it
        from pyathena.converter import DefaultTypeConverter  # noqa: PLC0415

        logging.getLogger("pyathena").setLevel(logging.CRITICAL)  # what it logs it also raises, and we say it once
        converter = DefaultTypeConverter()
        for kind in _AS_TEXT:
            converter.set(kind, lambda text: text)
        session, config = aws.session_and_config()
        encryption: dict[str, Any] = {"encryption_option": "SSE_KMS", "kms_key": self.kms_key} if self.kms_key else {}
        return pyathena.connect(
            session=session,
            config=config,
            region_name=session.region_name,
            converter=converter,
            work_group=self.workgroup,
            s3_staging_dir=self.results or "",
            poll_interval=self.poll_seconds,
            **encryption,
        )


def in_databases(sql: str, environment: str) -> str:
    """Athena SQL with `gold.x` written as `shopease_<environment>_gold.x`; not another character is changed."""
    query = parse_select(sql, "query", partial(sqlglot.parse, dialect="athena"))
    layered = [table for table in query.find_all(exp.Table) if table.db.lower() in LAYERS]
    known = {(table.db.lower(), table.name.lower()) for table in layered}
    columns = [column for column in query.find_all(exp.Column) if (column.db.lower(), column.table.lower()) in known]
    written = {node.args["db"].meta["start"]: node.args["db"] for node in (*layered, *columns)}
    for start, layer in sorted(written.items(), reverse=True):
        sql = sql[:start] + glue_database(environment, layer.name.lower()) + sql[layer.meta["end"] + 1 :]
    return sql


def cost(scanned: int, usd_per_tb: Decimal) -> Decimal:
    """US dollars of a query that scanned so many bytes."""
    billed = max(-(-scanned // _MEGABYTE) * _MEGABYTE, _LEAST_BILLED)
    return usd_per_tb * billed / _TERABYTE


def _table(cursor: "Cursor") -> pa.Table:
    """All rows, a thousand a request: they tell null from the empty text, which the result's CSV file does not."""
    description = cursor.description or ()
    rows = cursor.fetchall()
    columns = [
        pa.array([row[at] for row in rows], _arrow(kind, precision, scale))
        for at, (_, kind, _, _, precision, scale, _) in enumerate(description)
    ]
    return pa.Table.from_arrays(columns, names=[column[0] for column in description])


def _arrow(kind: str, precision: int, scale: int) -> pa.DataType:
    return pa.decimal128(precision, scale) if kind == "decimal" else _ARROW.get(kind, pa.string())


def _over_the_limit(scanned: int, limit: int) -> str:
    return (
        f"cancelled: the query had scanned {scanned / _GIGABYTE:,.2f} GB, more than SHOPEASE_ATHENA_SCAN_LIMIT_GB="
        f"{limit / _GIGABYTE:g} allows; name fewer partitions (where dt >= date '…') and columns, or raise the limit"
    )
