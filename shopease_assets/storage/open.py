"""Opens the configured lake: the one place that turns settings into storage."""

from pathlib import Path
from typing import TYPE_CHECKING

from shopease_assets.core.errors import SettingsError
from shopease_assets.secret_store import database_url
from shopease_assets.settings import Settings
from shopease_assets.storage.glue_tables import Documents
from shopease_assets.storage.lake import ParquetLake
from shopease_assets.storage.location import Location
from shopease_assets.storage.log import PublicationLog

if TYPE_CHECKING:
    from shopease_assets.storage.glue import GlueMirror


def open_lake(settings: Settings) -> ParquetLake:
    """The lake and its publication log; folders and the log are made when missing, a bucket is not.

    Raises:
        SettingsError: one of them cannot be opened.
    """
    if settings.lake_bucket is not None:
        location = Location.s3(settings.lake_bucket, settings.kms_key)
    else:
        location = _folder(settings.lake_folder)
    return ParquetLake(location, PublicationLog.open(database_url("SHOPEASE_CATALOG_URL", settings.log_url)))


def open_mirror(settings: Settings, lake: ParquetLake, documents: Documents) -> "GlueMirror | None":
    """What makes Glue follow the lake, with what `documents` say of its tables; None for a lake in a folder."""
    if settings.lake_bucket is None:
        return None
    from shopease_assets.storage.glue import GlueMirror  # noqa: PLC0415 - botocore, which local lakes need not load

    return GlueMirror(lake.location, lake.log, settings.environment, documents)


def _folder(folder: Path) -> Location:
    try:
        return Location.local(folder)
    except OSError as error:
        raise SettingsError(
            f"the lake in {folder} cannot be opened ({error.strerror}: {error.filename}); "
            "make the folder writable, or set SHOPEASE_LAKE_URI (or SHOPEASE_HOME)"
        ) from None
