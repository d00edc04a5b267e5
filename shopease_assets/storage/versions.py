"""The names of versions: when they were written, by which run, and a random end that keeps two of them apart."""

import re
import secrets
from datetime import UTC, datetime

_MOMENT = "%Y%m%dT%H%M%S%f"
_MOMENT_LENGTH = len("20250301T101500123456")


def new_version(at: datetime, run_id: str) -> str:
    """A folder's name that sorts by time: `20250301T101500123456Z-6f1c2d34-9a0b1c2d`."""
    run = re.sub(r"[^A-Za-z0-9]+", "-", run_id).strip("-")[:40]
    return f"{at.astimezone(UTC).strftime(_MOMENT)}Z-{run or 'run'}-{secrets.token_hex(4)}"


def written_at(version: str) -> datetime | None:
    """When a version was begun; None for a folder that is no version."""
    try:
        return datetime.strptime(version[:_MOMENT_LENGTH], _MOMENT).replace(tzinfo=UTC)
    except ValueError:
        return None


def run_of(version: str) -> str:
    """The run that wrote it, as far as the name tells."""
    return version[_MOMENT_LENGTH + len("Z-") : -len("-9a0b1c2d")]
