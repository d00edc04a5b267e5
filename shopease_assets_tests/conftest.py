"""What many suites need: a real PostgreSQL, a tiny shop in a database of its own, and a platform to run over it.

Settings are read once per process, so they are set here, before anything of the package is imported.
"""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

for _name in [name for name in os.environ if name.startswith(("SHOPEASE_", "DAGSTER_", "AWS_"))]:
    del os.environ[_name]
os.environ["SHOPEASE_START_DATE"] = "2026-01-01"
os.environ["SHOPEASE_HOME"] = tempfile.mkdtemp(prefix="shopease-tests-")

import hypothesis
import pytest

from shopease_assets.sources.embedded import create_database, drop_database, remove_embedded, start_embedded
from shopease_assets_tests.athena_stand_in import StandInAthena, stand_in_athena
from shopease_assets_tests.aws import aws_environment, environment, make_bucket, moto_server, reset
from shopease_assets_tests.faulty_proxy import FaultyProxy, faulty_proxy
from shopease_assets_tests.platform import LAST_DAY, START, Platform

hypothesis.settings.register_profile("untimed", deadline=None)  # a busy machine is no failure
hypothesis.settings.load_profile("untimed")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An embedded PostgreSQL of this test process."""
    folder = tmp_path_factory.mktemp("postgres") / "data"
    yield start_embedded(folder)
    remove_embedded(folder)


@pytest.fixture(scope="session")
def tiny_shop(server: str) -> Iterator[str]:
    """The tiny shop, clean: a template; tests that change it take `shop`."""
    from shopease_assets import synthetic

    dsn = create_database(server, "tiny_shop")
    synthetic.create(dsn)
    synthetic.load(dsn, synthetic.generate("tiny", start=START, days=(LAST_DAY - START).days + 1))
    yield dsn
    drop_database(server, "tiny_shop")


@pytest.fixture
def shop(server: str, tiny_shop: str) -> Iterator[str]:
    """A copy of the tiny shop that a test may change."""
    dsn = create_database(server, "shop_copy", template="tiny_shop")
    yield dsn
    drop_database(server, "shop_copy")


@pytest.fixture
def empty_shop(server: str) -> Iterator[str]:
    """The schema without rows and constraints: for a handful of rows, good or bad, of a test's own."""
    from shopease_assets import synthetic

    dsn = create_database(server, "empty_shop")
    synthetic.create(dsn, relaxed=True)
    yield dsn
    drop_database(server, "empty_shop")


@pytest.fixture
def platform(tmp_path: Path, shop: str) -> Iterator[Platform]:
    """A lake of its own over a shop of its own."""
    with Platform(shop, tmp_path / "lake") as opened:
        yield opened


@pytest.fixture(scope="session")
def moto() -> Iterator[str]:
    """The address of a moto server of this test process."""
    with moto_server() as endpoint:
        yield endpoint


@pytest.fixture
def aws(moto: str) -> Iterator[str]:
    """An empty AWS account, reached over HTTP; its address."""
    reset(moto)
    with aws_environment(environment(moto)):
        yield moto


@pytest.fixture
def athena(aws: str) -> Iterator[StandInAthena]:
    """A stand-in for Athena in that account, which really runs queries; its workgroup has a place for results."""
    make_bucket("shopease-results")
    with stand_in_athena(aws) as stand_in, aws_environment({"AWS_ENDPOINT_URL_ATHENA": stand_in.endpoint}):
        stand_in.workgroups["primary"].results = "s3://shopease-results/athena"
        yield stand_in


@pytest.fixture
def proxy(aws: str) -> Iterator[FaultyProxy]:
    """The same account, behind a proxy that counts and fails as told."""
    with faulty_proxy(aws) as between, aws_environment({"AWS_ENDPOINT_URL": between.endpoint}):
        yield between
