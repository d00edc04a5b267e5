"""The statements of schema.sql by section, strict or relaxed. Pure text; nothing is executed here."""

import re
from functools import cache
from importlib.resources import files
from typing import Final, Literal

Section = Literal["tables", "constraints", "indexes", "triggers"]

_SECTION_MARK: Final = re.compile(r"^-- section: (\w+)$", re.MULTILINE)
# Planted faults are nulls, broken JSON and currencies of any length; bookkeeping times are never faulty.
_RELAXATIONS: Final = (
    (re.compile(r"(?<!_at timestamptz) not null"), ""),
    (re.compile(r"(?m)^( +(?:registered|occurred|ordered)_at timestamptz) not null"), r"\1"),
    (re.compile(r"\bjsonb\b"), "text"),
    (re.compile(r"\bchar\(3\)"), "text"),
)


def tables(*, relaxed: bool = False) -> str:
    """Bare tables. Relaxed ones take what dirty sources hold: JSON is text, only created_at and updated_at are sure."""
    statements = _sections()["tables"]
    if relaxed:
        for pattern, replacement in _RELAXATIONS:
            statements = pattern.sub(replacement, statements)
    return statements


def finish(*, relaxed: bool = False) -> list[str]:
    """What follows once the data is in, statement by statement: constraints (not if relaxed), indexes, triggers."""
    sections: tuple[Section, ...] = ("indexes",) if relaxed else ("constraints", "indexes")
    statements = [part for section in sections for part in _sections()[section].split(";") if part.strip()]
    return [*statements, _sections()["triggers"]]


@cache
def _sections() -> dict[str, str]:
    text = files(__package__).joinpath("schema.sql").read_text(encoding="utf-8")
    _, *parts = _SECTION_MARK.split(text)
    return dict(zip(parts[::2], parts[1::2], strict=True))
