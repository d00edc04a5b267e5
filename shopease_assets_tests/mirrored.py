"""Brings Glue up to a lake, for those who ask Athena."""

from shopease_assets.core.layout import TableRef
from shopease_assets.kit.documents import document
from shopease_assets.storage.glue import GlueMirror
from shopease_assets.storage.lake import ParquetLake

ENVIRONMENT = "dev"


def mirror(lake: ParquetLake, *tables: TableRef, environment: str = ENVIRONMENT) -> None:
    """What was published of the tables (default: all) since the last time."""
    glue = GlueMirror(lake.location, lake.log, environment, document)
    for table in tables or lake.log.tables():
        glue.sync(table)
