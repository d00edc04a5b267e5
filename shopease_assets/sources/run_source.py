"""The source as one run sees it: a single snapshot, opened when first needed, shared by every table of the run."""

from collections.abc import Callable

from shopease_assets.sources.postgres import PostgresSnapshot


class RunSource:
    """Hands out the run's snapshot, so that an order and its items are read as of the same instant.

    A DSN that is asked for is asked for at each attempt to connect: a retry has the password that was rotated.
    """

    def __init__(self, dsn: str | Callable[[], str]) -> None:
        self._dsn = dsn
        self._snapshot: PostgresSnapshot | None = None

    def snapshot(self) -> PostgresSnapshot:
        """The run's snapshot.

        Raises:
            SourceError: the server cannot be reached.
        """
        if self._snapshot is None:
            self._snapshot = PostgresSnapshot(self._dsn if isinstance(self._dsn, str) else self._dsn())
        return self._snapshot

    def close(self) -> None:
        """Give the connection back; the next snapshot is a new one."""
        if self._snapshot is not None:
            self._snapshot.close()
            self._snapshot = None
