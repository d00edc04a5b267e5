"""The lakes the behaviour suite runs on: a local folder, its log in SQLite or in PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from shopease_assets.sources.embedded import create_database, drop_database
from shopease_assets.storage.lake import ParquetLake
from shopease_assets.storage.log import PublicationLog
from shopease_assets.storage.log_tables import metadata
from shopease_assets_tests.storage.scenario import FakeClock


@pytest.fixture(scope="session")
def postgres_url(server: str) -> Iterator[str]:
    yield create_database(server, "publication_log")
    drop_database(server, "publication_log")


@pytest.fixture(params=["sqlite", "postgresql"])
def log_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/log.db"
    url: str = request.getfixturevalue("postgres_url")
    engine = sa.create_engine(sa.make_url(url).set(drivername="postgresql+psycopg"))
    metadata.drop_all(engine)
    engine.dispose()
    return url


@pytest.fixture
def log(log_url: str) -> Iterator[PublicationLog]:
    opened = PublicationLog.open(log_url)
    yield opened
    opened.close()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def lake(tmp_path: Path, log: PublicationLog, clock: FakeClock) -> ParquetLake:
    return ParquetLake.local(tmp_path / "lake", log, clock=clock)
