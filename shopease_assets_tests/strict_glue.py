"""Glue as strict as AWS's, where moto is lenient: limits, pages, versions of a table; and out of order when told.

Hooks on a client, so what is tested still goes over HTTP.
"""

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError, EndpointConnectionError

_ASKED_AT_ONCE = 40
_PAGED = {"GetPartitions": "Partitions", "GetTables": "TableList"}


class StrictGlue:
    """Counts calls; refuses what AWS would refuse. `conflicts` updates to come are lost to somebody else.

    `page` is how many partitions or tables one answer holds.
    """

    def __init__(self, client: Any) -> None:
        self.client = client
        self.calls: Counter[str] = Counter()
        self.conflicts = 0
        self.page = 2
        self.down = False
        self.before: Callable[[str], None] = lambda _: None  # called with each operation, before it is sent
        self._versions: dict[tuple[str, str], str] = {}
        self._lock = threading.Lock()
        client.meta.events.register("before-parameter-build.glue.*", self._asked)
        client.meta.events.register("after-call.glue.*", self._answered)

    def _asked(self, params: dict[str, Any], model: Any, context: dict[str, Any], **_: object) -> None:
        operation = model.name
        self.before(operation)
        if self.down:
            raise EndpointConnectionError(endpoint_url="glue")
        with self._lock:
            self.calls[operation] += 1
            _check(operation, model.input_shape, params)
            if operation == "UpdateTable":
                self._check_version(params)
        context["asked"] = dict(params)
        if operation in _PAGED:
            params.pop("NextToken", None)

    def _answered(self, parsed: dict[str, Any], model: Any, context: dict[str, Any], **_: object) -> None:
        asked = context["asked"]
        if field := _PAGED.get(model.name):
            start = int(asked.get("NextToken", 0))
            there = parsed.get(field, [])
            parsed[field] = there[start : start + self.page]
            if start + self.page < len(there):
                parsed["NextToken"] = str(start + self.page)
        if model.name == "BatchGetPartition":
            late = asked["PartitionsToGet"][_ASKED_AT_ONCE:]
            parsed["Partitions"] = [at for at in parsed["Partitions"] if {"Values": at["Values"]} not in late]
            parsed["UnprocessedKeys"] = late
        if model.name == "GetTable" and "Table" in parsed:
            shown = parsed["Table"]
            self._versions[shown["DatabaseName"], shown["Name"]] = shown["VersionId"]

    def _check_version(self, params: dict[str, Any]) -> None:
        if self.conflicts:
            self.conflicts -= 1
            raise _error("UpdateTable", "ConcurrentModificationException", "Update table failed due to concurrency")
        named = params["DatabaseName"], params["TableInput"]["Name"]
        if params.get("VersionId") != self._versions.get(named):
            raise _error("UpdateTable", "ConcurrentModificationException", "stale VersionId")


def _check(operation: str, shape: Any, value: Any, name: str = "") -> None:
    if shape.type_name == "structure" and isinstance(value, Mapping):
        for member, inner in value.items():
            _check(operation, shape.members[member], inner, member)
    if shape.type_name in {"list", "string"}:
        least, most = shape.metadata.get("min", 0), shape.metadata.get("max", len(value))
        if not least <= len(value) <= most:
            raise _error(operation, "InvalidInputException", f"{name}: {len(value)} is not within {least} and {most}")
    if shape.type_name == "list":
        for inner in value:
            _check(operation, shape.member, inner, name)


def _error(operation: str, code: str, message: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)
