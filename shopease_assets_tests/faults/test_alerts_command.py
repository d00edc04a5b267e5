"""`shopease alerts` as a user types it: who is told, and what there is to tell."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from shopease_assets_tests.automation.inbox import Inbox
from shopease_assets_tests.automation.slack import SlackServer, slack_server
from shopease_assets_tests.faults.cli import shopease
from shopease_assets_tests.faults.good_day import DAY, fill

_DAYS = ["--from", str(DAY), "--to", str(DAY)]


@pytest.fixture
def slack() -> Iterator[SlackServer]:
    """A Slack of this test's own."""
    with slack_server() as server:
        yield server


def test_a_test_alert_goes_to_everyone_and_says_where(aws: str, slack: SlackServer, tmp_path: Path) -> None:
    inbox = Inbox.open("troubles")
    told = {"alerts_topic": inbox.topic, "slack_webhook": slack.webhook}
    said = shopease("alerts", "test", home=tmp_path / "home", **told)
    assert (said.code, said.error) == (0, "")
    assert said.out.splitlines() == [f"sent to topic {inbox.topic}", "sent to Slack"]
    [message] = inbox.take()
    assert message["Subject"] == "ShopEase, test"
    assert message["table"] == "[]"
    assert len(slack.texts) == 1


def test_one_who_cannot_be_told_is_named_with_the_cure_and_the_others_are_told(
    aws: str, slack: SlackServer, tmp_path: Path
) -> None:
    gone = "arn:aws:sns:ap-south-1:123456789012:gone"
    told = {"alerts_topic": gone, "slack_webhook": slack.webhook}
    said = shopease("alerts", "test", home=tmp_path / "home", **told)
    assert said.code == 1
    assert said.out.splitlines() == ["sent to Slack"]
    [line] = said.lines
    assert f"there is no topic {gone}; create it or correct SHOPEASE_ALERTS_TOPIC" in line


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({}, "nobody is to be told of troubles; set SHOPEASE_ALERTS_TOPIC or SHOPEASE_SLACK_WEBHOOK"),
        ({"alerts_topic": "troubles"}, "SHOPEASE_ALERTS_TOPIC='troubles'"),
        ({"slack_webhook": "hushhush"}, "SHOPEASE_SLACK_WEBHOOK to the https:// address Slack shows"),
    ],
)
def test_a_wrong_setting_is_one_line_with_the_cure(tmp_path: Path, told: dict[str, str], said: str) -> None:
    refused = shopease("alerts", "test", home=tmp_path / "home", **told)
    assert refused.code == 1
    [line] = refused.lines
    assert said in line
    assert "hushhush" not in line


@pytest.mark.slow
def test_the_troubles_there_are_now_are_listed_with_their_cures(tmp_path: Path, empty_shop: str) -> None:
    home = tmp_path / "home"
    told = {"source_dsn": empty_shop, "start_date": "2026-01-01", "stale_after_hours": "999999"}
    fill(empty_shop, rows=50, tables=["tenants"])
    assert shopease("run", "--table", "bronze/tenants", *_DAYS, home=home, **told).code == 0
    assert shopease("alerts", "list", home=home, **told).out == "no trouble\n"
    with psycopg.connect(empty_shop) as connection:
        connection.execute("update shop.tenants set plan = 'gold', updated_at = updated_at + interval '1 minute'")
    shopease("run", "--table", "bronze/tenants", *_DAYS, home=home, **told)
    shopease("run", "--table", "silver/tenants", *_DAYS, home=home, **told)
    listed = shopease("alerts", "list", home=home, **told)
    assert listed.code == 1
    assert listed.out.startswith("blocked\nsilver.tenants 2026-01-05\n  why: validity ")
    assert "shopease replay tenants --from 2026-01-05 --to 2026-01-05" in listed.out
    told["stale_after_hours"] = "6"
    assert "stale\nbronze.tenants\n  why: newest is 2026-01-05" in shopease("alerts", "list", home=home, **told).out
