"""The publication log's tables and its connections, for SQLite and PostgreSQL alike.

What the rows mean and which changes are allowed is `log`'s.
"""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

from shopease_assets.core.errors import SettingsError

_LOCK_WAIT_SECONDS = 60
_LOCK_NOT_AVAILABLE = "55P03"  # PostgreSQL's code
_WRITERS_LOCK = 0x5368_6F70  # any fixed number: "Shop"
_MIRRORS_LOCK = 0x476C_7565  # another, in PostgreSQL's space of pairs: "Glue"


class Utc(sa.types.TypeDecorator[datetime]):
    """A moment; SQLite keeps no zones, so UTC goes in and comes out."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """To UTC, without its zone on SQLite."""
        moment = value and value.astimezone(UTC)
        return moment and moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002
        """As UTC."""
        return value and (value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC))


metadata = sa.MetaData()
_BigId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")  # SQLite numbers only INTEGER keys

tables = sa.Table(
    "lake_tables",
    metadata,
    sa.Column("id", _BigId, primary_key=True),
    sa.Column("layer", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("partition_by", sa.Text, nullable=False),
    sa.Column("schema_id", _BigId),
    sa.Column("head", _BigId, nullable=False),  # the table's newest publication
    sa.UniqueConstraint("layer", "name"),
)
schemas = sa.Table(
    "lake_schemas",
    metadata,
    sa.Column("id", _BigId, primary_key=True),
    sa.Column("table_id", _BigId, nullable=False),
    sa.Column("publication_id", _BigId, nullable=False),  # in force from here on
    sa.Column("arrow", sa.LargeBinary, nullable=False),
    sa.Index("lake_schemas_by_table", "table_id", "publication_id"),
)
publications = sa.Table(
    "lake_publications",
    metadata,
    sa.Column("id", _BigId, primary_key=True),
    sa.Column("table_id", _BigId, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("run_id", sa.Text, nullable=False),
    sa.Column("published_at", Utc, nullable=False),
    sa.Column("note", sa.Text),
    sa.Index("lake_publications_by_time", "published_at"),
    sa.Index("lake_publications_by_table", "table_id", "id"),
    sqlite_autoincrement=True,
)
versions = sa.Table(
    "lake_versions",
    metadata,
    sa.Column("table_id", _BigId, primary_key=True),
    sa.Column("partition", sa.Text, primary_key=True),
    sa.Column("version", sa.Text, primary_key=True),
    sa.Column("schema_id", _BigId),  # the files hold exactly its columns; none for orphans
    sa.Column("run_id", sa.Text, nullable=False),
    sa.Column("files", sa.JSON, nullable=False),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("removed_at", Utc),
)
changes = sa.Table(  # where each publication moved the pointers; a null version un-publishes
    "lake_changes",
    metadata,
    sa.Column("table_id", _BigId, primary_key=True),
    sa.Column("partition", sa.Text, primary_key=True),
    sa.Column("publication_id", _BigId, primary_key=True),
    sa.Column("version", sa.Text),
    sa.Column("decided_by", _BigId, nullable=False),  # a rewrite keeps the publication its content came from
    sa.Index("lake_changes_by_publication", "publication_id"),
)
pointers = sa.Table(  # the newest change of each partition
    "lake_pointers",
    metadata,
    sa.Column("table_id", _BigId, primary_key=True),
    sa.Column("partition", sa.Text, primary_key=True),
    sa.Column("version", sa.Text),
    sa.Column("decided_by", _BigId, nullable=False),
)
mirrored = sa.Table(  # up to which publication a database of Glue shows the table
    "lake_mirrored",
    metadata,
    sa.Column("table_id", _BigId, primary_key=True),
    sa.Column("database", sa.Text, primary_key=True),
    sa.Column("publication_id", _BigId, nullable=False),
)
quality = sa.Table(
    "lake_quality",
    metadata,
    sa.Column("id", _BigId, primary_key=True),
    sa.Column("layer", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("partition_by", sa.Text, nullable=False),
    sa.Column("partition", sa.Text, nullable=False),
    sa.Column("check", sa.Text, nullable=False),
    sa.Column("passed", sa.Boolean, nullable=False),
    sa.Column("blocking", sa.Boolean, nullable=False),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("failed_rows", sa.BigInteger, nullable=False),
    sa.Column("score", sa.Double),
    sa.Column("threshold", sa.Double),
    sa.Column("run_id", sa.Text, nullable=False),
    sa.Column("checked_at", Utc, nullable=False),
    sa.Column("details", sa.JSON, nullable=False),
    sa.Index("lake_quality_by_check", "layer", "name", "partition", "check", "id"),
)


def connect(url: str) -> sa.Engine:
    """An engine whose readers see one snapshot and whose writers come one at a time; makes missing tables.

    Raises SettingsError for a URL that is neither SQLite's nor PostgreSQL's.
    """
    parsed = _driver_chosen(url)
    try:
        engine = _sqlite(parsed) if parsed.drivername.startswith("sqlite") else _postgresql(parsed)
        with reading(engine) as connection:
            missing = metadata.tables.keys() - set(sa.inspect(connection).get_table_names())
        if missing:
            with writing(engine) as connection:
                metadata.create_all(connection)
    except (sa.exc.OperationalError, OSError) as error:
        reason = " ".join(str(getattr(error, "orig", error)).split())
        raise SettingsError(
            f"publication log {parsed} cannot be opened ({reason}); start or unlock it, or correct SHOPEASE_CATALOG_URL"
        ) from None
    return engine


@contextmanager
def reading(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A transaction that sees the log as of one moment."""
    options = {} if engine.dialect.name == "sqlite" else {"isolation_level": "REPEATABLE READ"}
    with engine.connect().execution_options(**options) as connection, connection.begin():
        yield connection


@contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """The only writing transaction of its moment: publication ids are handed out in the order of commits."""
    with engine.connect().execution_options(begin="BEGIN IMMEDIATE") as connection, connection.begin():
        if engine.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_WRITERS_LOCK)))
        yield connection


@contextmanager
def alone(engine: sa.Engine, number: int) -> Iterator[None]:
    """Nobody else is in here with that number, whichever process or machine; a killed one is out at once.

    Raises TimeoutError when somebody is, for too long.
    """
    with (_alone_by_file if engine.dialect.name == "sqlite" else _alone_by_server)(engine, number):
        yield


@contextmanager
def _alone_by_server(engine: sa.Engine, number: int) -> Iterator[None]:
    with engine.connect() as connection, connection.begin():
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_LOCK_WAIT_SECONDS}s'")
        try:
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIRRORS_LOCK, number)))
        except sa.exc.OperationalError as error:
            if getattr(error.orig, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
                raise
            raise TimeoutError from None
        yield


@contextmanager
def _alone_by_file(engine: sa.Engine, number: int) -> Iterator[None]:
    give_up = time.monotonic() + _LOCK_WAIT_SECONDS
    with Path(f"{engine.url.database}-mirror-{number}").open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > give_up:
                    raise TimeoutError from None
                time.sleep(0.05)
        try:
            yield
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)  # a process forked meanwhile has the file open too


def _driver_chosen(url: str) -> sa.URL:
    try:
        parsed = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError):
        raise SettingsError(
            "publication log: SHOPEASE_CATALOG_URL is no URL; "
            "use a file (sqlite:////folder/log.db) or PostgreSQL (postgresql://…)"
        ) from None
    if parsed.drivername in {"postgresql", "postgres"}:
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() not in {"sqlite", "postgresql"} or parsed.database in {None, "", ":memory:"}:
        raise SettingsError(
            f"publication log {parsed}: use a file (sqlite:////folder/log.db) or PostgreSQL (postgresql://…)"
        )
    return parsed


def _sqlite(url: sa.URL) -> sa.Engine:
    Path(str(url.database)).parent.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(url, connect_args={"timeout": _LOCK_WAIT_SECONDS})
    event.listen(engine, "connect", _configure_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _postgresql(url: sa.URL) -> sa.Engine:
    return sa.create_engine(url, pool_pre_ping=True)


def _configure_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # transactions are begun by _begin_sqlite, not guessed by the driver
    give_up = time.monotonic() + _LOCK_WAIT_SECONDS
    while connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except connection.OperationalError:  # switching to WAL does not wait for locks by itself
            if time.monotonic() > give_up:
                raise
            time.sleep(0.01)
    connection.execute("PRAGMA synchronous=NORMAL")


def _begin_sqlite(connection: sa.Connection) -> None:
    connection.exec_driver_sql(str(connection.get_execution_options().get("begin", "BEGIN")))
