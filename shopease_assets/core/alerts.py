"""What is told of troubles, and when: once, again while they last, and once more when they are over. Pure.

How troubles are found is `automation.troubles`' business, who is told `automation.channels`'.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeVar

from shopease_assets.core.layout import TableRef, day_ranges

_T = TypeVar("_T")
#: More new causes than this at once are a flood, and told by kind: so an evening of trouble is ten messages at most.
_TOLD_APART = 4
_REASONS, _TABLES, _SPANS = 3, 20, 8
_LONGEST_REASON, _LONGEST_SUBJECT = 600, 100  # Amazon SNS refuses longer subjects


class Kind(StrEnum):
    """What sort of trouble a table is in."""

    BLOCKED = "blocked"
    FAILED = "failed"
    STALE = "stale"


class News(StrEnum):
    """What is new about a trouble."""

    NEW = "new"
    LASTING = "lasting"
    RECOVERED = "recovered"


@dataclass(frozen=True, order=True)
class Key:
    """Which trouble it is, however often it is seen; of a stale table as a whole the partition is None."""

    kind: Kind
    table: TableRef
    partition: str | None = None


@dataclass(frozen=True)
class Trouble:
    """A trouble as it is now. Those of one `cause` (a table's audit, a run) are told in one message."""

    key: Key
    since: datetime
    reason: str
    cause: str
    run_id: str | None = None


@dataclass(frozen=True)
class Told:
    """What was told of a trouble: since when it had been there, the cause, and when it was told last."""

    since: datetime
    cause: str
    at: datetime


@dataclass(frozen=True)
class Alert:
    """A message. `remember` is what has been told once it is delivered; None: nothing is left to tell."""

    kind: str
    news: str
    tables: tuple[str, ...]
    subject: str
    text: str
    remember: Mapping[Key, Told | None]


def alerts(
    told: Mapping[Key, Told],
    troubles: Sequence[Trouble],
    now: datetime,
    *,
    remind_after: timedelta,
    link: Callable[[str], str],
) -> list[Alert]:
    """The messages that lead from what was told to what there is: ten at most, none when nothing is new.

    Args:
        told: what was told before.
        troubles: all there are now, one per key.
        now: the moment it is said.
        remind_after: how long after it was last told a trouble that lasts is told again, with all of its kind.
        link: where to look at a run, by its id.
    """
    new = [trouble for trouble in troubles if trouble.key not in told]
    lasting = [trouble for trouble in troubles if trouble.key in told]
    due = {trouble.key.kind for trouble in lasting if told[trouble.key].at + remind_after <= now}
    there = {trouble.key for trouble in troubles}
    over = {key: was for key, was in told.items() if key not in there}
    return [
        *(_message(News.NEW, group, now, link) for group in _new_groups(new)),
        *(_message(News.LASTING, [one for one in lasting if one.key.kind is kind], now, link) for kind in sorted(due)),
        *(_recovered({key: over[key] for key in keys}) for keys in _grouped(over, lambda key: key.kind)),
    ]


def remembered(told: Mapping[Key, Told], alert: Alert) -> dict[Key, Told]:
    """What has been told after an alert was delivered."""
    return {key: was for key, was in {**told, **alert.remember}.items() if was is not None}


def described(troubles: Sequence[Trouble], link: Callable[[str], str]) -> str:
    """The troubles of one kind, by table: partitions, reasons, since when, the cure, the run."""
    tables = _grouped(troubles, lambda trouble: trouble.key.table)
    more = [f"and {len(tables) - _TABLES} more tables; see: shopease alerts list"] if len(tables) > _TABLES else []
    return "\n\n".join([*("\n".join(_paragraph(of_table, link)) for of_table in tables[:_TABLES]), *more])


def _new_groups(new: Sequence[Trouble]) -> list[list[Trouble]]:
    causes = _grouped(new, lambda trouble: (trouble.key.kind, trouble.cause))
    return causes if len(causes) <= _TOLD_APART else _grouped(new, lambda trouble: trouble.key.kind)


def _message(news: News, troubles: Sequence[Trouble], now: datetime, link: Callable[[str], str]) -> Alert:
    keys = [trouble.key for trouble in troubles]
    opening = _OPENINGS[keys[0].kind] if news is News.NEW else f"Still so. {_OPENINGS[keys[0].kind]}"
    return Alert(
        kind=keys[0].kind,
        news=news,
        tables=_tables(keys),
        subject=_subject("still " * (news is News.LASTING) + keys[0].kind, keys),
        text=f"{opening}\n\n{described(troubles, link)}",
        remember={trouble.key: Told(trouble.since, trouble.cause, now) for trouble in troubles},
    )


def _recovered(over: Mapping[Key, Told]) -> Alert:
    kind = next(iter(over)).kind
    tables = _grouped(over, lambda key: key.table)
    lines = [f"{_what(keys)}, since {_moment(min(over[key].since for key in keys))}" for keys in tables[:_TABLES]]
    more = [f"and {len(tables) - _TABLES} more tables"] if len(tables) > _TABLES else []
    return Alert(
        kind=kind,
        news=News.RECOVERED,
        tables=_tables(over),
        subject=_subject(f"recovered, no longer {kind}", over),
        text="\n".join([f"Recovered, no longer {kind}:", *lines, *more]),
        remember=dict.fromkeys(over),
    )


def _paragraph(troubles: Sequence[Trouble], link: Callable[[str], str]) -> Iterator[str]:
    keys = [trouble.key for trouble in troubles]
    newest = max(troubles, key=lambda trouble: trouble.since)
    yield _what(keys)
    yield f"  why: {_reasons(troubles)}"
    yield f"  since: {_moment(min(trouble.since for trouble in troubles))}"
    yield f"  cure: {_cure(keys)}"
    if newest.run_id:
        yield f"  run: {link(newest.run_id)}"


def _reasons(troubles: Sequence[Trouble]) -> str:
    """Each once, with its partition where there are several."""
    first: dict[str, str | None] = {}
    for trouble in troubles:
        first.setdefault(trouble.reason, trouble.key.partition)
    told = [
        (f"{partition}: " if partition and len(first) > 1 else "") + reason[:_LONGEST_REASON]
        for reason, partition in first.items()
    ]
    return "; ".join(told[:_REASONS]) + (f"; and {len(told) - _REASONS} more" if len(told) > _REASONS else "")


def _cure(keys: Sequence[Key]) -> str:
    kind, table = keys[0].kind, keys[0].table
    if kind is not Kind.BLOCKED:
        return _CURES[kind]
    partitions = [key.partition for key in keys if key.partition]
    days = f"--from {min(partitions)} --to {max(partitions)}"
    if table.layer == "silver":
        return (
            f"look with: shopease quarantine show {table.name}; "
            f"mend the source or the rule, then: shopease replay {table.name} {days}"
        )
    return f"mend what the check names, then: shopease run --table {table.path} {days}"


def _what(keys: Iterable[Key]) -> str:
    """`silver.orders 2026-01-05…2026-01-07, 2026-01-09 (4 partitions)`."""
    listed = list(keys)
    partitions = [key.partition for key in listed if key.partition]
    if not partitions:
        return str(listed[0].table)
    spans = [first if first == last else f"{first}…{last}" for first, last in day_ranges(partitions, len(partitions))]
    shown = ", ".join(spans[:_SPANS]) + (", …" if len(spans) > _SPANS else "")
    return f"{listed[0].table} {shown}" + (f" ({len(partitions)} partitions)" if len(partitions) > 1 else "")


def _subject(what: str, keys: Collection[Key]) -> str:
    tables = _tables(keys)
    told = _what(keys).replace("…", "..") if len(tables) == 1 else f"{len(tables)} tables: {', '.join(tables)}"
    return f"ShopEase, {what}: {told}".encode("ascii", "replace").decode()[:_LONGEST_SUBJECT]


def _tables(keys: Iterable[Key]) -> tuple[str, ...]:
    return tuple(sorted({str(key.table) for key in keys}))


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _grouped(items: Iterable[_T], by: Callable[[_T], object]) -> list[list[_T]]:
    groups: dict[object, list[_T]] = {}
    for item in items:
        groups.setdefault(by(item), []).append(item)
    return list(groups.values())


_OPENINGS = {
    Kind.BLOCKED: "Blocked by an audit: readers keep the last good version, where there is one.",
    Kind.FAILED: "A run failed: these partitions were not made.",
    Kind.STALE: "Stale: newer partitions should have been published by now.",
}
_CURES = {
    Kind.FAILED: "mend what the error names, then: shopease refresh",
    Kind.STALE: "see that dagster-daemon runs and that the source answers, then: shopease refresh",
}
