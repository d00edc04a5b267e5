"""deploy/dagster.prod.yaml on a real PostgreSQL, with an S3 of ten lines for the logs."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster._core.errors import DagsterInvalidConfigError
from dagster._core.run_coordinator import QueuedRunCoordinator
from dagster_aws.s3 import S3ComputeLogManager
from dagster_postgres.event_log import PostgresEventLogStorage
from psycopg.conninfo import conninfo_to_dict

from shopease_assets.sources.embedded import create_database, drop_database
from shopease_assets_tests.platform import START, Platform

_PROD_YAML = Path(__file__).parents[2] / "deploy" / "dagster.prod.yaml"
_DATABASE, _BUCKET = "dagster", "shopease-logs"
_STORES = ["bronze/stores"]


@pytest.fixture
def uploads(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, bytes]]:
    """An S3 that remembers what is put into it: path → content."""
    kept: dict[str, bytes] = {}

    class Bucket(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            kept[self.path] = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Bucket)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    yield kept
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def environment(server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The variables that the file's header asks for, over the Unix socket of the embedded server."""
    create_database(server, _DATABASE)
    parts = conninfo_to_dict(server)
    for name, value in {
        "PGHOST": str(parts["host"]),  # a socket's folder is no host name of a URL; libpq takes it from here
        "DAGSTER_POSTGRES_HOST": "",
        "DAGSTER_POSTGRES_DB": _DATABASE,
        "DAGSTER_POSTGRES_USER": str(parts["user"]),
        "DAGSTER_POSTGRES_PASSWORD": "",
        "DAGSTER_COMPUTE_LOGS_BUCKET": _BUCKET,
        "DAGSTER_COMPUTE_LOGS_REGION": "eu-central-1",
    }.items():
        monkeypatch.setenv(name, value)
    yield
    drop_database(server, _DATABASE)


@pytest.fixture
def instance(environment: None, uploads: dict[str, bytes], tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """Dagster configured by the file as it is."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "dagster.yaml").write_text(_PROD_YAML.read_text())
    with dg.DagsterInstance.from_config(str(home)) as opened:
        yield opened


def test_a_materialisation_and_its_checks_are_read_back_from_postgres(
    instance: dg.DagsterInstance, uploads: dict[str, bytes], shop: str, tmp_path: Path
) -> None:
    with Platform(shop, tmp_path / "lake", instance) as platform:
        assert platform.run(START, tables=_STORES).success
        key = dg.AssetKey(["bronze", "stores"])
        event = instance.get_latest_materialization_event(key)
        assert event is not None
        assert event.asset_materialization is not None
        assert event.asset_materialization.partition == START.isoformat()
        assert instance.get_materialized_partitions(key) == {START.isoformat()}
        check = dg.AssetCheckKey(key, "matches_source")
        [execution] = instance.event_log_storage.get_asset_check_execution_history(check, limit=10)
        assert execution.status.value == "SUCCEEDED"
        assert instance.get_run_by_id(event.run_id).status is dg.DagsterRunStatus.SUCCESS  # type: ignore[union-attr]
    assert all(path.startswith(f"/{_BUCKET}/shopease/compute-logs/") for path in uploads)


def test_what_a_step_prints_is_uploaded_to_the_bucket(instance: dg.DagsterInstance, uploads: dict[str, bytes]) -> None:
    @dg.asset
    def talkative() -> None:
        print("three crates of pears")

    dg.materialize([talkative], instance=instance)
    assert any(b"three crates of pears" in content for content in uploads.values())


def test_events_are_stored_through_psycopg2_where_psycopg_3_would_fail_on_notify(instance: dg.DagsterInstance) -> None:
    storage = instance.event_log_storage
    assert isinstance(storage, PostgresEventLogStorage)
    assert storage.postgres_url.startswith("postgresql+psycopg2://")


def test_runs_are_queued_watched_and_limited_and_nothing_is_reported_home(instance: dg.DagsterInstance) -> None:
    assert isinstance(instance.run_coordinator, QueuedRunCoordinator)
    assert instance.get_concurrency_config().run_queue_config.max_concurrent_runs == 10  # type: ignore[union-attr]
    assert instance.run_monitoring_enabled
    assert instance.run_retries_enabled
    assert isinstance(instance.compute_log_manager, S3ComputeLogManager)
    assert not instance.telemetry_enabled


def test_an_unset_variable_stops_dagster_with_its_name(
    environment: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("DAGSTER_POSTGRES_DB")
    (tmp_path / "dagster.yaml").write_text(_PROD_YAML.read_text())
    with pytest.raises((DagsterInvalidConfigError, dg.DagsterError), match="DAGSTER_POSTGRES_DB"):
        dg.DagsterInstance.from_config(str(tmp_path))


def test_the_header_names_every_variable_the_file_reads() -> None:
    text = _PROD_YAML.read_text()
    header = text[: text.index("telemetry:")]
    for name in _variables(yaml.safe_load(text)):
        assert name in header or f"_{name.rsplit('_', 1)[-1]}" in header


def _variables(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        if set(node) == {"env"}:
            yield node["env"]
        for child in node.values():
            yield from _variables(child)
