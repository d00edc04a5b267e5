"""`shopease demo --aws`: the main job on S3, Glue and SNS, played by a moto server on this machine.

Everything is done by the commands a user would type, and shown as AWS would show it. Nothing of it is left.
"""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console
from rich.table import Table

from shopease_assets.cli.console import console
from shopease_assets.core.errors import ShopEaseError

_BUCKET, _PREFIX, _ALERTS = "shopease-lake", "demo", "shopease-alerts"
_DAYS = 30
_OURS = ("AWS_", "DAGSTER_", "SHOPEASE_")


def demo_aws() -> None:
    """Build a month of a tiny shop on S3; show objects, Glue and queries; spoil a day and show what comes of it.

    Raises:
        ShopEaseError: moto is not installed, or a command did not do what it should.
    """
    from shopease_assets.sources.embedded import remove_embedded, start_embedded
    from shopease_assets.synthetic.account import environment, moto_server

    today = datetime.now(UTC).date()
    first = today - timedelta(days=_DAYS - 1)
    with moto_server() as endpoint, TemporaryDirectory(prefix="shopease-aws-") as home:
        account = _Account.at(endpoint)
        topic = account.open()
        shell = _Shell(
            Path(home),
            {
                **{name: value for name, value in os.environ.items() if not name.startswith(_OURS)},
                **environment(endpoint),
                "SHOPEASE_HOME": home,
                "SHOPEASE_LAKE_URI": f"s3://{_BUCKET}/{_PREFIX}",
                "SHOPEASE_START_DATE": first.isoformat(),
                "SHOPEASE_ALERTS_TOPIC": topic,
            },
            console(),
        )
        try:
            shell("source generate --preset tiny", "--start", f"{first}", "--days", f"{_DAYS}")
            shell("run", "--from", f"{first}", "--to", f"{today}")
            account.show_objects(shell.out)
            account.show_catalog(shell.out)
            shell("catalog check")
            shell("queries run executive_summary")
            yesterday = today - timedelta(days=1)
            shell.out.print(
                f"\n[bold]the source drops a constraint, and makes every order of {yesterday} a cent dearer[/]"
            )
            _spoil(start_embedded(Path(home) / "postgres"), yesterday)
            shell("refresh", expected=1)
            shell("alerts list --tell", expected=1)
            account.show_alerts(shell.out)
            shell("history", "silver/orders", "--partition", f"{yesterday}")
            shell.out.print("\nThe last good version of the day is what readers see.")
        finally:
            remove_embedded(Path(home) / "postgres")


@dataclass(frozen=True)
class _Shell:
    """Runs commands of ours in a home of their own and shows what was typed."""

    home: Path
    variables: Mapping[str, str]
    out: Console

    def __call__(self, command: str, *arguments: str, expected: int = 0) -> None:
        words = [*command.split(), *arguments]
        self.out.print(f"\n[green]$ shopease {' '.join(repr(word) if ' ' in word else word for word in words)}[/]")
        program = [sys.executable, "-m", "shopease_assets.cli", *words]
        ended = subprocess.run(program, cwd=self.home, env=self.variables, check=False)  # noqa: S603 - our own words
        if ended.returncode != expected:
            raise ShopEaseError(f"shopease {command} ended with {ended.returncode}, not with {expected}; see above")


@dataclass(frozen=True)
class _Account:
    """The account, seen from outside, by AWS's own client."""

    session: Any
    endpoint: str

    @classmethod
    def at(cls, endpoint: str) -> "_Account":
        import boto3

        from shopease_assets.synthetic.account import REGION

        return cls(boto3.Session("testing", "testing", region_name=REGION), endpoint)

    def client(self, service: str) -> Any:
        return self.session.client(service, endpoint_url=self.endpoint)

    def open(self) -> str:
        """Makes the bucket and the topic, with a queue that gets what the topic gets; returns the topic's ARN."""
        place = {"LocationConstraint": self.session.region_name}
        self.client("s3").create_bucket(Bucket=_BUCKET, CreateBucketConfiguration=place)
        queues = self.client("sqs")
        queue = queues.create_queue(QueueName=_ALERTS)["QueueUrl"]
        arn = queues.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        topic = str(self.client("sns").create_topic(Name=_ALERTS)["TopicArn"])
        self.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        return topic

    def show_objects(self, out: Console) -> None:
        count: Counter[str] = Counter()
        size: Counter[str] = Counter()
        pages = self.client("s3").get_paginator("list_objects_v2").paginate(Bucket=_BUCKET)
        for page in pages:
            for item in page["Contents"]:
                layer = item["Key"].split("/")[1]
                count[layer] += 1
                size[layer] += item["Size"]
        shown = Table("layer", "objects", "bytes", title=f"s3://{_BUCKET}/{_PREFIX}")
        for layer in count:
            shown.add_row(layer, f"{count[layer]:,}", f"{size[layer]:,}")
        out.print()
        out.print(shown)
        out.print(f"one of them: s3://{_BUCKET}/{item['Key']}", soft_wrap=True)

    def show_catalog(self, out: Console) -> None:
        glue = self.client("glue")
        shown = Table("database", "tables", "partitions", title="Glue")
        for database in sorted(found["Name"] for found in glue.get_databases()["DatabaseList"]):
            tables = glue.get_tables(DatabaseName=database)["TableList"]
            stored = [table["Name"] for table in tables if table["TableType"] == "EXTERNAL_TABLE"]
            counts = [len(glue.get_partitions(DatabaseName=database, TableName=name)["Partitions"]) for name in stored]
            shown.add_row(database, str(len(tables)), f"{sum(counts):,}")
        out.print()
        out.print(shown)

    def show_alerts(self, out: Console) -> None:
        queues = self.client("sqs")
        queue = queues.get_queue_url(QueueName=_ALERTS)["QueueUrl"]
        while found := queues.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
            for message in found:
                told = json.loads(message["Body"])
                out.print(f"\n[bold]a subscriber of {_ALERTS} was sent: {told['Subject']}[/]")
                out.print(told["Message"], markup=False)
                queues.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])


def _spoil(dsn: str, day: date) -> None:
    import psycopg

    with psycopg.connect(dsn) as connection:
        connection.execute("alter table shop.orders drop constraint orders_check")
        connection.execute(
            "update shop.orders set total_amount = total_amount + 0.01, updated_at = now() "
            "where ordered_at >= %s and ordered_at < %s",
            (day, day + timedelta(days=1)),
        )
