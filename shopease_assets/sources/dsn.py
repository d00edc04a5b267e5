"""Which database is the source: its DSN, and how to speak of it without its secrets."""

import psycopg
from psycopg.conninfo import conninfo_to_dict

from shopease_assets.core.errors import SettingsError
from shopease_assets.secret_store import database_url
from shopease_assets.settings import Settings
from shopease_assets.sources.embedded import start_embedded


def source_dsn(settings: Settings) -> str:
    """The DSN to read: the configured one, its secret's, or that of the embedded server, started if need be.

    Raises:
        SettingsError: the configured one cannot be read as a DSN, or its secret not at all.
    """
    if settings.source_dsn is None:
        return start_embedded(settings.home_folder / "postgres")
    dsn = database_url("SHOPEASE_SOURCE_DSN", settings.source_dsn)
    culprit = "SHOPEASE_SOURCE_DSN" if dsn == settings.source_dsn else f"SHOPEASE_SOURCE_DSN={settings.source_dsn}"
    try:
        parts = conninfo_to_dict(dsn)
    except psycopg.ProgrammingError:
        raise SettingsError(f"{culprit} is no DSN; write postgresql://user:password@host:5432/name") from None
    if any("@" in str(parts.get(name, "")) for name in ("host", "dbname")):
        raise SettingsError(  # said without the parts: one of them is a piece of the password
            f"{culprit}: an @ or / in the user or password must be written %40 or %2F"
        )
    return dsn


def describe_dsn(dsn: str) -> str:
    """Where a DSN points, without its secrets: `shop at db.example.com:5432`."""
    parts = conninfo_to_dict(dsn)
    return f"{parts.get('dbname', 'postgres')} at {parts.get('host', 'localhost')}:{parts.get('port', 5432)}"
