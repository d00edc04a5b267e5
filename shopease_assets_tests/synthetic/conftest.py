"""A real PostgreSQL for the generator's tests, and one generated dataset of each kind."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from itertools import count

import pytest

from shopease_assets.sources.embedded import (
    create_database,
    drop_database,
)
from shopease_assets.synthetic import Dataset, Dirt, create, generate, load

START = date(2026, 1, 1)
NOON_OF_LAST_DAY = datetime(2026, 2, 14, 12, 0, tzinfo=UTC)
_numbers = count(1)


@pytest.fixture
def database(server: str) -> Iterator[str]:
    name = f"synthetic_{next(_numbers)}"
    yield create_database(server, name)
    drop_database(server, name)


@pytest.fixture(scope="session")
def clean() -> Dataset:
    return generate("tiny", start=START, now=NOON_OF_LAST_DAY)


@pytest.fixture(scope="session")
def loaded_once(server: str, clean: Dataset) -> str:
    """The name of a database that holds the clean dataset; nobody writes to it."""
    dsn = create_database(server, "clean_shop")
    create(dsn)
    load(dsn, clean)
    return "clean_shop"


@pytest.fixture
def make_shop(server: str, loaded_once: str) -> Iterator[Callable[[], str]]:
    """Makes databases of their own that hold the clean dataset."""
    made: list[str] = []

    def make() -> str:
        name = f"shop_{next(_numbers)}"
        made.append(name)
        return create_database(server, name, template=loaded_once)

    yield make
    for name in made:
        drop_database(server, name)


@pytest.fixture
def shop(make_shop: Callable[[], str]) -> str:
    return make_shop()


@pytest.fixture(scope="session")
def full() -> Dataset:
    return generate("tiny", start=START, dirt=Dirt.FULL)


@pytest.fixture(scope="session")
def light() -> Dataset:
    return generate("dev", start=START, dirt=Dirt.LIGHT)
