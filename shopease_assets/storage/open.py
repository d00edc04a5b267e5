"""Opens the configured lake: the one place that turns settings into storage."""

from shopease_assets.core.errors import SettingsError
from shopease_assets.settings import Settings
from shopease_assets.storage.lake import ParquetLake
from shopease_assets.storage.log import PublicationLog


def open_lake(settings: Settings) -> ParquetLake:
    """The lake and its publication log; both are made when missing."""
    folder = settings.lake_folder
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return ParquetLake.local(folder, PublicationLog.open(settings.log_url))
    except OSError as error:
        raise SettingsError(
            f"the lake in {folder} cannot be opened ({error.strerror}: {error.filename}); "
            "make the folder writable, or set SHOPEASE_LAKE_URI (or SHOPEASE_HOME)"
        ) from None
