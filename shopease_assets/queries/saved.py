"""The named queries as Athena's console shows them: saved in a workgroup, for this environment's databases."""

from collections.abc import Iterable
from typing import Any, Literal

from botocore.exceptions import BotoCoreError, ClientError

from shopease_assets import aws
from shopease_assets.core.errors import QueryError
from shopease_assets.core.layout import glue_database
from shopease_assets.engines.athena import in_databases
from shopease_assets.queries import NamedQuery

_READ_AT_ONCE = 50  # BatchGetNamedQuery's limit

Outcome = Literal["created", "updated", "unchanged"]


def save(queries: Iterable[NamedQuery], workgroup: str, environment: str) -> dict[str, Outcome]:
    """Create what the workgroup lacks, update what differs; what happened, by name.

    Ours are known by name and database; others of the workgroup, and ours of former times, are left alone.

    Raises:
        QueryError: Athena refused; the reason is told.
    """
    home = glue_database(environment, "gold")
    try:
        known = {found["Name"]: found for found in _saved(workgroup) if found["Database"] == home}
        return {
            query.name: _saved_as(query, in_databases(query.sql, environment), known.get(query.name), home, workgroup)
            for query in queries
        }
    except (BotoCoreError, ClientError) as error:
        raise QueryError(f"the queries were not saved in Athena's workgroup {workgroup}: {error}") from None


def _saved_as(query: NamedQuery, sql: str, known: dict[str, Any] | None, home: str, workgroup: str) -> Outcome:
    told = {"Name": query.name, "Description": query.answers, "QueryString": sql}
    if known is None:
        aws.client("athena").create_named_query(**told, Database=home, WorkGroup=workgroup)
        return "created"
    if told == {name: known.get(name) for name in told}:
        return "unchanged"
    aws.client("athena").update_named_query(**told, NamedQueryId=known["NamedQueryId"])
    return "updated"


def _saved(workgroup: str) -> list[dict[str, Any]]:
    client = aws.client("athena")
    pages = client.get_paginator("list_named_queries").paginate(WorkGroup=workgroup)
    ids = [found for page in pages for found in page["NamedQueryIds"]]
    saved: list[dict[str, Any]] = []
    for start in range(0, len(ids), _READ_AT_ONCE):
        saved += client.batch_get_named_query(NamedQueryIds=ids[start : start + _READ_AT_ONCE])["NamedQueries"]
    return saved
