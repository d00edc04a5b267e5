"""Real troubles of a real lake, told by the sensor as the daemon evaluates it, to a topic and to Slack over HTTP."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from pydantic import SecretStr

from shopease_assets.automation import alerts_sensor as module
from shopease_assets.automation.troubles import present_troubles
from shopease_assets.core.alerts import Key, Kind
from shopease_assets.core.errors import AlertError, SettingsError
from shopease_assets.core.layout import TableRef
from shopease_assets.definitions import alerts, assets
from shopease_assets.settings import Settings, settings
from shopease_assets.sources.run_source import RunSource
from shopease_assets_tests.automation.inbox import Inbox
from shopease_assets_tests.automation.slack import SlackServer, slack_server
from shopease_assets_tests.faults.good_day import DAY, both_layers, fill
from shopease_assets_tests.platform import Platform

_NEXT, _LAST = date(2026, 1, 6), date(2026, 1, 7)
_TENANTS = both_layers("tenants")
_AWAY = "postgresql://u:hunter2@127.0.0.1:1/shop"
_NEVER_STALE = 24 * 365 * 100


@dataclass
class Ticking:
    """The sensor over a platform, evaluated from the cursor it left; the clock and the settings are the test's."""

    platform: Platform
    chosen: Settings
    cursor: str | None = None
    later: timedelta = field(default_factory=timedelta)

    def tick(self) -> str:
        """Evaluate the sensor once; what it says of itself."""
        with dg.build_sensor_context(instance=self.platform.instance, cursor=self.cursor) as context:
            answer = alerts(context)
        if isinstance(answer, dg.SkipReason):
            return str(answer.skip_message)
        assert isinstance(answer, dg.SensorResult)
        self.cursor = answer.cursor
        return str(answer.skip_reason)

    def choose(self, **changed: object) -> None:
        """Change settings."""
        self.chosen = self.chosen.model_copy(update=changed)


@pytest.fixture
def ticking(bare: Platform, aws: str, monkeypatch: pytest.MonkeyPatch) -> Ticking:
    """The sensor over `bare`, where nothing is stale unless the test says so."""
    root = str(bare.lake.location.root)
    ticking = Ticking(bare, settings().model_copy(update={"lake_uri": root, "stale_after_hours": _NEVER_STALE}))
    ticking.choose(dagster_url="https://dagster.example.com/")
    monkeypatch.setattr(module, "settings", lambda: ticking.chosen)
    _let_time_pass(monkeypatch, lambda: ticking.later)
    return ticking


@pytest.fixture
def inbox(ticking: Ticking) -> Inbox:
    """A queue subscribed to the configured topic."""
    opened = Inbox.open("troubles")
    ticking.choose(alerts_topic=opened.topic)
    return opened


@pytest.fixture
def slack(ticking: Ticking, monkeypatch: pytest.MonkeyPatch) -> Iterator[SlackServer]:
    """The configured Slack."""
    with slack_server() as server:
        ticking.choose(slack_webhook=SecretStr(server.webhook))
        yield server


def test_a_blocked_day_is_told_once_and_once_more_when_it_is_mended(ticking: Ticking, inbox: Inbox) -> None:
    platform = ticking.platform
    _spoil_a_day(platform)
    began = datetime.now(UTC)
    assert not platform.run(DAY, _LAST, tables=[*both_layers(), "gold/fact_sales"]).success
    for _ in range(3):
        ticking.tick()
    [told] = inbox.take()
    assert told["Subject"] == "ShopEase, blocked: silver.orders 2026-01-06"
    assert (told["kind"], told["news"], told["severity"]) == ("blocked", "new", "error")
    run = platform.log.quality(TableRef("silver", "orders"), ["2026-01-06"])[-1].run_id
    lines = told["Message"].splitlines()
    assert "  why: validity 0.0% is below 97%: status|listed (200 rows)" in lines
    assert f"  since: {began:%Y-%m-%d %H:}" in "\n".join(lines)
    assert any(line.endswith("shopease replay orders --from 2026-01-06 --to 2026-01-06") for line in lines)
    assert f"  run: https://dagster.example.com/runs/{run}" in lines

    platform.sql("update shop.orders set status = 'delivered' where status = 'lost'")
    assert platform.run(DAY, _LAST, tables=both_layers()).success
    for _ in range(3):
        ticking.tick()
    [over] = inbox.take()
    assert over["Subject"] == "ShopEase, recovered, no longer blocked: silver.orders 2026-01-06"
    assert (over["news"], over["severity"]) == ("recovered", "info")


def test_a_day_that_stays_blocked_keeps_its_beginning_and_is_told_again_after_a_day(
    ticking: Ticking, inbox: Inbox
) -> None:
    platform = ticking.platform
    _spoil_a_tenant_day(platform)
    platform.run(DAY, tables=_TENANTS)
    ticking.tick()
    [first] = inbox.take()
    platform.run(DAY, tables=_TENANTS)
    ticking.tick()
    assert inbox.take() == []
    [(_, since)] = [(one, since) for one, since in platform.log.failing() if one.check == "validity"]
    assert f"since: {since:%Y-%m-%d %H:%M} UTC" in first["Message"]
    ticking.later = timedelta(hours=25)
    ticking.tick()
    [reminder] = inbox.take()
    assert reminder["Subject"] == "ShopEase, still blocked: silver.tenants 2026-01-05"
    assert f"since: {since:%Y-%m-%d %H:%M} UTC" in reminder["Message"]


def test_slack_being_away_loses_no_alert_and_sends_the_topic_no_second_one(
    ticking: Ticking, inbox: Inbox, slack: SlackServer
) -> None:
    _spoil_a_tenant_day(ticking.platform)
    ticking.platform.run(DAY, tables=_TENANTS)
    slack.answers = [403, 403]
    assert "Slack did not take the alert (HTTP 403)" in ticking.tick()
    with pytest.raises(AlertError, match="HTTP 403"):  # nobody could be told anything: the tick fails
        ticking.tick()
    assert "1 troubles, all told" in ticking.tick()
    ticking.tick()
    assert [len(inbox.take()), len(slack.texts)] == [1, 1]
    assert slack.webhook not in str(ticking.cursor)


def test_a_source_that_is_away_is_a_failed_run_until_a_later_one_succeeds(ticking: Ticking, inbox: Inbox) -> None:
    platform = ticking.platform
    fill(platform.dsn, rows=50, tables=["tenants"])
    for _ in range(2):
        _run_without_source(platform, DAY, _NEXT)
    ticking.tick()
    [told] = inbox.take()
    assert told["Subject"] == "ShopEase, failed: bronze.tenants 2026-01-05..2026-01-06 (2 partitions)"
    assert "why: the source shop at 127.0.0.1:1 cannot be reached" in told["Message"]
    assert "then: shopease refresh" in told["Message"]
    assert "hunter2" not in told["Message"]
    ran = platform.instance.get_runs(limit=1)[0].run_id
    assert f"run: https://dagster.example.com/runs/{ran}" in told["Message"]

    platform.run(DAY, tables=_TENANTS)
    ticking.tick()
    [half] = inbox.take()
    assert half["Subject"] == "ShopEase, recovered, no longer failed: bronze.tenants 2026-01-05"
    platform.run(_NEXT, tables=_TENANTS)
    ticking.tick()
    assert [one["Subject"][-25:] for one in inbox.take()] == ["bronze.tenants 2026-01-06"]


def test_a_run_whose_process_died_is_told_with_every_table_it_left_undone(ticking: Ticking, inbox: Inbox) -> None:
    platform = ticking.platform
    fill(platform.dsn, rows=50, tables=["tenants"])
    selected = [asset for asset in assets if asset.key.to_user_string() in _TENANTS]
    job = dg.Definitions(
        assets=selected, jobs=[dg.define_asset_job("tenants")], resources=platform.resources
    ).resolve_job_def("tenants")
    run = platform.instance.create_run_for_job(job, tags={"dagster/partition": str(DAY)})
    platform.instance.report_run_failed(run)
    ticking.tick()
    [told] = inbox.take()
    assert told["Subject"] == "ShopEase, failed: 2 tables: bronze.tenants, silver.tenants"
    assert "the run ended without saying why" in told["Message"]
    assert platform.run(DAY, tables=_TENANTS).success
    ticking.tick()
    assert [one["news"] for one in inbox.take()] == ["recovered"]


def test_a_run_whose_resources_could_not_be_opened_says_why(ticking: Ticking, inbox: Inbox) -> None:
    def closed(_: object) -> None:
        raise SettingsError("publication log postgresql://u:***@h/log cannot be opened; start it")

    platform = ticking.platform
    selected = [asset for asset in assets if asset.key.to_user_string() in _TENANTS]
    resources = {**platform.resources, "lake": dg.IOManagerDefinition(closed)}
    for partition in (DAY, _NEXT):
        dg.materialize(
            selected,
            instance=platform.instance,
            resources=resources,
            partition_key=str(partition),
            raise_on_error=False,
        )
    ticking.tick()
    said = sorted(one["Message"] for one in inbox.take())
    assert len(said) == 2  # one of each run
    assert "bronze.tenants 2026-01-05\n  why: publication log postgresql://u:***@h/log cannot be opened" in said[0]


def test_a_failure_that_was_told_is_not_over_because_it_is_old(
    ticking: Ticking, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform = ticking.platform
    _run_without_source(platform, DAY, DAY)
    ticking.tick()
    inbox.take()
    ticking.later = timedelta(days=30)
    ticking.tick()
    assert [one["news"] for one in inbox.take()] == ["lasting"]


def test_an_error_that_is_not_ours_is_told_without_its_values(ticking: Ticking, inbox: Inbox) -> None:
    class Careless(RunSource):
        def snapshot(self) -> None:  # type: ignore[override]
            raise ValueError("cannot parse 'ada@mail.com' of column email")

    platform = ticking.platform
    selected = [asset for asset in assets if asset.key.to_user_string() == "bronze/tenants"]
    resources = {**platform.resources, "source": dg.ResourceDefinition.hardcoded_resource(Careless(platform.dsn))}
    dg.materialize(
        selected, instance=platform.instance, resources=resources, partition_key=str(DAY), raise_on_error=False
    )
    ticking.tick()
    [told] = inbox.take()
    assert "cannot parse" in told["Message"]
    assert "ada@mail.com" not in told["Message"]


def test_tables_without_yesterday_are_stale_hours_after_its_end_in_the_business_zone(ticking: Ticking) -> None:
    platform = ticking.platform
    fill(platform.dsn, rows=50, tables=["tenants"])
    assert platform.run(DAY, _NEXT, tables=_TENANTS).success
    chosen = settings().model_copy(update={"timezone": "Asia/Kolkata"})
    due = datetime(2026, 1, 8, 0, 30, tzinfo=UTC)  # the 7th ends at 18:30 UTC; six hours later

    def stale(now: datetime) -> list[str]:
        found = present_troubles(
            platform.log, platform.instance, assets, now, zone=chosen.zone, stale_after=timedelta(hours=6)
        )
        assert {one.since for one in found} <= {due}
        return [f"{one.key.table}: {one.reason}" for one in found]

    assert stale(due - timedelta(seconds=1)) == []
    assert stale(due) == [
        f"{layer}.tenants: newest is 2026-01-06; 2026-01-07 was due at 2026-01-08 00:30 UTC"
        for layer in ("bronze", "silver")
    ]
    assert stale(due + timedelta(days=3))[0].endswith("2026-01-10 was due at 2026-01-11 00:30 UTC")


def test_stale_tables_are_told_together_and_again_when_they_are_up_to_date(ticking: Ticking, inbox: Inbox) -> None:
    platform = ticking.platform
    fill(platform.dsn, rows=50, tables=["tenants"])
    assert platform.run(DAY, tables=_TENANTS).success
    ticking.choose(stale_after_hours=6)
    for _ in range(2):
        ticking.tick()
    [told] = inbox.take()
    assert told["Subject"] == "ShopEase, stale: 2 tables: bronze.tenants, silver.tenants"
    assert (told["kind"], told["severity"]) == ("stale", "warning")
    ticking.choose(stale_after_hours=_NEVER_STALE)
    ticking.tick()
    [over] = inbox.take()
    assert over["Subject"] == "ShopEase, recovered, no longer stale: 2 tables: bronze.tenants, silver.tenants"


def test_a_day_that_is_missing_because_it_is_blocked_is_not_stale_as_well(ticking: Ticking) -> None:
    platform = ticking.platform
    fill(platform.dsn, rows=50, tables=["tenants"])
    assert platform.run(DAY, tables=_TENANTS).success
    fill(platform.dsn, rows=50, tables=["tenants"], day=_NEXT, first=51)
    platform.sql("update shop.tenants set plan = 'gold' where tenant_id > 50")
    platform.run(_NEXT, tables=_TENANTS)
    noon = datetime(2026, 1, 7, 12, tzinfo=UTC)
    found = present_troubles(
        platform.log, platform.instance, assets, noon, zone=settings().zone, stale_after=timedelta(hours=6)
    )
    assert [one.key for one in found] == [Key(Kind.BLOCKED, TableRef("silver", "tenants"), "2026-01-06")]


def test_nobody_to_tell_is_a_reason_to_skip(ticking: Ticking) -> None:
    assert "set SHOPEASE_ALERTS_TOPIC or SHOPEASE_SLACK_WEBHOOK" in ticking.tick()


def test_a_month_of_troubles_fits_into_a_short_cursor(ticking: Ticking, inbox: Inbox) -> None:
    platform = ticking.platform
    _run_without_source(platform, date(2026, 1, 1), date(2026, 1, 31))
    ticking.tick()
    assert len(inbox.take()) == 1
    assert len(str(ticking.cursor)) < 400


def _spoil_a_day(platform: Platform) -> None:
    fill(platform.dsn, rows=200)
    for day, first in ((_NEXT, 201), (_LAST, 401)):
        fill(platform.dsn, rows=200, day=day, first=first, tables=["orders", "order_items"])
    platform.sql("update shop.orders set status = 'lost' where order_id between 201 and 400")


def _spoil_a_tenant_day(platform: Platform) -> None:
    fill(platform.dsn, rows=50, tables=["tenants"])
    platform.sql("update shop.tenants set plan = 'gold'")


def _run_without_source(platform: Platform, first: date, last: date) -> None:
    away = Platform(_AWAY, Path(platform.lake.location.root), platform.instance)
    assert not away.run(first, last, tables=_TENANTS).success
    away.log.close()


def _let_time_pass(monkeypatch: pytest.MonkeyPatch, later: Callable[[], timedelta]) -> None:
    class Clock(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:
            return datetime.now(tz) + later()  # type: ignore[arg-type]

    monkeypatch.setattr(module, "datetime", Clock)
