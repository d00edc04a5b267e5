"""The tiny shop's lake on Spark: every SQL model of gold gives the rows it gives on DuckDB, to the cent."""

from collections.abc import Mapping
from datetime import date

import polars as pl
import pyarrow as pa
import pytest

from shopease_assets.core.layout import TableRef
from shopease_assets.engines import duckdb, spark
from shopease_assets.engines.arrow_types import cast_to
from shopease_assets.engines.choice import Engine
from shopease_assets.engines.parsing import Input
from shopease_assets.kit.columns import CONTRACTS
from shopease_assets.kit.month_state import at_end_of_month
from shopease_assets.settings import settings
from shopease_assets.storage.lake import Relation
from shopease_assets_tests.gold.shop import load
from shopease_assets_tests.gold.test_models import MODELS
from shopease_assets_tests.platform import LAST_DAY, START, Platform
from shopease_assets_tests.spine.conftest import Copy

pytestmark = pytest.mark.slow

_MONTHS = ("2026-01-01", "2026-02-01")
_TABLES = ["fact_sales", "daily_sales_summary", "product_performance", "customer_360"]


@pytest.mark.parametrize("name", MODELS)
def test_every_model_gives_the_same_rows_on_spark(built: Platform, name: str) -> None:
    ref = _ref("gold", name)
    relations = {table: built.lake.relation(_ref(*table)) for table in load(name).inputs}
    if ref.partition_by == "dt":
        _assert_same_rows(ref, relations)
    else:
        for month in _MONTHS:
            _assert_same_rows(ref, *at_end_of_month(month, relations))


def test_assets_materialise_on_spark(built: Platform, copy_of: Copy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOPEASE_GOLD_ENGINE", "spark")
    settings.cache_clear()
    again = copy_of(built)
    try:
        outcome = again.run(START, LAST_DAY, tables=[f"gold/{name}" for name in _TABLES])
    finally:
        settings.cache_clear()
    assert outcome.success, outcome.failures
    for name in _TABLES:
        ref = _ref("gold", name)
        assert set(again.log.pointers(ref)) == set(built.log.pointers(ref))
        assert not set(again.lake.files(ref)) & set(built.lake.files(ref))
        _assert_equal(_sorted(again.rows(f"gold.{name}")), _sorted(built.rows(f"gold.{name}")))


def _ref(layer: str, name: str) -> TableRef:
    return next(ref for ref in CONTRACTS if (ref.layer, ref.name) == (layer, name))


def _assert_same_rows(ref: TableRef, relations: Mapping[Input, Relation], as_of: date | None = None) -> None:
    here, there = (_rows(engine, ref, relations, as_of) for engine in (duckdb.run, spark.run))
    assert len(here) > 0
    _assert_equal(there, here)


def _rows(engine: Engine, ref: TableRef, relations: Mapping[Input, Relation], as_of: date | None) -> pl.DataFrame:
    """The model's rows with the types they are staged with."""
    types = CONTRACTS[ref].arrow_schema()
    if ref.partition_by == "dt":
        types = types.append(pa.field("dt", pa.date32()))
    return _sorted(pl.DataFrame(pl.from_arrow(cast_to(engine(load(ref.name), relations, as_of=as_of), types))))


def _sorted(rows: pl.DataFrame) -> pl.DataFrame:
    """In an order that no float decides."""
    return rows.sort([name for name, kind in rows.schema.items() if not kind.is_float()])


def _assert_equal(there: pl.DataFrame, here: pl.DataFrame) -> None:
    assert there.schema == here.schema
    floats = [name for name, kind in here.schema.items() if kind.is_float()]
    assert there.drop(floats).rows() == here.drop(floats).rows()
    for name in floats:
        assert there[name].is_null().to_list() == here[name].is_null().to_list(), name
        expected = here[name].drop_nulls().to_list()
        assert there[name].drop_nulls().to_list() == pytest.approx(expected, rel=1e-9, abs=0), name
