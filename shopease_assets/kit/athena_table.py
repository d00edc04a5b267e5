"""A SQL model's partitions made by Athena: one UNLOAD each, straight into the folder of the version being staged.

Athena sees the lake through Glue, so what Glue shows of the inputs must be what this run was handed, before and after.
"""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import replace
from datetime import date
from threading import Event

import dagster as dg
import pyarrow as pa
from sqlglot import exp

from shopease_assets import aws
from shopease_assets.core.errors import QueryError, ShopEaseError
from shopease_assets.core.layout import day_ranges, glue_database
from shopease_assets.core.masking import redacted
from shopease_assets.engines.arrow_types import duckdb_type, quoted
from shopease_assets.engines.athena import Athena, AthenaError, Progress
from shopease_assets.engines.sql_model import SqlModel
from shopease_assets.kit.gold_table import GoldTable
from shopease_assets.kit.month_state import at_end_of_month
from shopease_assets.settings import settings
from shopease_assets.storage.io_manager import LakeIOManager
from shopease_assets.storage.lake import Relation, Staged

Inputs = Mapping[tuple[str, str], Relation]
_QUERIES_AT_ONCE = 5  # Athena's quota of active queries is 20 and more, shared by the whole account
_PARTITIONS_AT_ONCE = 1_000  # BatchGetPartition's limit


def fits_athena(table: GoldTable) -> bool:
    """Whether Athena can make it: a table with instants stays with DuckDB, for Athena keeps milliseconds only."""
    return not any(pa.types.is_timestamp(kind) for kind in table.contract.arrow_schema().types)


def unloaded(context: dg.AssetExecutionContext, table: GoldTable, model: SqlModel, inputs: Inputs) -> Staged:
    """A new version of the run's partitions, written by Athena.

    Raises:
        Failure: Athena failed a query, whose reason is told without values, or Glue lags behind the lake.
        ShopEaseError: an input was published while Athena read it: worth another try.
    """
    lake: LakeIOManager = context.resources.lake
    chosen = settings()
    athena = Athena.of(chosen)

    def write(folders: Mapping[str, str], schema: pa.Schema) -> None:
        selects = {key: _select(table, model, inputs, key, schema, chosen.environment) for key in folders}
        if stale := _other_versions(inputs, chosen.environment):
            raise dg.Failure(f"{stale}; run: shopease catalog repair", allow_retries=False)
        scanned = _unload(athena, selects, folders)
        if stale := _other_versions(inputs, chosen.environment):
            raise ShopEaseError(f"{stale}: it was published while Athena read it; run this again")
        context.log.info("Athena scanned %.1f MB in %d queries for %s", scanned / 1e6, len(selects), table.ref)

    try:
        return lake.lake.adopt(
            table.ref,
            table.contract.arrow_schema(),
            write,
            partitions=context.partition_keys,
            run_id=context.run.run_id,
            base=lake.started_at_position,
        )
    except AthenaError as error:
        known = [error.code, *table.columns, *(word for read in model.inputs for word in read)]
        told = redacted(error.reason, known) + (f"; {error.cure}" if error.cure else "")
        raise dg.Failure(
            f"{table.ref}: Athena failed the query {error.query_id}, its history has the full reason: {told}",
            allow_retries=error.retryable,
        ) from None
    except QueryError as error:  # it scanned too much, or cannot be translated
        raise dg.Failure(str(error), allow_retries=False) from None


def _select(table: GoldTable, model: SqlModel, inputs: Inputs, key: str, schema: pa.Schema, environment: str) -> str:
    """The partition's rows with the types of the schema, from what the partition may see of its inputs."""
    every_version = {read for read in inputs if ".".join(read) in (*table.versions, *table.history)}
    day: date | None = None
    if table.monthly:
        visible, day = at_end_of_month(key, inputs, every_version)
    else:
        visible = {read: seen if read in every_version else _only(seen, key) for read, seen in inputs.items()}
    sources = {read: _source(relation, environment) for read, relation in visible.items()}
    columns = ", ".join(
        f"CAST({quoted(field.name)} AS {_type(field.type)}) AS {quoted(field.name)}" for field in schema
    )
    rows = model.transpile("athena", as_of=day, sources=sources)
    only = "" if table.monthly else f"\nWHERE {table.ref.partition_by} = DATE '{key}'"
    return f"SELECT {columns}\nFROM (\n{rows}\n){only}"


def _only(relation: Relation, key: str) -> Relation:
    return replace(relation, files={day: files for day, files in relation.files.items() if day == key})


def _source(relation: Relation, environment: str) -> str:
    """The table in Glue, restricted to the relation's partitions: others may have come since the run began."""
    ref = relation.table
    ranges = [
        f"{ref.partition_by} BETWEEN DATE '{first}' AND DATE '{last}'"
        for first, last in day_ranges(relation.files, most=len(relation.files))
    ]
    home, seen = glue_database(environment, ref.layer), " OR ".join(ranges) or "FALSE"
    return f"SELECT * FROM {home}.{ref.name} WHERE {seen}"  # noqa: S608 - names and dates are our own


def _type(kind: pa.DataType) -> str:
    return exp.DataType.build(duckdb_type(kind), dialect="duckdb").sql("athena")


def _unload(athena: Athena, selects: Mapping[str, str], folders: Mapping[str, str]) -> int:
    """Runs the queries, a few at once; returns the bytes they scanned. When one fails, the others are cancelled."""
    stopping = Event()

    def unload(key: str) -> int:
        scanned = 0

        def watch(progress: Progress) -> None:
            nonlocal scanned
            scanned = progress.scanned
            if stopping.is_set():
                raise KeyboardInterrupt  # on which the query is cancelled

        athena.unload(selects[key], folders[key], watch)
        return scanned

    with ThreadPoolExecutor(_QUERIES_AT_ONCE) as pool:
        try:
            return sum(done.result() for done in as_completed([pool.submit(unload, key) for key in selects]))
        except BaseException:
            stopping.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _other_versions(inputs: Inputs, environment: str) -> str | None:
    """Where Glue points to other versions than the run was handed; None: nowhere."""
    for relation in inputs.values():
        shown = _locations(relation, environment)
        stale = [key for key, files in relation.files.items() if shown.get(key) != files[0].rsplit("/", 1)[0]]
        if stale:
            more = f" and {len(stale) - 1} more" if len(stale) > 1 else ""
            return f"{relation.table} {min(stale)}{more}: Glue shows another version than this run was handed"
    return None


def _locations(relation: Relation, environment: str) -> dict[str, str]:
    """Where Glue says the partitions are, as far as it knows them."""
    ref, glue = relation.table, aws.client("glue")
    home = glue_database(environment, ref.layer)
    waiting = [{"Values": [key]} for key in sorted(relation.files)]
    shown: dict[str, str] = {}
    with suppress(glue.exceptions.EntityNotFoundException):  # it does not know the table
        while waiting:
            asked, waiting = waiting[:_PARTITIONS_AT_ONCE], waiting[_PARTITIONS_AT_ONCE:]
            told = glue.batch_get_partition(DatabaseName=home, TableName=ref.name, PartitionsToGet=asked)
            waiting += told.get("UnprocessedKeys", [])
            shown |= {
                found["Values"][0]: found["StorageDescriptor"]["Location"].rstrip("/") for found in told["Partitions"]
            }
    return shown
