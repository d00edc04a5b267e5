"""What a job measures of itself: wall, CPU and peak memory of its work, apart from the start of Python and imports.

Imports nothing but the standard library: what is measured here is the job's memory, not ours.
"""

import json
import os
import resource
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any, Self


class Stopwatch(AbstractContextManager["Stopwatch"]):
    """Measures its block in this process (and the children it waits for), and reports to `run_job`."""

    def __init__(self, *, whole: bool = False) -> None:
        """With `whole`, the start of the process counts too, as it does for whoever starts it."""
        self._whole = whole
        self._told: dict[str, Any] | None = None
        self.facts: dict[str, Any] = {}

    def __enter__(self) -> Self:
        self._start_cpu, self._start = _cpu(), time.perf_counter()
        return self

    def stop(self) -> None:
        """Stop before the block ends: what follows is not the job's."""
        self._told = {
            "wall": _age() if self._whole else time.perf_counter() - self._start,
            "client_cpu": _cpu() - (0 if self._whole else self._start_cpu),
            "start_cpu": self._start_cpu,
            "peak_mb": _peak_mb(),
        }

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            if self._told is None:
                self.stop()
            print(json.dumps({**(self._told or {}), "facts": self.facts}), flush=True)


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def _age() -> float:
    """Seconds since this process was made."""
    started = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
    return time.clock_gettime(time.CLOCK_BOOTTIME) - started / os.sysconf("SC_CLK_TCK")


def _peak_mb() -> float:
    """The largest resident memory since exec; ru_maxrss would remember the parent's."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024


def median_seconds(act: Callable[[], object], *, repeat: int = 7) -> float:
    """How long it takes when it was done before: the median of some times after the first."""
    act()
    seconds = []
    for _ in range(repeat):
        start = time.perf_counter()
        act()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def arguments() -> Sequence[str]:
    """What `run_job` was given: the DSN, and the job's own."""
    return sys.argv[1:]
