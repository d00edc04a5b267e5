"""`shopease` as a user runs it: a process of its own with an environment of its own."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Said:
    """What a command said and how it ended."""

    code: int
    out: str
    error: str

    @property
    def lines(self) -> list[str]:
        """What it said of its trouble."""
        return self.error.strip().splitlines()


def shopease(*arguments: str, home: Path, **settings: str) -> Said:
    """Run a command; `settings` are SHOPEASE_ variables in lower case."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("SHOPEASE_", "DAGSTER_"))}
    told = {f"SHOPEASE_{name.upper()}": value for name, value in {"home": str(home), **settings}.items()}
    done = subprocess.run(
        [str(Path(sys.executable).with_name("shopease")), *arguments],
        env=ours | told,
        cwd=home.parent,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    return Said(done.returncode, done.stdout, done.stderr)
