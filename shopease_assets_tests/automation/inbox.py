"""An SNS topic, and a queue that is subscribed to it: what arrives there is what a subscriber gets."""

import json
from dataclasses import dataclass
from typing import Any

from shopease_assets import aws


@dataclass(frozen=True)
class Inbox:
    """A topic's ARN and the address of its subscriber's queue."""

    topic: str
    queue: str

    @classmethod
    def open(cls, name: str, **wanted: list[str]) -> "Inbox":
        """The topic of that name (made when missing) with a new queue for the alerts whose attributes are `wanted`."""
        topic = aws.client("sns").create_topic(Name=name)["TopicArn"]
        queues = aws.client("sqs")
        queue = queues.create_queue(QueueName=f"{name}-{'-'.join(wanted) or 'all'}")["QueueUrl"]
        arn = queues.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        policy = {"FilterPolicy": json.dumps(wanted)} if wanted else {}
        aws.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes=policy)
        return cls(topic, queue)

    def take(self) -> list[dict[str, Any]]:
        """What arrived since it was last taken: `Subject`, `Message` and attributes as name → value, oldest first."""
        taken: list[dict[str, Any]] = []
        queues = aws.client("sqs")
        while found := queues.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages", []):
            for message in found:
                body = json.loads(message["Body"])
                values = {name: told["Value"] for name, told in body.get("MessageAttributes", {}).items()}
                taken.append({"Subject": body["Subject"], "Message": body["Message"], **values})
                queues.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
        return taken
