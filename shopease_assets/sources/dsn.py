"""Which database is the source: its DSN, and how to speak of it without its secrets."""

from psycopg.conninfo import conninfo_to_dict

from shopease_assets.settings import Settings
from shopease_assets.sources.embedded import start_embedded


def source_dsn(settings: Settings) -> str:
    """The DSN to read: the configured one, or that of the embedded server, started if need be."""
    return settings.source_dsn or start_embedded(settings.home_folder / "postgres")


def describe_dsn(dsn: str) -> str:
    """Where a DSN points, without its secrets: `shop at db.example.com:5432`."""
    parts = conninfo_to_dict(dsn)
    return f"{parts.get('dbname', 'postgres')} at {parts.get('host', 'localhost')}:{parts.get('port', 5432)}"
