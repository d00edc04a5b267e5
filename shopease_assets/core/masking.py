"""What may be shown of personal data: the shape of a value, and of a library's error what it says without values.

Pure. Which columns are personal is said by contracts and source tables; who shows what is decided in `cli` and `kit`.
"""

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from shopease_assets.core.errors import QueryError, ShopEaseError, StepError

_UNREADABLE = "_unreadable"
_GAP = "…"
_LONGEST_NUMBER = 3
_TOKEN = re.compile(r"""[^\s"'`()\[\]{}<>,;:=|]+""")
_NUMBERS = re.compile(r"\d+(?:[\s().+-]+\d+)+")  # a telephone's groups are short
_GAPS = re.compile(rf"{_GAP}(?:[\s\"'`()\[\]{{}}<>,;:=|.]*{_GAP})+")
#: What databases and libraries say around the values they quote. A list of what may stay, not of what must go: no
#: pattern finds every name and address. Words that are first names too are left out.
_WORDS = """
    a abnormally abort aborted access administrator after all allowed already ambiguous an and any are argument
    arguments array as assertion at attempt attribute available bad be because been before being between bigint
    binary binder bool boolean both bound broken but by bytea bytes can't canceling cannot cast casting catalog
    cause character characters closed closing code col column columns command compute conflict connection constraint
    contains context contract conversion convert converted copy corrupt could data dataframe date date32 datetime
    deadlock decimal decimal128 denied destination detail detected device different dimension directory disk
    division do does doesn't double down due duplicate duplicated duration element elements empty end errno error
    errors evaluating exceeded exceeds exception exist existing exists expected expression f32 f64 failed false
    fatal fetch field file filename files find fit float float32 float64 following for format found frame from
    function given greater had has have header higher hint hour i16 i32 i64 i8 in incompatible index inet input
    insufficient int int16 int32 int64 int8 integer internal interrupted into invalid io is it its join json jsonb
    key kind label large left length less libpq limit line list literal located lock lose lost lower malformed
    memory message minute missing module month more must name names nan negative no non none not null number numeric
    object occurred of offline offset on one only open operation operator option or order other out overflow parse
    parsed parser parsing partition password path peer permission pipe position possible precision process
    processing query range read reading real reason received refused relation request required reset result returned
    rounded row rows run scalar scale schema second select server session setting shape should shutting size
    smallint some source space specified spill sql statement storage str string struct syntax table target terminate
    terminated terminating text than that the there this time timed timeout timestamp timestamptz timezone tinyint
    to too transaction true truncated try type types tz u16 u32 u64 u8 uint16 uint32 uint64 uint8 unable unavailable
    unexpected unexpectedly uninitialized unknown unreachable unsupported us use user using utc utf-8 utf8 valid
    value values varchar violates was week were when which while with without would write writing wrong year zero
    zone
"""
_VOCABULARY = frozenset(_WORDS.split())


def masked(value: Any) -> Any:
    """The shape of a value, none of its content: `Ada@mail.com` → `Xxx@xxxx.xxx`; null stays null.

    >>> masked("12 Main St.")
    '99 Xxxx Xx.'
    """
    return None if value is None else "".join(map(_masked_character, str(value)))


def masked_row(row: Mapping[str, Any], personal: Collection[str]) -> dict[str, Any]:
    """The row with the shape of its personal values, also of those that were kept aside as unreadable."""
    return {name: _masked_field(name, value, personal) for name, value in row.items()}


def redacted(text: str, known: Iterable[str] = ()) -> str:
    """One line of what an error says, every word a gap that is neither an error's own nor a known identifier.

    >>> redacted("Could not convert string 'ada@mail.com' of column phone", ["phone"])
    "Could not convert string '…' of column phone"
    """
    identifiers = {name.lower() for name in known}
    line = _TOKEN.sub(lambda found: _kept(found[0], identifiers), _NUMBERS.sub(_GAP, text))
    return " ".join(_GAPS.sub(_GAP, line).split())


@contextmanager
def values_withheld(subject: object, known: Iterable[str], *, passing: type[Exception]) -> Iterator[None]:
    """Within it, no error carries a value out: its text may quote the row it failed on.

    Our own errors and `passing` are left as they are, but for those that repeat what an engine said.

    Raises:
        StepError: with the subject, the type of the error, its redacted text and its traceback.
    """
    try:
        yield
    except passing:
        raise
    except Exception as error:
        if isinstance(error, ShopEaseError) and not isinstance(error, QueryError):
            raise
        told = redacted(str(error), [*known, *str(subject).split(".")])
        raise StepError(f"{subject}: {type(error).__name__}: {told}").with_traceback(error.__traceback__) from None


def _masked_character(character: str) -> str:
    if character.isalpha():
        return "X" if character.isupper() else "x"
    return "9" if character.isnumeric() else character


def _masked_field(name: str, value: Any, personal: Collection[str]) -> Any:
    if name == _UNREADABLE and value is not None:
        return json.dumps(masked_row(json.loads(value), personal), ensure_ascii=False)
    return masked(value) if name in personal else value


def _kept(token: str, identifiers: Collection[str]) -> str:
    word = token.strip(".!?*-/").lower()
    if word in _VOCABULARY or word in identifiers or (word.isdecimal() and len(word) <= _LONGEST_NUMBER):
        return token
    parts = re.split(r"[./]", word)  # shop.orders, or/and
    return token if all(part in _VOCABULARY or part in identifiers for part in parts) else _GAP
