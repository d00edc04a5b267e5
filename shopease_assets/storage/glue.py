"""The lake's mirror in AWS Glue: what Athena, Spark and Redshift take for the tables.

The publication log is the truth, Glue follows: a table's types, and for each partition the folder of its published
version. Nothing here reads or writes data. What Glue is told is `glue_tables`'.
"""

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NoReturn

import pyarrow as pa
from botocore.exceptions import BotoCoreError, ClientError

from shopease_assets import aws
from shopease_assets.core.errors import CatalogError, CatalogUnavailable
from shopease_assets.core.layout import TableRef, glue_database
from shopease_assets.core.views import views
from shopease_assets.storage.glue_tables import (
    Documents,
    Input,
    is_ours,
    keeping_others,
    partition_input,
    says,
    table_input,
    view_input,
)
from shopease_assets.storage.location import Location
from shopease_assets.storage.log import PublicationLog
from shopease_assets.storage.records import Moved

Keep = Callable[[str], bool]
_CREATED_AT_ONCE, _UPDATED_AT_ONCE, _DELETED_AT_ONCE, _ASKED_AT_ONCE = 100, 100, 25, 1_000  # Glue's limits
_PAUSES = (0.1, 0.4, 1.6, 6.4)  # seconds before we look again at what another has changed
_SERVER_ERROR = 500
_OVERTAKEN = {"EntityNotFoundException", "AlreadyExistsException", "ConcurrentModificationException"}


@dataclass(frozen=True)
class Definition:
    """A table or view as it should be, and as Glue has it (None: not at all)."""

    wanted: Input
    shown: Input | None

    @property
    def name(self) -> str:
        """The table's or the view's."""
        return str(self.wanted["Name"])


@dataclass(frozen=True)
class Difference:
    """What Glue does not show as the log has it: partitions by key, the table's and its views' definitions.

    `orphans` are partitions Glue shows and the log has never heard of, with their addresses.
    """

    table: TableRef
    definitions: Sequence[Definition] = ()
    create: Mapping[str, Input] = field(default_factory=dict)
    update: Mapping[str, Input] = field(default_factory=dict)
    delete: Collection[str] = ()
    orphans: Mapping[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self.to_mend or self.orphans)

    @property
    def to_mend(self) -> bool:
        """Whether the log says how Glue should be changed."""
        return bool(self.definitions or self.create or self.update or self.delete)


class GlueMirror:
    """Makes Glue show what the log says: databases `shopease_<environment>_<layer>`, a table each.

    Only one process at a time mirrors a table, and it reads the log once it is alone: the last one has the newest.
    Everything raises CatalogUnavailable when Glue does not answer, CatalogError when it refuses; nothing is lost then,
    the next time mends it.
    """

    def __init__(self, location: Location, log: PublicationLog, environment: str, documents: Documents) -> None:
        self._location = location
        self._log = log
        self._environment = environment
        self._documents = documents

    def database(self, layer: str) -> str:
        """The name of a layer's database."""
        return glue_database(self._environment, layer)

    def sync(self, table: TableRef) -> Difference:
        """Mirrors what was published since the last time; returns what that was."""
        return self._converge(table, self._since_last_time)

    def repair(self, table: TableRef, *, keep: Keep) -> Difference:
        """Compares everything and mirrors what differs; returns what that was.

        Orphans are deleted, except those whose address is one to `keep`.
        """
        return self._converge(table, partial(self._everything, keep=keep))

    def compare(self, table: TableRef) -> Difference:
        """What differs; nothing is changed."""
        with self._log.alone(table):
            return self._everything(table, keep=_all)[0]

    def tables(self, layer: str) -> list[TableRef]:
        """Our tables of a layer as Glue has them."""
        found = []
        with _asking(layer):
            try:
                for page in _glue().get_paginator("get_tables").paginate(DatabaseName=self.database(layer)):
                    found += [_table_of(layer, shown) for shown in page["TableList"] if is_ours(shown)]
            except _glue().exceptions.EntityNotFoundException:
                return []
        return sorted(found)

    def addresses(self, table: TableRef) -> dict[str, str]:
        """Partition → the address Glue shows."""
        return {key: _address(shown) for key, shown in self._all_partitions(table).items()}

    def columns(self, table: TableRef) -> list[str]:
        """The columns Glue shows, without the partition column."""
        shown = self._shown(table, table.name) or {"StorageDescriptor": {"Columns": []}}
        return [column["Name"] for column in shown["StorageDescriptor"]["Columns"]]

    def _converge(self, table: TableRef, look: Callable[[TableRef], tuple[Difference, Moved]]) -> Difference:
        with self._log.alone(table):
            for pause in (*_PAUSES, None):
                try:
                    found, moved = look(table)
                    self._apply(found)
                    self._log.mark_mirrored(table, self.database(table.layer), moved.now.head)
                    break
                except _Overtaken:
                    if pause is None:
                        raise
                    time.sleep(pause)
        return found

    def _since_last_time(self, table: TableRef) -> tuple[Difference, Moved]:
        shown = self._shown(table, table.name)
        moved = self._log.moved(table, self._log.mirrored(table, self.database(table.layer)) if shown else 0)
        held = self._some_partitions(table, moved.partitions) if shown else {}
        return self._difference(table, moved, shown, held, _all), moved

    def _everything(self, table: TableRef, keep: Keep) -> tuple[Difference, Moved]:
        shown = self._shown(table, table.name)
        held = self._all_partitions(table) if shown else {}
        moved = self._log.moved(table, 0)
        return self._difference(table, moved, shown, held, keep), moved

    def _difference(
        self, table: TableRef, moved: Moved, shown: Input | None, held: Mapping[str, Input], keep: Keep
    ) -> Difference:
        if moved.now.schema is None:
            return Difference(table)
        wanted = {
            key: partition_input(table, key, at.schema, self._folder(table, key, at.version))
            for key, at in moved.now.pointers.items()
        }
        unheard_of = {key: _address(at) for key, at in held.items() if key not in moved.partitions}
        orphans = {key: address for key, address in unheard_of.items() if keep(address)}
        return Difference(
            table,
            definitions=list(self._definitions(table, moved.now.schema, moved.newest, shown)),
            create={key: at for key, at in wanted.items() if key not in held},
            update={key: at for key, at in wanted.items() if key in held and not says(held[key], at)},
            delete=sorted(held.keys() - wanted.keys() - orphans.keys()),
            orphans=orphans,
        )

    def _definitions(
        self, table: TableRef, schema: pa.Schema, newest: str | None, shown: Input | None
    ) -> Iterator[Definition]:
        database = self.database(table.layer)
        folder = self._location.address(self._location.table(table))
        wanted = table_input(table, schema, self._documents(table), folder)
        if shown is None or not says(shown, wanted):
            yield Definition(wanted, shown)
        whole = schema.append(pa.field(table.partition_by, pa.date32()))
        for name, view in views(table, schema.names, newest, database).items():
            of_view = pa.schema([whole.field(column) for column in view.columns])
            wanted, there = view_input(table, of_view, database, name, view.sql), self._shown(table, name)
            if there is None or not says(there, wanted):
                yield Definition(wanted, there)

    def _apply(self, found: Difference) -> None:
        table = found.table
        for definition in found.definitions:
            if definition.name == table.name:
                self._put(table, definition)
        updates = [{"PartitionValueList": at["Values"], "PartitionInput": at} for at in found.update.values()]
        deletes = [{"Values": [key]} for key in found.delete]
        self._batch("batch_create_partition", table, "PartitionInputList", found.create.values(), _CREATED_AT_ONCE)
        self._batch("batch_update_partition", table, "Entries", updates, _UPDATED_AT_ONCE)
        self._batch("batch_delete_partition", table, "PartitionsToDelete", deletes, _DELETED_AT_ONCE)
        for definition in found.definitions:
            if definition.name != table.name:  # views come last: the partition they show is there by then
                self._put(table, definition)

    def _put(self, table: TableRef, definition: Definition) -> None:
        database, shown = self.database(table.layer), definition.shown
        with _asking(str(table)):
            if shown is not None:
                _glue().update_table(
                    DatabaseName=database,
                    TableInput=keeping_others(shown, definition.wanted),
                    VersionId=shown["VersionId"],
                    SkipArchive=True,
                )
                return
            try:
                _glue().create_table(DatabaseName=database, TableInput=definition.wanted)
            except _glue().exceptions.EntityNotFoundException:
                _glue().create_database(DatabaseInput={"Name": database})
                _glue().create_table(DatabaseName=database, TableInput=definition.wanted)

    def _batch(self, call: str, table: TableRef, parameter: str, items: Iterable[Input], at_once: int) -> None:
        for batch in _batches(items, at_once):
            with _asking(str(table)):
                answer = getattr(_glue(), call)(**self._named(table), **{parameter: batch})
            for failed in answer.get("Errors", ()):
                said = failed["ErrorDetail"]
                partition = failed.get("PartitionValues") or failed.get("PartitionValueList")
                _raise(f"{table} {partition}", call, said.get("ErrorCode"), said.get("ErrorMessage"))

    def _shown(self, table: TableRef, name: str) -> Input | None:
        with _asking(str(table)):
            try:
                answer = _glue().get_table(DatabaseName=self.database(table.layer), Name=name)
            except _glue().exceptions.EntityNotFoundException:
                return None
            return dict(answer["Table"])

    def _some_partitions(self, table: TableRef, keys: Iterable[str]) -> dict[str, Input]:
        found: dict[str, Input] = {}
        for batch in _batches(({"Values": [key]} for key in sorted(keys)), _ASKED_AT_ONCE):
            left = batch
            while left:
                with _asking(str(table)):
                    answer = _glue().batch_get_partition(**self._named(table), PartitionsToGet=left)
                found |= {shown["Values"][0]: shown for shown in answer["Partitions"]}
                left = answer.get("UnprocessedKeys", [])
        return found

    def _all_partitions(self, table: TableRef) -> dict[str, Input]:
        with _asking(str(table)):
            pages = _glue().get_paginator("get_partitions").paginate(**self._named(table))
            return {shown["Values"][0]: shown for page in pages for shown in page["Partitions"]}

    def _named(self, table: TableRef) -> dict[str, str]:
        return {"DatabaseName": self.database(table.layer), "TableName": table.name}

    def _folder(self, table: TableRef, key: str, version: str) -> str:
        return self._location.address(self._location.version(table, key, version))


class _Overtaken(CatalogError):
    """Another has changed the table or its partitions since we looked."""


@contextmanager
def _asking(what: str) -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        said = error.response.get("Error", {})
        broken = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) >= _SERVER_ERROR
        _raise(
            what, error.operation_name, said.get("Code"), said.get("Message"), CatalogUnavailable if broken else None
        )
    except BotoCoreError as error:
        _raise(what, "", None, str(error), CatalogUnavailable)


def _raise(
    what: str, call: str, code: str | None, message: str | None, kind: type[CatalogError] | None = None
) -> NoReturn:
    kind = kind or (_Overtaken if code in _OVERTAKEN else CatalogError)
    said = " ".join(word for word in (call, code, message) if word)
    raise kind(f"{what} is not up to date in Glue ({said}); once that is mended: shopease catalog repair") from None


def _glue() -> Any:
    return aws.client("glue")


def _batches(items: Iterable[Input], size: int) -> Iterator[list[Input]]:
    todo = list(items)
    return (todo[start : start + size] for start in range(0, len(todo), size))


def _address(shown: Mapping[str, Any]) -> str:
    return str(shown.get("StorageDescriptor", {}).get("Location", ""))


def _table_of(layer: str, shown: Mapping[str, Any]) -> TableRef:
    return TableRef(layer, shown["Name"], shown["PartitionKeys"][0]["Name"])  # type: ignore[arg-type]  # our own


def _all(_: str) -> bool:
    return True
