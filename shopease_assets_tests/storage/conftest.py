"""The lakes the behaviour suite runs on: a folder or S3, the log in SQLite or in PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from shopease_assets.aws import client
from shopease_assets.sources.embedded import create_database, drop_database
from shopease_assets.storage.lake import ParquetLake
from shopease_assets.storage.location import Location
from shopease_assets.storage.log import PublicationLog
from shopease_assets.storage.log_tables import metadata
from shopease_assets_tests.aws import make_bucket
from shopease_assets_tests.storage.scenario import FakeClock
from shopease_assets_tests.strict_glue import StrictGlue


@pytest.fixture(scope="session")
def postgres_url(server: str) -> Iterator[str]:
    yield create_database(server, "publication_log")
    drop_database(server, "publication_log")


@pytest.fixture
def postgres_log(postgres_url: str) -> str:
    """A database without a log."""
    engine = sa.create_engine(sa.make_url(postgres_url).set(drivername="postgresql+psycopg"))
    metadata.drop_all(engine)
    engine.dispose()
    return postgres_url


@pytest.fixture(params=["sqlite", "postgresql"])
def log_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/log.db"
    url: str = request.getfixturevalue("postgres_log")
    return url


@pytest.fixture
def log(log_url: str) -> Iterator[PublicationLog]:
    opened = PublicationLog.open(log_url)
    yield opened
    opened.close()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(params=["folder", "s3"])
def location(request: pytest.FixtureRequest, tmp_path: Path) -> Location:
    if request.param == "folder":
        return Location.local(tmp_path / "lake")
    request.getfixturevalue("aws")
    make_bucket("shopease-lake")
    return Location.s3("s3://shopease-lake/some/prefix")


@pytest.fixture
def lake(location: Location, log: PublicationLog, clock: FakeClock) -> ParquetLake:
    return ParquetLake(location, log, clock=clock)


@pytest.fixture
def glue(aws: str) -> StrictGlue:
    """Glue in an empty account, as strict as AWS's."""
    return StrictGlue(client("glue"))
