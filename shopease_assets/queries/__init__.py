"""The questions people ask every week, in Athena's SQL: one file each, its first comment says what it answers.

`name.sql` runs unchanged in the Athena console; on a laptop `engines.trino` answers it.
"""

from dataclasses import dataclass
from pathlib import Path

from shopease_assets.core.errors import QueryError

_FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class NamedQuery:
    """A question: its name, what it answers, and the SELECT in Athena's dialect."""

    name: str
    answers: str
    sql: str


def named_queries() -> dict[str, NamedQuery]:
    """Name → query, by name."""
    return {path.stem: _read(path) for path in sorted(_FOLDER.glob("*.sql"))}


def named_query(name: str) -> NamedQuery:
    """The query of that name.

    Raises:
        QueryError: there is none; the message lists those there are.
    """
    known = named_queries()
    if name not in known:
        raise QueryError(f"no query is called {name!r}; there are: {', '.join(known)}")
    return known[name]


def _read(path: Path) -> NamedQuery:
    sql = path.read_text()
    comment = [line.removeprefix("--").strip() for line in sql.splitlines() if line.startswith("--")]
    return NamedQuery(path.stem, " ".join(comment), sql)
