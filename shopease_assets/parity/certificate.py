"""The certificate: what was compared, what both sides said, what differs. Stored as JSON that proves itself unchanged.

Keys and columns are named, values of persons never are.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from shopease_assets.storage.location import Location

FOLDER = "_certificates"


@dataclass(frozen=True)
class Figures:
    """What one side holds of one table, day and tenant: rows, exact sums of money, the sum of the row hashes."""

    rows: int = 0
    money: Mapping[str, Decimal] = field(default_factory=dict)
    row_hash: str = "0"


@dataclass(frozen=True)
class Difference:
    """One row that differs, named by its key; without a key, `rows` rows of the day."""

    table: str
    day: date
    what: str
    key: Mapping[str, Any] | None = None
    tenant: int | None = None
    columns: tuple[str, ...] = ()
    rows: int = 1


@dataclass(frozen=True)
class Compared:
    """One table, day and tenant on both sides."""

    day: date
    tenant: int | None
    source: Figures
    lake: Figures

    @property
    def equal(self) -> bool:
        """Whether both sides say the same."""
        return self.source == self.lake


@dataclass(frozen=True)
class Accounted:
    """Where the bronze rows of one day went in silver; `state` says why a day cannot be compared, else it is empty."""

    day: date
    rows: int = 0
    published: int = 0
    quarantined: int = 0
    duplicates: int = 0
    state: str = ""


@dataclass(frozen=True)
class TableParity:
    """One source table against bronze and silver; `accounts` is None while there is no silver table."""

    name: str
    compared: Sequence[Compared]
    differences: Sequence[Difference]
    accounts: Sequence[Accounted] | None = None

    @property
    def explained(self) -> bool:
        """Whether figures differ only by versions that came after the days that were asked for."""
        return not self.differences and any(not group.equal for group in self.compared)


@dataclass(frozen=True)
class ReportParity:
    """One classic report, recomputed at the source, against gold."""

    name: str
    partitions: Sequence[str]
    rows: int
    differences: Sequence[Difference]
    skipped: str = ""


@dataclass(frozen=True)
class Certificate:
    """The outcome for days `first` to `last`, as of one instant of the source and one publication of the lake."""

    source: str
    taken_at: datetime
    publication: int
    first: date
    last: date
    zone: str
    tables: Sequence[TableParity]
    reports: Sequence[ReportParity] = ()

    @property
    def differences(self) -> list[Difference]:
        """Everything that differs."""
        parts: list[TableParity | ReportParity] = [*self.tables, *self.reports]
        return [found for part in parts for found in part.differences]

    @property
    def passed(self) -> bool:
        """Whether source, lake and reports agree."""
        return not self.differences

    def document(self) -> dict[str, Any]:
        """Its content as JSON knows it, with the SHA-256 over the rest in `sha256`."""
        content: dict[str, Any] = json.loads(json.dumps({"passed": self.passed, **asdict(self)}, default=_jsonable))
        return content | {"sha256": _digest(content)}


def is_unchanged(document: Mapping[str, Any]) -> bool:
    """Whether a stored certificate still says what it said when it was stored."""
    return document.get("sha256") == _digest({name: value for name, value in document.items() if name != "sha256"})


def store(certificate: Certificate, location: Location) -> str:
    """Write it below the lake's root; returns its address."""
    path = f"{location.root}/{FOLDER}/{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}.json"
    location.filesystem.create_dir(f"{location.root}/{FOLDER}")
    with location.filesystem.open_output_stream(path) as file:
        file.write(json.dumps(certificate.document(), ensure_ascii=False).encode())
    return location.address(path)


def _digest(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _jsonable(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else str(value)
