"""The embedded server: starts, is attached to, survives its death, and stays out of home folders."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import adbc_driver_postgresql.dbapi as adbc
import psycopg
import pytest
import sqlalchemy

from shopease_assets.core.errors import SourceError
from shopease_assets.sources import embedded
from shopease_assets.sources.embedded import (
    create_database,
    data_folder,
    drop_database,
    remove_embedded,
    start_embedded,
    stop_embedded,
)

STARTER = """
import sys
from pathlib import Path
from shopease_assets.sources.embedded import start_embedded
print(start_embedded(Path(sys.argv[1])))
"""


def pid_of(folder: Path) -> int:
    return int((data_folder(folder) / "postmaster.pid").read_text().split("\n")[0])


def answer(dsn: str, question: str) -> object:
    with psycopg.connect(dsn) as connection:
        row = connection.execute(question).fetchone()
    assert row is not None
    return row[0]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("embedded") / "data"
    yield folder
    remove_embedded(folder)


@pytest.fixture
def dsn(folder: Path) -> str:
    return start_embedded(folder)


def test_it_is_ready_for_logical_replication_in_utc(dsn: str) -> None:
    assert answer(dsn, "show wal_level") == "logical"
    assert answer(dsn, "show timezone") == "UTC"


def test_every_driver_understands_the_dsn(dsn: str) -> None:
    with adbc.connect(dsn) as connection, connection.cursor() as cursor:
        cursor.execute("select 1")
        assert cursor.fetchone() == (1,)
    for scheme in ("postgresql+psycopg", "postgresql+psycopg2"):
        engine = sqlalchemy.create_engine(dsn.replace("postgresql", scheme, 1))
        with engine.connect() as connected:
            assert connected.execute(sqlalchemy.text("select 1")).scalar() == 1
        engine.dispose()


def test_starting_again_attaches_to_the_same_server(folder: Path, dsn: str) -> None:
    pid = pid_of(folder)
    assert start_embedded(folder) == dsn
    assert pid_of(folder) == pid


def test_it_outlives_the_process_that_started_it(folder: Path, dsn: str) -> None:
    stop_embedded(folder)
    subprocess.run([sys.executable, "-W", "error", "-c", STARTER, str(folder)], check=True)
    pid = pid_of(folder)
    assert start_embedded(folder) == dsn
    assert pid_of(folder) == pid


def test_many_processes_may_start_it_at_once(folder: Path, dsn: str) -> None:
    stop_embedded(folder)
    command = [sys.executable, "-c", STARTER, str(folder)]
    starters = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert {starter.communicate()[0].strip() for starter in starters} == {dsn}


def test_a_killed_server_comes_up_again_with_its_data(folder: Path, dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("create table kept as select 42 as answer")
    killed = pid_of(folder)
    os.kill(killed, signal.SIGKILL)
    assert answer(start_embedded(folder), "select answer from kept") == 42
    assert pid_of(folder) != killed


def test_a_stale_pid_file_of_somebody_else_s_process_is_ignored(folder: Path, dsn: str) -> None:
    pid_file = data_folder(folder) / "postmaster.pid"
    lines = pid_file.read_text().split("\n")
    stop_embedded(folder)
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]))
    if os.geteuid() == 0:
        shutil.chown(pid_file, "nobody")
    assert answer(start_embedded(folder), "select 1") == 1


def test_stopping_twice_is_fine(folder: Path, dsn: str) -> None:
    stop_embedded(folder)
    stop_embedded(folder)
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(dsn)
    start_embedded(folder)


def test_databases_are_created_and_dropped_even_in_use(dsn: str) -> None:
    made = create_database(dsn, "some shop")
    assert answer(made, "select current_database()") == "some shop"
    with pytest.raises(SourceError, match="exists already"):
        create_database(dsn, "some shop")
    connection = psycopg.connect(made)
    drop_database(dsn, "some shop")
    drop_database(dsn, "some shop")
    connection.close()


def test_a_long_path_gets_a_short_socket(tmp_path: Path) -> None:
    folder = Path("/var/tmp") / f"shopease-test-{os.getpid()}" / ("deep" * 20) / ("deeper" * 10)
    try:
        assert answer(start_embedded(folder), "select 1") == 1
    finally:
        remove_embedded(folder)
        shutil.rmtree(folder.parents[1])
    assert not embedded._socket_folder(folder).exists()


def test_root_keeps_out_of_home_folders_and_private_ones(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    for folder in (Path("/root/shop/db"), Path("/home/someone/db"), Path.home() / "db", private / "db"):
        moved = data_folder(folder)
        assert moved.parent == Path("/var/tmp")
        assert moved == data_folder(folder)
    assert data_folder(Path("/srv/shop")) == Path("/srv/shop")


def test_others_keep_their_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert data_folder(Path("/home/someone/db")) == Path("/home/someone/db")


def test_a_broken_data_folder_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path("/var/tmp") / f"shopease-broken-{os.getpid()}"
    folder.mkdir()
    (folder / "PG_VERSION").write_text("9.1\n")
    monkeypatch.setattr(time, "sleep", lambda _: None)
    try:
        with pytest.raises(SourceError, match=r"does not start.*postgresql\.conf.*remove the folder"):
            start_embedded(folder)
    finally:
        remove_embedded(folder)
    assert not folder.exists()


def test_a_folder_of_something_else_is_left_alone() -> None:
    folder = Path("/var/tmp") / f"shopease-other-{os.getpid()}"
    folder.mkdir()
    (folder / "precious.txt").write_text("keep me")
    try:
        with pytest.raises(SourceError, match="is no PostgreSQL folder"):
            start_embedded(folder)
        assert (folder / "precious.txt").read_text() == "keep me"
    finally:
        remove_embedded(folder)


def test_an_interrupted_beginning_is_begun_again() -> None:
    folder = Path("/var/tmp") / f"shopease-begun-{os.getpid()}"
    half_made = folder.with_name(f"{folder.name}.fresh")
    half_made.mkdir()
    (half_made / "PG_VERSION").write_text("18\n")
    try:
        assert answer(start_embedded(folder), "select 1") == 1
    finally:
        remove_embedded(folder)


def test_programs_out_of_reach_are_copied_with_their_libraries(tmp_path: Path) -> None:
    found = embedded._binaries()
    copy = tmp_path / "copy"
    embedded._copy_programs(found.parent, copy)
    program = copy / found.parents[1].name / found.parent.name / "bin" / "initdb"
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    assert "PostgreSQL" in said.stdout
