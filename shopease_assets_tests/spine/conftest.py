"""The tiny shop, run once per test process; tests that change it get a copy of database and lake."""

import shutil
from collections.abc import Callable, Iterator
from itertools import count

import pytest
from psycopg.conninfo import conninfo_to_dict

from shopease_assets.sources.embedded import create_database, drop_database
from shopease_assets_tests.platform import LAST_DAY, START, Platform
from shopease_assets_tests.spine.independent import remember

_numbers = count(1)
Copy = Callable[[Platform], Platform]


@pytest.fixture(scope="session")
def built(server: str, tiny_shop: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """Every table of every day, over a clean shop. Nobody writes to it."""
    name = f"spine_{next(_numbers)}"
    dsn = create_database(server, name, template="tiny_shop")
    remember(dsn)
    with Platform(dsn, tmp_path_factory.mktemp("built") / "lake") as platform:
        outcome = platform.run(START, LAST_DAY)
        assert outcome.success, outcome.failures
        yield platform
    drop_database(server, name)


@pytest.fixture(scope="module")
def copy_of(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copy]:
    """Copies a platform, database and lake, so that a module's tests may change them."""
    made: list[tuple[str, Platform]] = []

    def copy(platform: Platform) -> Platform:
        name = f"spine_{next(_numbers)}"
        platform.log.close()
        dsn = create_database(server, name, template=str(conninfo_to_dict(platform.dsn)["dbname"]))
        folder = tmp_path_factory.mktemp(name) / "lake"
        shutil.copytree(platform.lake.location.root, folder)
        made.append((name, Platform(dsn, folder)))
        return made[-1][1]

    yield copy
    for name, platform in made:
        platform.log.close()
        platform.instance.dispose()
        drop_database(server, name)
