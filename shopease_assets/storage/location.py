"""Where a lake lives: a filesystem, a root, and how a path in it is written for those who read it.

The only place that knows a local lake from a remote one. What the folders below the root mean is `lake`'s.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pyarrow import fs

from shopease_assets.core.errors import SettingsError
from shopease_assets.core.layout import TableRef

_CORES = min(4, os.cpu_count() or 1)
_UPLOADS_AT_ONCE = 8  # while some wait for S3, others compute; twice as many cost 130 MB and win little


@dataclass(frozen=True)
class Location:
    """A root folder of a filesystem; `scheme` and `storage_options` are what Polars needs to open its files.

    `reader` is the filesystem by which other engines open them; None: the files are this machine's. `writers` is how
    many files are best written at once.
    """

    filesystem: fs.FileSystem
    root: str
    scheme: str = ""
    storage_options: Mapping[str, str | int] = field(default_factory=dict)
    reader: fs.FileSystem | None = None
    writers: int = _CORES

    def __post_init__(self) -> None:
        """Refuses a root that readers would take for a partition."""
        if "=" in self.root:
            raise SettingsError(f"lake folder {self.root}: readers take a folder with '=' for a partition; rename it")

    @classmethod
    def s3(cls, uri: str, kms_key: str | None = None) -> "Location":
        """A bucket, or a prefix in one: `s3://bucket/prefix`; the rest is told by AWS's own variables.

        Raises:
            SettingsError: the bucket is not there, or may not be asked for.
        """
        from shopease_assets.storage import s3  # noqa: PLC0415 - boto3 takes 0.2 s that local lakes need not pay

        root = uri.removeprefix("s3://").rstrip("/")
        s3.check_bucket(root)
        filesystem = fs.PyFileSystem(s3.S3Handler(kms_key))
        return cls(filesystem, root, "s3://", s3.connection(), s3.reader(), _UPLOADS_AT_ONCE)

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

    def path(self, address: str) -> str | None:
        """The path behind an address, without a slash at its end; None for one outside the lake."""
        path = address.removeprefix(self.scheme).rstrip("/")
        return path if address.startswith(f"{self.address(self.root)}/") else None

    def address(self, path: str) -> str:
        """A path of the filesystem as Polars, DuckDB and Glue write it."""
        return self.scheme + path
