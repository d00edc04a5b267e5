"""What to run, table → partitions: stale days, what lags behind its inputs, and everything that is made of them.

Asks the publication log only. Which days are stale at the source is found by `late_changes`; which runs the work makes
is `planning`'s.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from graphlib import TopologicalSorter
from typing import Self

import dagster as dg
import polars as pl

from shopease_assets.automation.planning import (
    Work,
    history_of,
    inputs_of,
    is_made_afterwards,
    keys_between,
    name_of,
    waits_for,
)
from shopease_assets.automation.stale_scores import SCORES, stale_scores
from shopease_assets.core.layout import TableRef
from shopease_assets.kit.partitions import MONTHLY, REFERENCES
from shopease_assets.storage.io_manager import table_of
from shopease_assets.storage.lake import ParquetLake
from shopease_assets.storage.log import PublicationLog
from shopease_assets.storage.records import PublishedPartition
from shopease_assets.storage.versions import written_at

Partitions = Mapping[str, PublishedPartition]
Assets = Sequence[dg.AssetsDefinition]
Stale = Mapping[str, Collection[str]]  # source table → its stale days
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class StaleMonths:
    """The months to make again, and the newest publication of a day that such a table is made of."""

    first: str
    last: str
    publication: int


def work_after(lake: ParquetLake, assets: Assets, stale: Stale | None = None) -> dict[str, set[str]]:
    """The stale days and everything that is made of them.

    A day of which rows were refused for want of a parent that has come since is run from silver on.
    """
    return _downstream(lake, _Tables.read(lake.log, assets), _of_bronze(stale))


def work_to_catch_up(lake: ParquetLake, assets: Assets, stale: Stale | None = None) -> dict[str, set[str]]:
    """Likewise, with what lags behind its inputs: its run failed, or never came."""
    tables = _Tables.read(lake.log, assets)
    lagging = {**_lagging_days(lake.log, tables), **_lagging_months(tables), SCORES.path: {*stale_scores(lake.log)}}
    return _downstream(lake, tables, {**lagging, **_of_bronze(stale)})


def stale_months(log: PublicationLog, assets: Assets) -> StaleMonths | None:
    """From the first month that lags behind its inputs to the last with a day: a later state holds those days too.

    A table waits while one of its inputs was never published.
    """
    tables = _Tables.read(log, assets)
    lagging = _lagging_months(tables)
    made = [name for name in lagging if all(tables.published[up] for up in tables.inputs[name])]
    months = sorted({month for name in made for month in lagging[name]})
    days = {up for name in made for up in tables.inputs[name]} - lagging.keys()
    newest = max((at.publication for up in days for at in tables.published[up].values()), default=0)
    return StaleMonths(months[0], months[-1], newest) if months else None


@dataclass(frozen=True)
class _Tables:
    """The tables, each after those it is made of, and what is published of them."""

    assets: Mapping[str, dg.AssetsDefinition]
    inputs: Mapping[str, Sequence[str]]
    published: Mapping[str, Partitions]
    made_afterwards: Sequence[str]

    @classmethod
    def read(cls, log: PublicationLog, assets: Assets) -> Self:
        afterwards = [name_of(asset) for asset in assets if is_made_afterwards(asset)]
        by_name = {name_of(asset): asset for asset in assets if name_of(asset) not in afterwards}
        inputs = {name: [up for up in inputs_of(asset) if up in by_name] for name, asset in by_name.items()}
        ordered = {name: by_name[name] for name in TopologicalSorter(inputs).static_order()}
        published = {name: log.pointers(table_of(asset.key, asset.partitions_def)) for name, asset in ordered.items()}
        return cls(ordered, inputs, published, afterwards)

    def is_monthly(self, name: str) -> bool:
        return self.assets[name].partitions_def == MONTHLY

    def needed(self, name: str) -> list[str]:
        """The inputs of which a day of the table needs the same day."""
        elsewhere = {*waits_for(self.assets[name]), *history_of(self.assets[name])}
        return [up for up in self.inputs[name] if up not in elsewhere]


def _downstream(lake: ParquetLake, tables: _Tables, begin: Work) -> dict[str, set[str]]:
    """The partitions to begin with, and everything that is made of them; a day whose inputs are not there waits."""
    work: dict[str, set[str]] = {}
    for name, asset in tables.assets.items():
        ups, asked = tables.inputs[name], {*begin.get(name, ())}
        if tables.is_monthly(name):
            work[name] = asked | _months_holding(tables, name, work)
            continue
        if name.startswith("silver/"):
            asked |= _with_parents_now(lake, asset)
        asked |= {day for up in ups for day in work[up]} | _later(asset, work, tables.published[name])
        needed = tables.needed(name)
        work[name] = {day for day in asked if all(day in work[up] or day in tables.published[up] for up in needed)}
    states = {key for name, keys in work.items() if tables.is_monthly(name) for key in keys}
    for name, ups in tables.inputs.items():
        if tables.is_monthly(name) and not ups:  # a calendar is made of nothing, but once a month
            work[name] = states - tables.published[name].keys()
    judged = {day for name, days in work.items() if name.startswith("silver/") for day in days}
    work |= {name: judged | {*begin.get(name, ())} for name in tables.made_afterwards}
    return {name: keys for name, keys in work.items() if keys}


def _lagging_days(log: PublicationLog, tables: _Tables) -> dict[str, set[str]]:
    """The days an input of which was published after them, but for those whose audit has refused them since.

    What is made of a refused day is not tried again either, before something else it is made of changes.
    """
    lagging: dict[str, set[str]] = {}
    refused: dict[str, set[str]] = {}
    for name, asset in tables.assets.items():
        if not tables.is_monthly(name):
            history = history_of(asset)
            seen = [
                _to_date(tables.published[up]) if up in history else tables.published[up] for up in tables.inputs[name]
            ]
            behind, refused[name] = _behind(log, asset, tables.published[name], seen)
            refused[name] |= {day for up in tables.needed(name) for day in refused[up]}
            lagging[name] = behind - refused[name]
    return lagging


def _lagging_months(tables: _Tables) -> dict[str, set[str]]:
    """The months whose state holds a partition that was published after it."""
    return {name: {*_behind_their_days(tables, name)} for name in tables.assets if tables.is_monthly(name)}


def _behind_their_days(tables: _Tables, name: str) -> Iterator[str]:
    inputs = [tables.published[up] for up in tables.inputs[name]]
    for month in keys_between(MONTHLY, "", max((key for up in inputs for key in up), default="")):
        own = tables.published[name].get(month)
        known = own.publication if own else 0
        if any(at.publication > known for up in inputs for key, at in up.items() if key[:7] <= month[:7]):
            yield month


def _months_holding(tables: _Tables, name: str, work: Work) -> set[str]:
    """The months of a table whose state holds a partition that is to be run."""
    ups = tables.inputs[name]
    first = min((key for up in ups for key in work[up]), default=None)
    newest = max((key for up in ups for key in (*tables.published[up], *work[up])), default="")
    return set() if first is None else {*keys_between(MONTHLY, f"{first[:7]}-01", newest)}


def _later(asset: dg.AssetsDefinition, work: Work, own: Partitions) -> set[str]:
    """The published days of a table that hold an earlier day of an input, which is to be run."""
    touched = [day for up in history_of(asset) for day in work[up]]
    return {day for day in own if day >= min(touched)} if touched else set()


def _behind(
    log: PublicationLog, asset: dg.AssetsDefinition, own: Partitions, inputs: Sequence[Partitions]
) -> tuple[set[str], set[str]]:
    """The days of which an input was published after the asset, and those among them it has refused since."""
    behind: dict[str, datetime] = {}
    for day, at in (item for up in inputs for item in up.items()):
        if day not in own or at.publication > own[day].publication:
            behind[day] = max(behind.get(day, _LONG_AGO), written_at(at.version) or _LONG_AGO)
    if not behind:
        return set(), set()
    results = log.quality(table_of(asset.key, asset.partitions_def), behind)
    judged = {one.partition: one.checked_at for one in results if one.blocking and not one.passed}
    return {*behind}, {day for day, at in judged.items() if at > behind[day]}


def _to_date(days: Partitions) -> Partitions:
    """For each day the newest publication of it and the days before it."""
    found: dict[str, PublishedPartition] = {}
    newest: PublishedPartition | None = None
    for day in sorted(days):
        newest = days[day] if newest is None or days[day].publication > newest.publication else newest
        found[day] = newest
    return found


def _with_parents_now(lake: ParquetLake, asset: dg.AssetsDefinition) -> set[str]:
    """The days of a silver table with rows that were refused only for want of parents which exist by now."""
    references: Mapping[str, str] = asset.metadata_by_key[asset.key].get(REFERENCES, {})
    quarantine = TableRef("quarantine", asset.key.path[1])
    held = (
        {day: pointer for day, pointer in lake.log.pointers(quarantine).items() if pointer.rows} if references else {}
    )
    if not held:
        return set()
    rules = [f"{column}|exists" for column in references]
    rows = (
        lake.scan(quarantine, held)
        .select("dt", "original_row", rules=pl.col("rules").str.split(", "))
        .filter(pl.col("rules").list.set_difference(rules).list.len() == 0)
        .collect()
    )
    since = min(pointer.publication for pointer in held.values())
    for column, table in references.items():
        parent = TableRef("silver", table)
        arrived = [day for day, pointer in lake.log.pointers(parent).items() if pointer.publication > since]
        known = lake.scan(parent, arrived).select(pl.col(column).cast(pl.String)).unique().collect().to_series()
        value = pl.col("original_row").str.json_path_match(f"$.{column}")
        rows = rows.filter(~pl.col("rules").list.contains(f"{column}|exists") | value.is_in(known.implode()))
    return {day.isoformat() for day in rows["dt"]}


def _of_bronze(stale: Stale | None) -> Work:
    return {f"bronze/{table}": days for table, days in (stale or {}).items()}
