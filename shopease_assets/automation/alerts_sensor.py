"""The sensor `alerts`: compares the troubles there are with what each channel was told, and tells the difference.

What was told is in the sensor's cursor. An alert that was not delivered is not remembered and so is told at the next
tick; one that was delivered by a process that died before its cursor was kept is told twice.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any

import dagster as dg

from shopease_assets.automation.channels import Channel, channels
from shopease_assets.automation.troubles import present_troubles
from shopease_assets.core.alerts import Key, Kind, Told, Trouble, alerts, remembered
from shopease_assets.core.errors import ShopEaseError
from shopease_assets.core.layout import TableRef, day_ranges, partition_date
from shopease_assets.settings import Settings, settings
from shopease_assets.storage.open import open_lake

_SECONDS = 60
_Told = dict[Key, Told]


def alerts_sensor(assets: Sequence[dg.AssetsDefinition]) -> dg.SensorDefinition:
    """The sensor over the tables of `assets`; it has nothing to do as long as nobody is to be told."""

    @dg.sensor(
        name="alerts",
        minimum_interval_seconds=_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Tells SNS and Slack of blocked partitions, failed runs and stale tables: once, daily, when over.",
    )
    def tick(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        chosen, now = settings(), datetime.now(UTC)
        listeners = channels(chosen)
        if not listeners:
            return dg.SkipReason("nobody is to be told; set SHOPEASE_ALERTS_TOPIC or SHOPEASE_SLACK_WEBHOOK")
        told = _read(context.cursor)
        runs = {was.cause for of_one in told.values() for key, was in of_one.items() if key.kind is Kind.FAILED}
        troubles = troubles_now(chosen, context.instance, assets, now, told_runs=runs)
        after: dict[str, _Told] = {}
        failures: list[ShopEaseError] = []
        for channel in listeners:
            after[channel.name], failed = _tell(channel, told.get(channel.name, {}), troubles, now, chosen)
            failures += failed
        if failures and after == told:
            raise failures[0]  # a tick that fails is seen, but keeps no cursor
        said = "; ".join(map(str, failures)) or f"{len(troubles)} troubles, all told"
        return dg.SensorResult(skip_reason=said, cursor=_text(after))

    return tick


def troubles_now(
    chosen: Settings,
    instance: dg.DagsterInstance,
    assets: Sequence[dg.AssetsDefinition],
    now: datetime,
    *,
    told_runs: Collection[str] = (),
) -> list[Trouble]:
    """The troubles of the configured lake."""
    return present_troubles(
        open_lake(chosen).log,
        instance,
        assets,
        now,
        zone=chosen.zone,
        stale_after=timedelta(hours=chosen.stale_after_hours),
        told_runs=told_runs,
    )


def _tell(
    channel: Channel, told: _Told, troubles: Sequence[Trouble], now: datetime, chosen: Settings
) -> tuple[_Told, list[ShopEaseError]]:
    """What the channel has been told afterwards, and why not all of it."""
    remind_after = timedelta(hours=chosen.remind_after_hours)
    for alert in alerts(told, troubles, now, remind_after=remind_after, link=chosen.run_link):
        try:
            channel.send(alert)
        except ShopEaseError as error:
            return told, [error]
        told = remembered(told, alert)
    return told, []


def _text(told: Mapping[str, _Told]) -> str:
    """Partitions told alike are kept as ranges: a table that is blocked for a year takes one line."""
    return json.dumps({name: [*_rows(of_one)] for name, of_one in told.items()})


def _rows(told: _Told) -> list[list[Any]]:
    def alike(item: tuple[Key, Told]) -> tuple[Any, ...]:
        key, was = item
        return (key.kind, key.table, was.cause, _minute(was.since), _minute(was.at))

    rows = []
    for (kind, table, cause, since, at), items in groupby(sorted(told.items(), key=alike), key=alike):
        partitions = [key.partition for key, _ in items if key.partition]
        spans = day_ranges(partitions, len(partitions)) if partitions else None
        rows.append([kind, table.layer, table.name, table.partition_by, cause, since, at, spans])
    return rows


def _read(cursor: str | None) -> dict[str, _Told]:
    return {name: dict(_entries(rows)) for name, rows in json.loads(cursor or "{}").items()}


def _entries(rows: Sequence[Sequence[Any]]) -> list[tuple[Key, Told]]:
    return [
        (Key(Kind(kind), TableRef(*table), day), Told(datetime.fromisoformat(since), cause, datetime.fromisoformat(at)))
        for kind, *table, cause, since, at, spans in rows
        for day in ([None] if spans is None else [day for first, last in spans for day in _days(first, last)])
    ]


def _days(first: str, last: str) -> list[str]:
    start, end = partition_date(first), partition_date(last)
    return [(start + timedelta(days=day)).isoformat() for day in range((end - start).days + 1)]


def _minute(at: datetime) -> str:
    return at.replace(second=0, microsecond=0).isoformat()
