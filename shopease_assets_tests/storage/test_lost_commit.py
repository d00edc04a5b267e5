"""PostgreSQL's answer to a COMMIT that never arrives: what was published is found, and published once."""

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import sqlalchemy as sa
from psycopg.conninfo import conninfo_to_dict

from shopease_assets.storage.lake import ParquetLake
from shopease_assets.storage.log import PublicationLog
from shopease_assets_tests.storage.scenario import MONDAY, ORDERS, TUESDAY, order_ids, orders, publish

_SOCKET = ".s.PGSQL.5432"


class LossyConnection:
    """Stands between a log and its PostgreSQL; once told so, it hangs up at a writer's COMMIT, before
    or after it is done."""

    def __init__(self, folder: Path, server: str) -> None:
        self.folder = folder
        self._server = server
        self.loses: str | None = None
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(folder / _SOCKET))
        self._listening.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as server:
            server.connect(self._server)
            lost = threading.Event()
            answers = threading.Thread(target=self._pass_answers, args=(server, client, lost), daemon=True)
            answers.start()
            writes = False
            while content := client.recv(1 << 16):
                writes |= b"pg_advisory_xact_lock" in content
                if writes and b"COMMIT" in content and self.loses:
                    if self.loses == "answer":
                        lost.set()
                        server.sendall(content)
                        answers.join()
                    self.loses = None
                    break
                writes &= b"COMMIT" not in content
                server.sendall(content)
            with suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)
            answers.join()

    @staticmethod
    def _pass_answers(server: socket.socket, client: socket.socket, lost: threading.Event) -> None:
        with suppress(OSError):
            while content := server.recv(1 << 16):
                if lost.is_set():
                    return  # it is committed
                client.sendall(content)


@pytest.fixture
def lossy(postgres_log: str) -> Iterator[LossyConnection]:
    server = f"{conninfo_to_dict(postgres_log)['host']}/{_SOCKET}"
    with TemporaryDirectory() as folder:  # a socket's path must be short
        between = LossyConnection(Path(folder), server)
        yield between
        between.close()


@pytest.fixture
def lake(lossy: LossyConnection, postgres_log: str, tmp_path: Path) -> Iterator[ParquetLake]:
    url = sa.make_url(postgres_log).update_query_dict({"host": str(lossy.folder)})
    with_log = PublicationLog.open(url.render_as_string(hide_password=False))
    yield ParquetLake.local(tmp_path / "lake", with_log)
    with_log.close()


@pytest.mark.parametrize("lost", ["request", "answer"])
def test_a_publication_whose_commit_was_cut_off_is_published_once(
    lake: ParquetLake, lossy: LossyConnection, lost: str
) -> None:
    publish(lake, orders((1, MONDAY)), run="first")
    lossy.loses = lost
    second = publish(lake, orders((2, MONDAY), (3, TUESDAY)), run="second")
    assert lossy.loses is None
    assert [publication.id for publication in lake.history(ORDERS)] == [second, 1]
    assert order_ids(lake) == [2, 3]
    lossy.loses = lost
    back = lake.rollback(ORDERS, 1)
    assert [publication.id for publication in lake.history(ORDERS)] == [back, second, 1]
    assert order_ids(lake) == [1]
