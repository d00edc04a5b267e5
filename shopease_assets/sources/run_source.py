"""The source as one run sees it: a single snapshot, opened when first needed, shared by every table of the run."""

from shopease_assets.core.errors import SourceError
from shopease_assets.settings import Settings
from shopease_assets.sources.embedded import start_embedded
from shopease_assets.sources.postgres import PostgresSnapshot


def source_dsn(settings: Settings) -> str:
    """The DSN to read: the configured one, or that of the embedded server, started if need be."""
    return settings.source_dsn or start_embedded(settings.home_folder / "postgres")


class RunSource:
    """Hands out the run's snapshot, so that an order and its items are read as of the same instant."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._snapshot: PostgresSnapshot | None = None

    def snapshot(self) -> PostgresSnapshot:
        """The run's snapshot.

        Raises:
            SourceError: the server cannot be reached.
        """
        if self._snapshot is None:
            self._snapshot = PostgresSnapshot(source_dsn(self._settings))
        return self._snapshot

    def close(self) -> None:
        """Give the connection back; the next snapshot is a new one."""
        if self._snapshot is not None:
            self._snapshot.close()
            self._snapshot = None


__all__ = ["RunSource", "SourceError", "source_dsn"]
