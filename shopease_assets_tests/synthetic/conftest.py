"""A real PostgreSQL for the generator's tests, and one generated dataset of each kind."""

import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime
from itertools import count

import pytest

from shopease_assets.sources.embedded import (
    create_database,
    data_folder,
    drop_database,
    start_embedded,
    stop_embedded,
)
from shopease_assets.synthetic import Dataset, Dirt, generate

START = date(2026, 1, 1)
NOON_OF_LAST_DAY = datetime(2026, 2, 14, 12, 0, tzinfo=UTC)
_numbers = count(1)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("postgres") / "data"
    yield start_embedded(folder)
    stop_embedded(folder)
    shutil.rmtree(data_folder(folder))


@pytest.fixture
def database(server: str) -> Iterator[str]:
    name = f"synthetic_{next(_numbers)}"
    yield create_database(server, name)
    drop_database(server, name)


@pytest.fixture(scope="session")
def clean() -> Dataset:
    return generate("tiny", start=START, now=NOON_OF_LAST_DAY)


@pytest.fixture(scope="session")
def full() -> Dataset:
    return generate("tiny", start=START, dirt=Dirt.FULL)


@pytest.fixture(scope="session")
def light() -> Dataset:
    return generate("dev", start=START, dirt=Dirt.LIGHT)
