"""Where alerts arrive: an SNS topic with a queue behind it, and a server that plays Slack; both over HTTP."""

import logging
from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from shopease_assets import aws as clients
from shopease_assets.automation.channels import Slack, Topic
from shopease_assets.core.alerts import Alert, News
from shopease_assets.core.errors import AlertError, SettingsError
from shopease_assets_tests.automation.inbox import Inbox
from shopease_assets_tests.automation.slack import SECRET_PATH, SlackServer, slack_server

_ALERT = Alert("blocked", News.NEW, ("silver.orders",), "ShopEase, blocked: silver.orders", "Why: 2 < 3 & <b>…</b>", {})
_AT_ONCE = (0, 0)


@pytest.fixture
def slack() -> Iterator[SlackServer]:
    """A Slack of this test's own."""
    with slack_server() as server:
        yield server


def test_a_topic_s_subscribers_get_subject_text_and_attributes(aws: str) -> None:
    inbox = Inbox.open("troubles")
    Topic(inbox.topic).send(_ALERT)
    assert inbox.take() == [
        {
            "Subject": "ShopEase, blocked: silver.orders",
            "Message": "Why: 2 < 3 & <b>…</b>",
            "kind": "blocked",
            "news": "new",
            "severity": "error",
            "table": '["silver.orders"]',
        }
    ]


def test_a_subscription_gets_only_the_tables_and_severities_it_wants(aws: str) -> None:
    orders = Inbox.open("troubles", table=["silver.orders"])
    others, warnings = Inbox.open("troubles", kind=["stale"]), Inbox.open("troubles", severity=["warning"])
    Topic(orders.topic).send(_ALERT)
    assert [len(inbox.take()) for inbox in (orders, others, warnings)] == [1, 0, 0]


def test_a_text_longer_than_sns_takes_is_cut(aws: str) -> None:
    inbox = Inbox.open("troubles")
    Topic(inbox.topic).send(Alert("stale", News.NEW, (), "ShopEase", "…" * 300_000, {}))
    [message] = inbox.take()
    assert len(message["Message"]) == 10_000


def test_a_topic_that_does_not_exist_is_named_with_the_cure(aws: str) -> None:
    gone = "arn:aws:sns:ap-south-1:123456789012:gone"
    with pytest.raises(AlertError, match=rf"\(NotFound\w*\): there is no topic {gone}; create it or correct SHOPEASE_"):
        Topic(gone).send(_ALERT)


def test_aws_without_credentials_or_region_is_an_error_with_its_cure(aws: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    with pytest.raises(AlertError, match=r"\(NoCredentialsError\): give this process AWS credentials"):
        Topic("arn:aws:sns:ap-south-1:123456789012:troubles").send(_ALERT)
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    clients.forget()
    with pytest.raises(SettingsError, match="set AWS_DEFAULT_REGION"):
        Topic("arn:aws:sns:ap-south-1:123456789012:troubles").send(_ALERT)


def test_slack_shows_the_subject_and_the_text_as_they_are(slack: SlackServer) -> None:
    Slack(SecretStr(slack.webhook)).send(_ALERT)
    assert slack.texts == ["*ShopEase, blocked: silver.orders*\nWhy: 2 &lt; 3 &amp; &lt;b&gt;…&lt;/b&gt;"]


@pytest.mark.parametrize("refusals", [[500], [429], [503, 500]])
def test_slack_is_asked_again_when_it_is_out_of_order(slack: SlackServer, refusals: list[int]) -> None:
    slack.answers = [*refusals]
    Slack(SecretStr(slack.webhook), pauses=_AT_ONCE).send(_ALERT)
    assert len(slack.texts) == 1
    assert slack.posts == len(refusals) + 1


@pytest.mark.parametrize(
    ("answers", "posts", "said"),
    [
        ([500, 502, 503, 500], 3, "(HTTP 503): it is tried again"),
        ([403], 1, "(HTTP 403): make a new incoming webhook and set SHOPEASE_SLACK_WEBHOOK to it"),
    ],
)
def test_what_slack_refuses_is_an_error_with_its_cure(
    slack: SlackServer, answers: list[int], posts: int, said: str
) -> None:
    slack.answers = answers
    with pytest.raises(AlertError) as refused:
        Slack(SecretStr(slack.webhook), pauses=_AT_ONCE).send(_ALERT)
    assert said in str(refused.value)
    assert slack.posts == posts


@pytest.mark.parametrize(
    "address",
    [
        f"http://127.0.0.1:1{SECRET_PATH}",
        f"127.0.0.1{SECRET_PATH}",
        f"http://127.0.0.1:port{SECRET_PATH}",
        f"http://127.0.0.1 {SECRET_PATH}",
        f"file://{SECRET_PATH}",
    ],
)
def test_no_error_and_no_log_repeats_the_webhook(address: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    channel = Slack(SecretStr(address), pauses=_AT_ONCE)
    with pytest.raises(AlertError, match="SHOPEASE_SLACK_WEBHOOK") as refused:
        channel.send(_ALERT)
    assert refused.value.__suppress_context__ or refused.value.__context__ is None
    assert "hushhush" not in f"{refused.value} {caplog.text} {channel!r} {channel.name}"


def test_a_webhook_may_be_kept_in_secrets_manager(aws: str, slack: SlackServer) -> None:
    _put_secret("shop/webhook", slack.webhook)
    Slack(SecretStr("secretsmanager:shop/webhook")).send(_ALERT)
    assert len(slack.texts) == 1


def _put_secret(name: str, value: str) -> None:
    clients.client("secretsmanager").create_secret(Name=name, SecretString=value)
