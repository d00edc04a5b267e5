"""A warm process that forks a child per run, so that a hundred runs can be killed in minutes: a helper, not a test.

The parent imports what is slow, but not our own definitions: they let Polars compute, and a fork after that hangs.
Each line on its input is a run to start.
"""

import importlib
import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Self


class Driver:
    """Starts runs over one lake in processes of their own. `kill`, `pause` and `resume` act on the current run."""

    def __init__(self, dsn: str, folder: Path) -> None:
        environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__, dsn, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        self._answer()  # imported
        self.pid = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin
        assert self._process.stdout
        if self.pid:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()

    def start(
        self, first: date, last: date, tables: Sequence[str], *, pause: bool = False, largest_file: int | None = None
    ) -> None:
        """Begin a run; it may stop itself after it has staged something, or be unable to write large files."""
        order = [first.isoformat(), last.isoformat(), list(tables), pause, largest_file]
        assert self._process.stdin
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        self.pid = int(self._answer())

    def kill(self) -> None:
        """Kill the run with signal 9, unless it is done already."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def resume(self) -> None:
        """Let a paused run go on."""
        os.kill(self.pid, signal.SIGCONT)

    def outcome(self) -> str:
        """Wait for the run: `paused`, `killed`, `done`, or what failed."""
        told = self._answer()
        self.pid = self.pid if told == "paused" else 0
        return told

    def _answer(self) -> str:
        assert self._process.stdout
        return str(json.loads(self._process.stdout.readline()))


def _serve(dsn: str, folder: Path) -> None:
    for slow in ("dagster", "dataframely", "duckdb", "psycopg", "pyarrow.parquet", "adbc_driver_postgresql.dbapi"):
        importlib.import_module(slow)
    _say("ready")
    for line in sys.stdin:
        told, tell = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(told)
            _run(dsn, folder, json.loads(line), tell)
        os.close(tell)
        _say(child)
        while os.WIFSTOPPED(status := os.waitpid(child, os.WUNTRACED)[1]):
            _say("paused")
        with os.fdopen(told) as answer:
            _say(answer.read() or ("killed" if os.WIFSIGNALED(status) else f"exit {status}"))


def _run(dsn: str, folder: Path, order: list[object], tell: int) -> None:
    from shopease_assets.storage.lake import ParquetLake
    from shopease_assets_tests.faults.observed import retry_at_once
    from shopease_assets_tests.platform import Platform

    retry_at_once()
    first, last, tables, pause, largest_file = order
    if largest_file is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(str(largest_file)),) * 2)
    if pause:
        stage = ParquetLake.stage

        def stage_and_pause(*args: object, **kwargs: object) -> object:
            ParquetLake.stage = stage  # type: ignore[method-assign]
            staged = stage(*args, **kwargs)  # type: ignore[arg-type]
            os.kill(os.getpid(), signal.SIGSTOP)
            return staged

        ParquetLake.stage = stage_and_pause  # type: ignore[method-assign, assignment]
    try:
        with Platform(dsn, folder) as platform:
            outcome = platform.run(date.fromisoformat(str(first)), date.fromisoformat(str(last)), tables=tables)  # type: ignore[arg-type]
        os.write(tell, ("; ".join(failure.reason for failure in outcome.failures) or "done").encode())
    except BaseException as error:  # noqa: BLE001  # a child must not return into the parent's loop
        os.write(tell, repr(error).encode())
    os._exit(0)


def _say(what: object) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    _serve(sys.argv[1], Path(sys.argv[2]))
