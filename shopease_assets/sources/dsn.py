"""Which database is the source: its DSN, and how to speak of it without its secrets."""

import psycopg
from psycopg.conninfo import conninfo_to_dict

from shopease_assets.core.errors import SettingsError
from shopease_assets.settings import Settings
from shopease_assets.sources.embedded import start_embedded


def source_dsn(settings: Settings) -> str:
    """The DSN to read: the configured one, or that of the embedded server, started if need be.

    Raises:
        SettingsError: the configured one cannot be read as a DSN.
    """
    if settings.source_dsn is None:
        return start_embedded(settings.home_folder / "postgres")
    try:
        parts = conninfo_to_dict(settings.source_dsn)
    except psycopg.ProgrammingError:
        raise SettingsError("SHOPEASE_SOURCE_DSN is no DSN; write postgresql://user:password@host:5432/name") from None
    if any("@" in str(parts.get(name, "")) for name in ("host", "dbname")):
        raise SettingsError(  # said without the parts: one of them is a piece of the password
            "SHOPEASE_SOURCE_DSN: an @ or / in the user or password must be written %40 or %2F"
        )
    return settings.source_dsn


def describe_dsn(dsn: str) -> str:
    """Where a DSN points, without its secrets: `shop at db.example.com:5432`."""
    parts = conninfo_to_dict(dsn)
    return f"{parts.get('dbname', 'postgres')} at {parts.get('host', 'localhost')}:{parts.get('port', 5432)}"
