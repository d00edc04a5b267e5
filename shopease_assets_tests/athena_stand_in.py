"""A stand-in for Athena over HTTP that really runs the SQL, on DuckDB, over the objects Glue's partitions point to.

moto's Athena executes nothing and says SUCCEEDED. This one sees what Athena would see: databases, tables and partitions
of moto's Glue, the objects below each partition's location, and nothing of the publication log. Athena's rules that our
code could break are enforced; what is not Athena's own is forwarded to moto.
"""

import csv
import io
import json
import re
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import time
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import sqlglot
from pyarrow import dataset, fs
from sqlglot import exp

from shopease_assets import aws
from shopease_assets.storage.s3 import S3Handler

_SERVICE = "AmazonAthena."
_UNLOAD = re.compile(
    r"\s*UNLOAD\s*\((?P<select>.*)\)\s*TO\s*'(?P<target>s3://[^']+)'\s*WITH\s*\((?P<options>.*)\)\s*", re.DOTALL
)
_COMPARISONS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.In, exp.Between)
_ENDED = {"SUCCEEDED", "FAILED", "CANCELLED"}
_TYPES = {
    "HUGEINT": "bigint", "VARCHAR": "varchar", "TIMESTAMP WITH TIME ZONE": "timestamp with time zone",
    "BLOB": "varbinary", "FLOAT": "float",
}  # fmt: skip
_NO_RESULTS = (
    "No output location provided. An output location is required either through the Workgroup result configuration "
    "setting or as an API input."
)
_TOO_MUCH = "Bytes scanned limit was exceeded"


class Refused(Exception):
    """A request Athena does not take."""


class Failed(Exception):
    """A query that fails, with Athena's reason."""


@dataclass
class WorkGroup:
    """What a workgroup decides: where results go, and how many bytes a query may scan."""

    results: str | None = None
    cutoff: int | None = None


@dataclass
class Execution:
    """One query."""

    id: str
    sql: str
    workgroup: str
    results: str
    encryption: dict[str, str]
    database: str
    state: str = "QUEUED"
    reason: str = ""
    scanned: int = 0
    submitted: float = field(default_factory=time)
    columns: list[dict[str, Any]] = field(default_factory=list)
    rows: list[list[str | None]] = field(default_factory=list)


class StandInAthena:
    """`workgroups`, `executions` and `saved` are there to be looked at; `hold()` keeps queries running.

    Queries that start while `failing` is set fail with that reason, after they have run.
    """

    def __init__(self, moto: str) -> None:
        self.workgroups = {"primary": WorkGroup()}
        self.executions: dict[str, Execution] = {}
        self.saved: dict[str, dict[str, str]] = {}
        self.failing = ""
        self.endpoint = ""
        self._moto = moto
        self._go = threading.Event()
        self._go.set()
        self._scanned_while_held = 0

    @contextmanager
    def hold(self, scanned: int = 0) -> Iterator[None]:
        """Within it, queries run and do not end; they say that they have scanned so many bytes."""
        self._scanned_while_held = scanned
        self._go.clear()
        try:
            yield
        finally:
            self._scanned_while_held = 0
            self._go.set()

    @property
    def queries(self) -> list[Execution]:
        """What was asked, in order."""
        return list(self.executions.values())

    # ---- the requests --------------------------------------------------------------------------------------------

    def answer(self, action: str, told: dict[str, Any]) -> dict[str, Any] | None:
        """What Athena answers; None: it is not ours."""
        ours: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "StartQueryExecution": self._start,
            "GetQueryExecution": lambda told: {"QueryExecution": _described(self._execution(told))},
            "GetQueryResults": self._results,
            "StopQueryExecution": self._stop,
            "GetWorkGroup": self._workgroup,
            "CreateNamedQuery": self._save,
            "UpdateNamedQuery": self._save_again,
            "ListNamedQueries": self._list_saved,
            "BatchGetNamedQuery": self._read_saved,
        }
        return ours[action](told) if action in ours else None

    def _start(self, told: dict[str, Any]) -> dict[str, Any]:
        name = told.get("WorkGroup", "primary")
        if name not in self.workgroups:
            raise Refused(f"WorkGroup {name} is not found.")
        configured = told.get("ResultConfiguration", {})
        results = configured.get("OutputLocation") or self.workgroups[name].results
        if not results:
            raise Refused(_NO_RESULTS)
        sql = told["QueryString"]
        unload = _UNLOAD.fullmatch(sql)
        _parsed(unload["select"] if unload else sql)
        encryption = configured.get("EncryptionConfiguration", {})
        home = told.get("QueryExecutionContext", {}).get("Database", "default")
        execution = Execution(str(uuid.uuid4()), sql, name, results, encryption, home)
        self.executions[execution.id] = execution
        threading.Thread(target=self._run, args=(execution,), daemon=True).start()
        return {"QueryExecutionId": execution.id}

    def _stop(self, told: dict[str, Any]) -> dict[str, Any]:
        execution = self._execution(told)
        if execution.state not in _ENDED:
            execution.state, execution.reason = "CANCELLED", "Query cancelled by user"
        return {}

    def _results(self, told: dict[str, Any]) -> dict[str, Any]:
        execution = self._execution(told)
        if execution.state != "SUCCEEDED":
            raise Refused(f"Query did not finish successfully. Final query state: {execution.state}")
        start = int(told.get("NextToken", 0))
        end = start + min(told.get("MaxResults", 1000), 1000)
        labels = [[column["Name"] for column in execution.columns]] if execution.columns else []
        everything = [*labels, *execution.rows]
        page = [{"Data": [{} if v is None else {"VarCharValue": v} for v in row]} for row in everything[start:end]]
        more = {"NextToken": str(end)} if end < len(everything) else {}
        return {"ResultSet": {"Rows": page, "ResultSetMetadata": {"ColumnInfo": execution.columns}}, **more}

    def _workgroup(self, told: dict[str, Any]) -> dict[str, Any]:
        if told["WorkGroup"] not in self.workgroups:
            raise Refused(f"WorkGroup {told['WorkGroup']} is not found.")
        found = self.workgroups[told["WorkGroup"]]
        configuration: dict[str, Any] = {"ResultConfiguration": {"OutputLocation": found.results or ""}}
        if found.cutoff is not None:
            configuration["BytesScannedCutoffPerQuery"] = found.cutoff
        return {"WorkGroup": {"Name": told["WorkGroup"], "State": "ENABLED", "Configuration": configuration}}

    def _save(self, told: dict[str, Any]) -> dict[str, Any]:
        made = {name: told[name] for name in ("Name", "Database", "QueryString")}
        identity = str(uuid.uuid4())
        workgroup = told.get("WorkGroup", "primary")
        described = told.get("Description", "")
        self.saved[identity] = {**made, "Description": described, "WorkGroup": workgroup, "NamedQueryId": identity}
        return {"NamedQueryId": identity}

    def _save_again(self, told: dict[str, Any]) -> dict[str, Any]:
        self.saved[told["NamedQueryId"]].update(
            {name: told[name] for name in ("Name", "Description", "QueryString") if name in told}
        )
        return {}

    def _list_saved(self, told: dict[str, Any]) -> dict[str, Any]:
        """Pages of two: whoever reads only the first does not see them all."""
        mine = [i for i, query in self.saved.items() if query["WorkGroup"] == told.get("WorkGroup", "primary")]
        start = int(told.get("NextToken", 0))
        more = {"NextToken": str(start + 2)} if start + 2 < len(mine) else {}
        return {"NamedQueryIds": mine[start : start + 2], **more}

    def _read_saved(self, told: dict[str, Any]) -> dict[str, Any]:
        if not 1 <= len(told["NamedQueryIds"]) <= 50:
            raise Refused("NamedQueryIds: 1 to 50 are read at once")
        return {"NamedQueries": [self.saved[i] for i in told["NamedQueryIds"]], "UnprocessedNamedQueryIds": []}

    def _execution(self, told: dict[str, Any]) -> Execution:
        if told["QueryExecutionId"] not in self.executions:
            raise Refused(f"QueryExecution {told['QueryExecutionId']} was not found")
        return self.executions[told["QueryExecutionId"]]

    # ---- running a query -----------------------------------------------------------------------------------------

    def _run(self, execution: Execution) -> None:
        if execution.state == "QUEUED":
            execution.state = "RUNNING"
        while not self._go.wait(0.01) and execution.state == "RUNNING":
            execution.scanned = self._scanned_while_held
        if execution.state != "RUNNING":
            return
        state, reason = "SUCCEEDED", ""
        try:
            self._execute(execution)
            if self.failing:
                raise Failed(self.failing)  # noqa: TRY301 - as any other reason
            cutoff = self.workgroups[execution.workgroup].cutoff
            if cutoff is not None and execution.scanned > cutoff:
                state, reason = "CANCELLED", _TOO_MUCH
        except Failed as failure:
            state, reason = "FAILED", str(failure)
        except Exception as error:  # noqa: BLE001 - a thread's error would be lost
            state, reason = "FAILED", f"GENERIC_INTERNAL_ERROR: {type(error).__name__} {error}"
        if execution.state == "RUNNING":
            execution.reason, execution.state = reason, state

    def _execute(self, execution: Execution) -> None:
        unload = _UNLOAD.fullmatch(execution.sql)
        query = _parsed(unload["select"] if unload else execution.sql)
        opened = _Opened()
        with duckdb.connect(":memory:") as connection:
            connection.execute("set TimeZone = 'UTC'")
            dates = _attach(connection, query, execution.database, opened)
            _refuse_dates_compared_with_text(query, dates)
            try:
                result = connection.sql(query.sql("duckdb"))
                types = [_TYPES.get(str(kind), str(kind).lower()) for kind in result.types]
                table = _as_trino_has_it(result.to_arrow_table(), types)
            except duckdb.ConversionException as error:
                raise Failed(f"INVALID_CAST_ARGUMENT: {error}") from error
            except duckdb.BinderException as error:
                raise Failed(f"COLUMN_NOT_FOUND: line 1:1: {error}") from error
        execution.scanned = sum(opened.sizes.values())
        if unload:
            _unload(table, unload["target"], execution)
            return
        execution.columns = [_column(name, kind) for name, kind in zip(table.column_names, types, strict=True)]
        columns = [column.to_pylist() for column in table.columns]
        execution.rows = [[_text(value) for value in row] for row in zip(*columns, strict=True)]
        _write_csv(execution)


# ---- what Glue says ----------------------------------------------------------------------------------------------


class _Opened(S3Handler):
    """Reads whole objects, and remembers which."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: dict[str, int] = {}

    def open_input_file(self, path: str) -> pa.NativeFile:
        bucket, _, key = path.partition("/")
        content = aws.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        self.sizes[path] = len(content)
        return pa.BufferReader(content)


def _attach(connection: duckdb.DuckDBPyConnection, query: exp.Expr, home: str, opened: _Opened) -> set[str]:
    """The tables the query names, as Glue describes them; returns the names of all their date columns."""
    dates: set[str] = set()
    defined_here = {cte.alias.lower() for cte in query.find_all(exp.CTE)}
    for table in list(query.find_all(exp.Table)):
        if not table.db and table.name.lower() in defined_here:
            continue
        if not table.db:
            table.set("db", exp.to_identifier(home))
        found = _glue_table(table.db.lower(), table.name.lower())
        table.set("catalog", None)
        kinds = {c["Name"]: c["Type"] for c in (*found["StorageDescriptor"]["Columns"], *found["PartitionKeys"])}
        dates |= {name for name, kind in kinds.items() if kind == "date"}
        name = f"{table.db.lower()}.{table.name.lower()}"
        connection.execute(f'create schema if not exists "{table.db.lower()}"')
        connection.register(name, _files(connection, found, kinds, opened))
        columns = ", ".join(
            # Athena's timestamps are milliseconds without a zone.
            f'cast(cast("{column}" as timestamp_ms) as timestamp) as "{column}"'
            if kind == "timestamp"
            else f'"{column}"'
            for column, kind in kinds.items()
        )
        connection.execute(
            f'create or replace view "{table.db.lower()}"."{table.name.lower()}" as select {columns} from "{name}"'
        )
    return dates


def _glue_table(database: str, name: str) -> dict[str, Any]:
    glue = aws.client("glue")
    try:
        glue.get_database(Name=database)
    except glue.exceptions.EntityNotFoundException:
        raise Failed(f"SCHEMA_NOT_FOUND: line 1:1: Schema '{database}' does not exist") from None
    try:
        table: dict[str, Any] = glue.get_table(DatabaseName=database, Name=name)["Table"]
    except glue.exceptions.EntityNotFoundException:
        message = f"TABLE_NOT_FOUND: line 1:1: Table 'awsdatacatalog.{database}.{name}' does not exist"
        raise Failed(message) from None
    return table


def _files(
    connection: duckdb.DuckDBPyConnection, table: dict[str, Any], kinds: dict[str, str], opened: _Opened
) -> dataset.FileSystemDataset:
    schema = pa.schema([(name, _arrow_type(connection, kind)) for name, kind in kinds.items()])
    filesystem = fs.PyFileSystem(opened)
    parquet = dataset.ParquetFileFormat()
    (key,) = (column["Name"] for column in table["PartitionKeys"])
    fragments = []
    pages = (
        aws.client("glue")
        .get_paginator("get_partitions")
        .paginate(DatabaseName=table["DatabaseName"], TableName=table["Name"])
    )
    for partition in (partition for page in pages for partition in page["Partitions"]):
        folder = partition["StorageDescriptor"]["Location"].removeprefix("s3://").rstrip("/")
        value = pa.scalar(date.fromisoformat(partition["Values"][0]), pa.date32())
        for info in filesystem.get_file_info(fs.FileSelector(folder, recursive=True)):
            expression = dataset.field(key) == value
            fragments.append(parquet.make_fragment(info.path, filesystem, partition_expression=expression))
    return dataset.FileSystemDataset(fragments, schema, parquet, filesystem)


def _arrow_type(connection: duckdb.DuckDBPyConnection, kind: str) -> pa.DataType:
    if kind == "timestamp":
        return pa.timestamp("us", "UTC")
    name = exp.DataType.build(kind, dialect="hive").sql("duckdb")
    return connection.sql(f"select cast(null as {name})").to_arrow_table().schema.field(0).type


# ---- Athena's rules ----------------------------------------------------------------------------------------------


def _parsed(sql: str) -> exp.Expr:
    try:
        (query,) = sqlglot.parse(sql, dialect="athena")
    except (sqlglot.errors.SqlglotError, ValueError) as error:
        raise Refused(f"line 1:1: mismatched input: {error}") from None
    assert query is not None
    return query


def _refuse_dates_compared_with_text(query: exp.Expr, dates: set[str]) -> None:
    for comparison in query.find_all(*_COMPARISONS):
        sides = [side for side in comparison.iter_expressions() if side is not None]
        is_date = any(isinstance(side, exp.Column) and side.name.lower() in dates for side in sides)
        if is_date and any(isinstance(side, exp.Literal) and side.is_string for side in sides):
            raise Failed("TYPE_MISMATCH: line 1:1: Cannot apply operator: date = varchar(10)")


def _as_trino_has_it(table: pa.Table, types: list[str]) -> pa.Table:
    """sum(bigint) is a bigint there; DuckDB makes it wider."""
    columns = [
        column.cast(pa.int64()) if kind == "bigint" and column.type != pa.int64() else column
        for column, kind in zip(table.columns, types, strict=True)
    ]
    return pa.Table.from_arrays(columns, names=table.column_names)


def _unload(table: pa.Table, target: str, execution: Execution) -> None:
    bucket, _, prefix = target.removeprefix("s3://").partition("/")
    s3 = aws.client("s3")
    if s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("KeyCount"):
        raise Failed(
            f"HIVE_PATH_ALREADY_EXISTS: Target directory for table 'awsdatacatalog.temp' already exists: {target}"
        )
    for field_ in table.schema:
        if pa.types.is_timestamp(field_.type) and field_.type.tz:
            raise Failed(f"NOT_SUPPORTED: Unsupported Hive type: timestamp with time zone ({field_.name})")
    half = (len(table) + 1) // 2
    for part in (table.slice(0, half), table.slice(half)):
        if len(part):
            sink = pa.BufferOutputStream()
            pq.write_table(part, sink, compression="zstd", store_schema=False, use_deprecated_int96_timestamps=True)
            s3.put_object(
                Bucket=bucket,
                Key=f"{prefix.rstrip('/')}/{uuid.uuid4()}",
                Body=sink.getvalue().to_pybytes(),
                **_encrypted(execution),
            )


def _encrypted(execution: Execution) -> dict[str, str]:
    if execution.encryption.get("EncryptionOption") != "SSE_KMS":
        return {}
    return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": execution.encryption["KmsKey"]}


# ---- results -----------------------------------------------------------------------------------------------------


def _described(execution: Execution) -> dict[str, Any]:
    return {
        "QueryExecutionId": execution.id,
        "Query": execution.sql,
        "StatementType": "DML",
        "SubstatementType": "UNLOAD" if _UNLOAD.fullmatch(execution.sql) else "SELECT",
        "ResultConfiguration": {"OutputLocation": _result_file(execution)},
        "WorkGroup": execution.workgroup,
        "Status": {
            "State": execution.state,
            "StateChangeReason": execution.reason,
            "SubmissionDateTime": execution.submitted,
        },
        "Statistics": {"DataScannedInBytes": execution.scanned},
    }


def _result_file(execution: Execution) -> str:
    ending = "" if _UNLOAD.fullmatch(execution.sql) else ".csv"
    return f"{execution.results.rstrip('/')}/{execution.id}{ending}"


def _write_csv(execution: Execution) -> None:
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n").writerow(c["Name"] for c in execution.columns)
    for row in execution.rows:
        text.write(",".join("" if v is None else '"' + v.replace('"', '""') + '"' for v in row) + "\n")
    bucket, _, key = _result_file(execution).removeprefix("s3://").partition("/")
    kinds = json.dumps(execution.columns)
    aws.client("s3").put_object(Bucket=bucket, Key=key, Body=text.getvalue().encode(), **_encrypted(execution))
    aws.client("s3").put_object(Bucket=bucket, Key=f"{key}.metadata", Body=kinds.encode(), **_encrypted(execution))


def _column(name: str, kind: str) -> dict[str, Any]:
    decimal = re.fullmatch(r"decimal\((\d+),(\d+)\)", kind)
    precision, scale = (int(decimal[1]), int(decimal[2])) if decimal else (0, 0)
    plain = "decimal" if decimal else "array" if kind.endswith("[]") else "row" if kind.startswith("struct") else kind
    return {"Name": name, "Label": name, "Type": plain, "Precision": precision, "Scale": scale, "Nullable": "UNKNOWN"}


def _text(value: Any) -> str | None:  # noqa: PLR0911 - one line a type
    match value:
        case None:
            return None
        case bool():
            return str(value).lower()
        case bytes():
            return value.hex(" ")
        case Decimal():
            return f"{value:f}"
        case list():
            return "[" + ", ".join(str(_text(item)) for item in value) + "]"
        case float():
            return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}.get(str(value), str(value))
        case _ if hasattr(value, "tzinfo") and hasattr(value, "year"):
            zone = " UTC" if value.tzinfo else ""
            return value.isoformat(" ", "milliseconds").split("+")[0] + zone
        case _:
            return str(value)


# ---- HTTP --------------------------------------------------------------------------------------------------------


@contextmanager
def stand_in_athena(moto: str) -> Iterator[StandInAthena]:
    """Serves a stand-in at its `endpoint`, in front of the moto server at that address."""
    athena = StandInAthena(moto)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            action = self.headers.get("X-Amz-Target", "").removeprefix(_SERVICE)
            try:
                answer = athena.answer(action, json.loads(body or b"{}"))
                status, said = (200, json.dumps(answer).encode()) if answer is not None else self._forwarded(body)
            except Refused as refusal:
                refused = {"__type": "InvalidRequestException", "Message": str(refusal)}
                status, said = 400, json.dumps(refused).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def _forwarded(self, body: bytes) -> tuple[int, bytes]:
            request = Request(f"{moto}{self.path}", body, dict(self.headers), method="POST")
            try:
                with urlopen(request) as response:
                    return response.status, response.read()
            except HTTPError as error:
                return error.code, error.read()

        def log_message(self, *_: object) -> None:
            """Tests have nothing to read here."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    athena.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield athena
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
