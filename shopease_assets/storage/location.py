"""Where a lake lives: a filesystem, a root, and how a path in it is written for those who read it.

The only place that knows a local lake from a remote one. What the folders below the root mean is `lake`'s.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pyarrow import fs

from shopease_assets.core.errors import SettingsError
from shopease_assets.core.layout import TableRef


@dataclass(frozen=True)
class Location:
    """A root folder of a filesystem; `scheme` and `storage_options` are what Polars needs to open its files."""

    filesystem: fs.FileSystem
    root: str
    scheme: str = ""
    storage_options: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuses a root that readers would take for a partition."""
        if "=" in self.root:
            raise SettingsError(f"lake folder {self.root}: readers take a folder with '=' for a partition; rename it")

    @classmethod
    def local(cls, folder: Path) -> "Location":
        """A folder of this machine, made when missing."""
        folder.mkdir(parents=True, exist_ok=True)
        return cls(fs.LocalFileSystem(), folder.resolve().as_posix())

    def table(self, table: TableRef) -> str:
        """The table's folder."""
        return f"{self.root}/{table.path}"

    def version(self, table: TableRef, partition: str, version: str) -> str:
        """The folder of one version of one partition."""
        return f"{self.table(table)}/{table.partition_by}={partition}/{version}"

    def address(self, path: str) -> str:
        """A path of the filesystem as Polars, DuckDB and Glue write it."""
        return self.scheme + path
