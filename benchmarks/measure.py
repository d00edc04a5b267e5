"""Runs one job in a process of its own and says what it cost: wall, CPU of client and server, peak memory.

What happens inside the job's process is measured there, by `benchmarks.stopwatch`.
"""

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.source import Source

_REPOSITORY = Path(__file__).absolute().parent.parent


@dataclass(frozen=True)
class Cost:
    """What one execution of a job took, in seconds and MB; `facts` are what it found out."""

    wall: float
    client_cpu: float
    server_cpu: float
    peak_mb: float
    start_cpu: float
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def cpu(self) -> float:
        """CPU of client and server."""
        return self.client_cpu + self.server_cpu


def run_job(
    name: str,
    source: Source,
    *arguments: str,
    environment: dict[str, str],
    folder: Path,
    reads_source: bool = True,
) -> Cost:
    """Run `benchmarks.jobs.<name>` and account for it, once the source has settled if the job reads it.

    Raises:
        SystemExit: the job failed; what it said is shown.
    """
    if reads_source:
        source.settle()
    before = source.cpu_seconds()
    finished = subprocess.run(
        [sys.executable, "-m", f"benchmarks.jobs.{name}", source.dsn, *arguments],
        stdout=subprocess.PIPE,
        cwd=folder,  # no .env of ours is read
        env=_plain_environment(source.home) | environment,
        check=False,
    )
    if finished.returncode != 0:
        raise SystemExit(f"the job {name} failed; see above")
    server = source.cpu_seconds() - before
    told = json.loads(finished.stdout.splitlines()[-1])
    return Cost(**told, server_cpu=server)


def _plain_environment(home: Path) -> dict[str, str]:
    """None of our settings, and compiled modules are kept, whatever this machine thinks of bytecode."""
    plain = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("SHOPEASE_", "DAGSTER_")) and name != "PYTHONDONTWRITEBYTECODE"
    }
    return plain | {"PYTHONPATH": str(_REPOSITORY), "PYTHONPYCACHEPREFIX": str(home / "bytecode")}
