"""Opens the configured lake: the one place that turns settings into storage."""

from shopease_assets.settings import Settings
from shopease_assets.storage.lake import ParquetLake
from shopease_assets.storage.log import PublicationLog


def open_lake(settings: Settings) -> ParquetLake:
    """The lake and its publication log; both are made when missing."""
    settings.lake_folder.mkdir(parents=True, exist_ok=True)
    return ParquetLake.local(settings.lake_folder, PublicationLog.open(settings.log_url))
