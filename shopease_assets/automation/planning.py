"""Which runs bring tables up to date: waves of chunks, each some assets over consecutive partitions. No I/O here.

Tables that look at every version of another table (references, as-of joins) wait until that table is complete, so
the order of work is in waves; within a wave, chunks are independent.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import dagster as dg
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

from shopease_assets.core.layout import partition_date
from shopease_assets.kit.partitions import DAILY, HISTORY_OF_DAY, MONTHLY, WAITS_FOR
from shopease_assets.kit.policy import AFTERWARDS

#: What to run: table (`silver/orders`) → its partitions.
Work = Mapping[str, Collection[str]]
_LONGEST_MONTH = 31


@dataclass(frozen=True)
class Chunk:
    """One run: some assets over consecutive partitions."""

    assets: tuple[dg.AssetsDefinition, ...]
    first: str
    last: str

    @property
    def partitions(self) -> dg.TimeWindowPartitionsDefinition:
        """The definition its partitions belong to: Dagster runs assets of one definition at a time."""
        return MONTHLY if self.assets[0].partitions_def == MONTHLY else DAILY

    @property
    def keys(self) -> list[str]:
        """Its partitions."""
        return keys_between(self.partitions, self.first, self.last)


def plan(
    assets: Sequence[dg.AssetsDefinition],
    start: date,
    end: date,
    *,
    today: date,
    days_per_run: int,
    version_days: Collection[str] = (),
    newest_day: str = "",
    newest_month: str = "",
) -> list[Chunk]:
    """The runs that bring `assets` up to date for the days from `start` to `end`, in order.

    Tables that others wait for are also run for `version_days`, the days the lake lacks of them: a source that
    overwrites may show a customer of January only under the day he moved. Tables that read the history of others are
    also run for the later days up to `newest_day`, for these hold the days asked for. Months are those the days touch,
    and the later ones up to `newest_month`, whose state holds these days too.
    """
    asked = keys_between(DAILY, start.isoformat(), min(end, today).isoformat())
    first = _waited_for(assets)
    months = keys_between(MONTHLY, start.replace(day=1).isoformat(), max(min(end, today).isoformat(), newest_month))
    later = keys_between(DAILY, asked[-1], newest_day) if asked else []
    work = {
        name_of(asset): months
        if asset.partitions_def == MONTHLY
        else {*asked, *(version_days if asset in first else ()), *(later if history_of(asset) else ())}
        for asset in assets
    }
    return [chunk for wave in waves(work, assets, days_per_run) for chunk in wave]


def waves(work: Work, assets: Sequence[dg.AssetsDefinition], days_per_run: int) -> list[list[Chunk]]:
    """The work as runs of at most `days_per_run` days: those of a wave need all of the wave before; months come last.

    Days that fit into one run need no waves: it sees every partition it needs, in whatever order.
    """
    daily, monthly = (
        [asset for asset in assets if asset.partitions_def == cadence and work.get(name_of(asset))]
        for cadence in (DAILY, MONTHLY)
    )
    last = [asset for asset in daily if is_made_afterwards(asset)]
    daily = [asset for asset in daily if asset not in last]
    whole = _chunks(work, daily, days_per_run)
    days = [whole] if len(whole) == 1 else [_chunks(work, wave, days_per_run) for wave in _waves(daily)]
    return [wave for wave in (*days, _chunks(work, last, days_per_run), _chunks(work, monthly, None)) if wave]


def coalesced(work: Work, most: int | None = None, *, gap: int = 1) -> list[tuple[list[str], str, str]]:
    """(tables, first, last): consecutive partitions with the same tables joined, `most` at a time, ascending.

    Partitions are consecutive when at most `gap` days lie between their keys.
    """
    tables: dict[str, list[str]] = {}
    for table, partitions in work.items():
        for partition in set(partitions):
            tables.setdefault(partition, []).append(table)
    runs: list[list[str]] = []
    for key in sorted(tables):
        last = runs[-1][-1] if runs else None
        if (
            last is not None
            and tables[last] == tables[key]
            and (partition_date(key) - partition_date(last)).days <= gap
            and (most is None or len(runs[-1]) < most)
        ):
            runs[-1].append(key)
        else:
            runs.append([key])
    return [(tables[run[0]], run[0], run[-1]) for run in runs]


def range_tags(first: str, last: str) -> dict[str, str]:
    """The tags by which Dagster runs a range of partitions in one run."""
    return {ASSET_PARTITION_RANGE_START_TAG: first, ASSET_PARTITION_RANGE_END_TAG: last}


def name_of(asset: dg.AssetsDefinition) -> str:
    """`silver/orders`."""
    return asset.key.to_user_string()


def inputs_of(asset: dg.AssetsDefinition) -> list[str]:
    """The tables it is made of or looks at."""
    return [key.to_user_string() for key in asset.dependency_keys]


def waits_for(asset: dg.AssetsDefinition) -> list[str]:
    """The tables it looks at every version of."""
    return list(asset.metadata_by_key[asset.key].get(WAITS_FOR, []))


def is_made_afterwards(asset: dg.AssetsDefinition) -> bool:
    """Whether it is made after all others of its days, whatever became of them."""
    return asset.specs_by_key[asset.key].tags.items() >= AFTERWARDS.items()


def history_of(asset: dg.AssetsDefinition) -> list[str]:
    """The tables of which a day of it sees all days up to it: its later days change with an earlier one of theirs."""
    return [
        dep.asset_key.to_user_string()
        for dep in asset.specs_by_key[asset.key].deps
        if asset.partitions_def == DAILY and dep.partition_mapping == HISTORY_OF_DAY
    ]


def keys_between(partitions: dg.TimeWindowPartitionsDefinition, first: str, last: str) -> list[str]:
    """The partitions from `first` to `last`, both included, that have begun."""
    return [key for key in partitions.get_partition_keys() if first <= key <= last]


def _chunks(work: Work, assets: Sequence[dg.AssetsDefinition], most: int | None) -> list[Chunk]:
    named = {name_of(asset): asset for asset in assets}
    gap = _LONGEST_MONTH if most is None else 1
    runs = coalesced({name: work[name] for name in named}, most, gap=gap)
    return [Chunk(tuple(named[table] for table in tables), first, last) for tables, first, last in runs]


def _waited_for(assets: Sequence[dg.AssetsDefinition]) -> list[dg.AssetsDefinition]:
    """The tables among `assets` that others need complete, and what these are made of."""
    waited = {name for asset in assets for name in waits_for(asset)}
    daily = [asset for asset in assets if asset.partitions_def == DAILY]
    needed = [asset for asset in daily if name_of(asset) in waited]
    sources = {name for asset in needed for name in inputs_of(asset)}
    return [asset for asset in daily if asset in needed or name_of(asset) in sources]


def _waves(assets: Sequence[dg.AssetsDefinition]) -> list[list[dg.AssetsDefinition]]:
    """Assets by how many complete tables are made after them, so that each runs beside what is made of it."""
    after: dict[str, int] = {}

    def later(name: str) -> int:
        if name not in after:
            users = [asset for asset in assets if name in inputs_of(asset)]
            after[name] = max((later(name_of(user)) + (name in waits_for(user)) for user in users), default=0)
        return after[name]

    numbered = [(later(name_of(asset)), asset) for asset in assets]
    numbers = sorted({number for number, _ in numbered}, reverse=True)
    return [[asset for number, asset in numbered if number == wanted] for wanted in numbers]
