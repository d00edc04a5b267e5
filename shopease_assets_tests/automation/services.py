"""Dagster as it is deployed: its webserver and its daemon as processes of their own, spoken to over GraphQL."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

_CHECKOUT = Path(__file__).parents[2]
_BIN = Path(sys.executable).parent
_REPOSITORY = {"repositoryName": "__repository__", "repositoryLocationName": "shopease_assets.definitions"}
_READY_SECONDS, _STOP_SECONDS = 120, 20
#: The stock daemon looks at its backfills every 30 s, a constant no setting changes.
_IMPATIENT_DAEMON = """
from dagster._daemon import controller
controller.DEFAULT_DAEMON_INTERVAL_SECONDS = 1
from dagster._daemon.cli import cli
cli(["run", "-w", "workspace.yaml"])
"""


class DagsterServices:
    """A webserver and a daemon over a Dagster home with the checkout's dagster.yaml; stopped on exit."""

    def __init__(self, home: Path, environment: Mapping[str, str]) -> None:
        home.mkdir(parents=True)
        (home / "dagster.yaml").write_text((_CHECKOUT / "dagster.yaml").read_text())
        self._home = home
        self._environment = {**os.environ, **environment, "DAGSTER_HOME": str(home)}
        self._port = _free_port()
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        webserver = [str(_BIN / "dagster-webserver"), "-w", "workspace.yaml", "-h", "127.0.0.1", "-p", str(self._port)]
        try:
            self._start("webserver", webserver)
            self.until("the webserver answers", self._is_ready, seconds=_READY_SECONDS)
            # Only now: two processes that make the tables of one SQLite home at once get in each other's way.
            self._start("daemon", [sys.executable, "-c", _IMPATIENT_DAEMON])
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def ask(self, query: str, **variables: object) -> Any:
        """The `data` of a GraphQL answer.

        Raises:
            AssertionError: the server found an error in the question.
        """
        request = urllib.request.Request(
            f"http://127.0.0.1:{self._port}/graphql",
            json.dumps({"query": query, "variables": variables}).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as response:
            answer = json.load(response)
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    def backfill(self, assets: Sequence[Sequence[str]], partitions: Sequence[str], *, job: str | None = None) -> str:
        """Launch a backfill as the UI does from the asset graph, or from the page of a job; returns its id."""
        params: dict[str, object] = {
            "assetSelection": [{"path": list(path)} for path in assets],
            "partitionNames": list(partitions),
        }
        if job:
            params["selector"] = {"partitionSetName": f"{job}_partition_set", "repositorySelector": _REPOSITORY}
        launched = self.ask(
            """mutation ($params: LaunchBackfillParams!) {
                 launchPartitionBackfill(backfillParams: $params) {
                   ... on LaunchBackfillSuccess { backfillId }
                   ... on Error { message } } }""",
            params=params,
        )["launchPartitionBackfill"]
        assert "backfillId" in launched, launched
        return str(launched["backfillId"])

    def runs_of(self, backfill: str, *, seconds: float) -> list[dict[str, Any]]:
        """Wait for the end of a backfill; its runs, oldest first.

        Raises:
            AssertionError: it did not end well, or not in time.
        """

        def ended() -> Any:
            found = self.ask(
                """query ($id: String!) { partitionBackfillOrError(backfillId: $id) { ... on PartitionBackfill {
                     status error { message } runs { id status jobName startTime endTime
                                                     assetSelection { path } tags { key value } } } } }""",
                id=backfill,
            )["partitionBackfillOrError"]
            return None if found["status"] in {"REQUESTED", "CANCELING", "FAILING"} else found

        found = self.until(f"backfill {backfill} ends", ended, seconds=seconds)
        assert found["status"] == "COMPLETED_SUCCESS", f"{found['status']}: {found['error']}\n{self.logs()}"
        return sorted(found["runs"], key=lambda run: run["startTime"])

    def runs(self, job: str) -> list[dict[str, Any]]:
        """Every run of a job, with its tags."""
        answer: list[dict[str, Any]] = self.ask(
            """query ($job: String!) { runsOrError(filter: { pipelineName: $job }) { ... on Runs { results {
                 id status tags { key value } } } } }""",
            job=job,
        )["runsOrError"]["results"]
        return [{**run, "tags": {tag["key"]: tag["value"] for tag in run["tags"]}} for run in answer]

    def materialisations(self, asset: Sequence[str]) -> dict[str, int]:
        """How often each partition of an asset was materialised, as its page shows it."""
        node = self.ask(
            """query ($key: AssetKeyInput!) { assetNodeOrError(assetKey: $key) { ... on AssetNode {
                 assetMaterializations { partition } } } }""",
            key={"path": list(asset)},
        )["assetNodeOrError"]
        return dict(sorted(Counter(event["partition"] for event in node["assetMaterializations"]).items()))

    def materialised(self, asset: Sequence[str]) -> list[str]:
        """The partitions of an asset that were materialised."""
        return list(self.materialisations(asset))

    def checks(self, asset: Sequence[str], check: str) -> dict[str, bool]:
        """The outcome of a check per partition, oldest first, as its page shows it."""
        executions = self.ask(
            """query ($key: AssetKeyInput!, $check: String!) {
                 assetCheckExecutions(assetKey: $key, checkName: $check, limit: 100) {
                   status evaluation { partition success } } }""",
            key={"path": list(asset)},
            check=check,
        )["assetCheckExecutions"]
        return {
            execution["evaluation"]["partition"]: execution["evaluation"]["success"]
            for execution in reversed(executions)
            if execution["evaluation"]
        }

    def until(self, what: str, happens: Callable[[], Any], *, seconds: float) -> Any:
        """Ask until the answer is true, and return it.

        Raises:
            AssertionError: not in time, or a process has died; with the end of the logs.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            assert all(process.poll() is None for process in self._processes), f"died\n{self.logs()}"
            if answer := happens():
                return answer
            time.sleep(0.5)
        raise AssertionError(f"{what}: not within {seconds} s\n{self.logs()}")

    def logs(self) -> str:
        """The end of what the processes said."""
        return "\n".join(f"--- {log.stem}\n{log.read_text()[-6000:]}" for log in self._home.glob("*.log"))

    def errors(self) -> list[str]:
        """Lines of the processes' logs that speak of an error."""
        return [
            line
            for log in self._home.glob("*.log")
            for line in log.read_text().splitlines()
            if "ERROR" in line or "Traceback" in line or "Caught" in line
        ]

    def _start(self, name: str, command: list[str]) -> None:
        with (self._home / f"{name}.log").open("wb") as log:
            self._processes.append(
                subprocess.Popen(
                    command,
                    cwd=_CHECKOUT,
                    env=self._environment,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            )

    def _is_ready(self) -> bool:
        try:
            locations = self.ask(
                """{ workspaceOrError { ... on Workspace { locationEntries {
                     loadStatus locationOrLoadError { __typename ... on PythonError { message } } } } } }"""
            )["workspaceOrError"]["locationEntries"]
        except (urllib.error.URLError, ConnectionError):
            return False
        loaded = [entry["locationOrLoadError"] for entry in locations if entry["loadStatus"] == "LOADED"]
        assert all(entry["__typename"] == "RepositoryLocation" for entry in loaded), loaded
        return bool(loaded) and len(loaded) == len(locations)

    def _stop(self) -> None:
        """Ask each process to leave, then make sure that nothing of its group remains."""
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            with suppress(subprocess.TimeoutExpired):
                process.wait(_STOP_SECONDS)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
