"""Every test of a SQL model runs on DuckDB and, in the slow suite, once more on Spark."""

import pytest

from shopease_assets.engines import duckdb, spark
from shopease_assets_tests.gold import shop

_ENGINES = {"duckdb": duckdb.run, "spark": spark.run}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Runs the tests of modules that ask for a model's rows on both engines."""
    if hasattr(metafunc.module, "rows_of"):
        on_spark = pytest.param("spark", marks=pytest.mark.slow)
        metafunc.parametrize("engine", ["duckdb", on_spark], indirect=True)


@pytest.fixture(autouse=True)
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What computes the rows that `shop` hands out."""
    monkeypatch.setattr(shop, "run", _ENGINES[getattr(request, "param", "duckdb")])
