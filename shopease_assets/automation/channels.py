"""Where alerts go: an SNS topic (and so e-mail, by its subscriptions) and a Slack channel's incoming webhook."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from http.client import HTTPException
from typing import Protocol
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from pydantic import SecretStr

from shopease_assets import aws
from shopease_assets.core.alerts import Alert, News
from shopease_assets.core.errors import AlertError
from shopease_assets.secret_store import revealed
from shopease_assets.settings import Settings

_SECONDS, _PAUSES = 5, (1, 3)
_MANY_REQUESTS, _SERVER_ERROR = 429, 500
_LONGEST_TEXT = 30_000  # bytes on SNS, which takes 256 KB; Slack cuts at 40,000 characters


class Channel(Protocol):
    """Somewhere alerts are delivered to."""

    @property
    def name(self) -> str:
        """What it is called in what we say and remember; no secret."""

    def send(self, alert: Alert) -> None:
        """Deliver an alert.

        Raises:
            AlertError: it was not taken; the message says by whom, why, and what to do.
        """


def channels(settings: Settings) -> list[Channel]:
    """The configured ones; none when nobody is to be told."""
    topic = [Topic(settings.alerts_topic)] if settings.alerts_topic else []
    return [*topic, *([Slack(settings.slack_webhook)] if settings.slack_webhook else [])]


@dataclass(frozen=True)
class Topic:
    """An SNS topic. Subscriptions may filter by the attributes `kind`, `news`, `severity` and `table` (all of them)."""

    arn: str

    @property
    def name(self) -> str:
        """`topic arn:aws:sns:…`."""
        return f"topic {self.arn}"

    def send(self, alert: Alert) -> None:
        """Publish it; AWS's client repeats what failed."""
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - only where AWS is used

        attributes = {"kind": alert.kind, "news": alert.news, "severity": _severity(alert)}
        try:
            aws.client("sns").publish(
                TopicArn=self.arn,
                Subject=alert.subject,
                Message=_cut(alert.text),
                MessageAttributes={
                    **{name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()},
                    "table": {"DataType": "String.Array", "StringValue": json.dumps(alert.tables)},
                },
            )
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "error")
            raise AlertError(f"SNS did not take the alert ({code}): {_cure(code, self.arn)}") from None
        except BotoCoreError as error:
            raise AlertError(
                f"SNS cannot be reached ({type(error).__name__}): give this process AWS credentials and a way to "
                f"the region of {self.arn}"
            ) from None


@dataclass(frozen=True)
class Slack:
    """A channel of Slack, or of anything that takes its incoming webhooks. The webhook's address is a secret."""

    webhook: SecretStr
    pauses: Sequence[float] = _PAUSES

    @property
    def name(self) -> str:
        """`Slack`."""
        return "Slack"

    def send(self, alert: Alert) -> None:
        """Post it; what the server could not take for the moment is posted again."""
        text = _cut(f"*{alert.subject}*\n{alert.text}")
        for character, escaped in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
            text = text.replace(character, escaped)
        address = revealed("SHOPEASE_SLACK_WEBHOOK", self.webhook.get_secret_value())
        for pause in (*self.pauses, None):
            refusal = _posted(address, {"text": text})
            if refusal is None:
                return
            if pause is None or not refusal.passes:
                raise AlertError(f"Slack did not take the alert ({refusal.said}): {refusal.cure}")
            time.sleep(pause)


@dataclass(frozen=True)
class _Refusal:
    """Why a message was not taken, never with the address it was sent to."""

    said: str
    cure: str
    passes: bool


def _posted(address: str, message: dict[str, str]) -> _Refusal | None:
    if not address.startswith(("https://", "http://")):
        return _Refusal("no URL", "set SHOPEASE_SLACK_WEBHOOK to the https:// address Slack shows", passes=False)
    try:
        request = Request(address, json.dumps(message).encode(), {"Content-Type": "application/json"})  # noqa: S310 - checked
        with urlopen(request, timeout=_SECONDS):  # noqa: S310 - checked
            return None
    except HTTPError as error:
        error.close()
        passes = error.code == _MANY_REQUESTS or error.code >= _SERVER_ERROR
        cure = "it is tried again" if passes else "make a new incoming webhook and set SHOPEASE_SLACK_WEBHOOK to it"
        return _Refusal(f"HTTP {error.code}", cure, passes)
    except (OSError, HTTPException, ValueError) as error:  # their texts may repeat the address
        cure = "correct SHOPEASE_SLACK_WEBHOOK, or let this process reach its host"
        return _Refusal(type(error).__name__, cure, passes=isinstance(error, OSError))


def _severity(alert: Alert) -> str:
    if alert.news == News.RECOVERED:
        return "info"
    return "warning" if alert.kind in {"stale", "test"} else "error"


def _cut(text: str) -> str:
    return text.encode()[:_LONGEST_TEXT].decode(errors="ignore")


def _cure(code: str, arn: str) -> str:
    if "NotFound" in code:
        return f"there is no topic {arn}; create it or correct SHOPEASE_ALERTS_TOPIC"
    if "Auth" in code or "AccessDenied" in code:
        return f"allow this role sns:Publish on {arn}"
    if code.startswith(("InvalidParameter", "InvalidClientTokenId")):
        return f"see that AWS_DEFAULT_REGION and the credentials are those of {arn}"
    return f"see the state of {arn}; it is tried again"
