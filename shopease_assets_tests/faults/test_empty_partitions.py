"""A day on which nothing happened is published as an empty day: it is not missing."""

from datetime import date

import pytest

from shopease_assets_tests.faults.good_day import DAY, SILVER, both_layers, fill
from shopease_assets_tests.faults.observed import published, retried_steps
from shopease_assets_tests.platform import Platform

_QUIET = date(2026, 1, 6)
_GOLD = ["gold/fact_sales", "gold/daily_sales_summary"]


@pytest.mark.parametrize("first_day_ever", [True, False])
def test_a_day_without_rows_is_published_empty_in_every_layer(bare: Platform, first_day_ever: bool) -> None:
    if not first_day_ever:
        fill(bare.dsn, rows=200)
        assert bare.run(DAY, tables=[*both_layers(), *_GOLD]).failures == ()
    assert bare.run(_QUIET, tables=[*both_layers(), *_GOLD]).failures == ()
    assert retried_steps(bare) == []
    for table in SILVER:
        assert published(bare, f"bronze.{table}")["2026-01-06"][1] == 0
        assert published(bare, f"silver.{table}")["2026-01-06"][1] == 0
    assert published(bare, "gold.fact_sales")["2026-01-06"][1] == 0
    assert published(bare, "gold.daily_sales_summary")["2026-01-06"][1] == 0


def test_an_empty_shop_runs_through_every_table(bare: Platform) -> None:
    assert bare.run(_QUIET).failures == ()


def test_a_day_whose_rows_are_deleted_becomes_empty(bare: Platform) -> None:
    fill(bare.dsn, rows=200)
    bare.run(DAY, tables=both_layers())
    bare.sql("delete from shop.orders")
    bare.sql("delete from shop.order_items")
    assert bare.run(DAY, tables=both_layers()).failures == ()
    assert published(bare, "bronze.orders")["2026-01-05"][1] == 0
    assert published(bare, "silver.orders")["2026-01-05"][1] == 0
    assert published(bare, "silver.customers")["2026-01-05"][1] == 200
