"""The source moves on and corrects its past: running the touched days again makes gold right again, and only those."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from shopease_assets import synthetic
from shopease_assets_tests.platform import LAST_DAY, START, Platform
from shopease_assets_tests.spine.compare import KEYS, digest, gold_differences, moved, versions
from shopease_assets_tests.spine.conftest import Copy
from shopease_assets_tests.spine.independent import remember
from shopease_assets_tests.spine.refreshing import refresh

_NEWEST = LAST_DAY + timedelta(days=1)


@dataclass(frozen=True)
class Changed:
    """A platform after a change: what was touched, and what moved in the lake."""

    platform: Platform
    touched: set[date]
    moved: dict[str, set[date]]


@pytest.fixture(scope="module")
def advanced(built: Platform, copy_of: Copy) -> Changed:
    """A day later: new orders, progress of old ones, price changes, late events, deletions."""
    platform = copy_of(built)
    before = versions(platform)
    advance = synthetic.advance(platform.dsn, days=1)
    remember(platform.dsn)
    touched = set(advance.touched["day"])
    refresh(platform, touched, _NEWEST)
    return Changed(platform, touched, moved(before, versions(platform)))


@pytest.fixture(scope="module")
def corrected(advanced: Changed, copy_of: Copy) -> Changed:
    """An order is cancelled, one gains an item, one is deleted; products change cost and name, a customer moves.

    And goods turn up that had arrived on the day of the second order.
    """
    platform = copy_of(advanced.platform)
    before = versions(platform)
    cancelled, grown, deleted = _three_sales(platform)
    platform.sql("update shop.orders set status = 'cancelled' where order_id = %s", cancelled)
    platform.sql(
        """insert into shop.order_items
           select (select max(order_item_id) + 1 from shop.order_items), %s, product_id, 2, 10.01, 0.03, 19.99,
                  now(), now()
           from shop.products where tenant_id = (select tenant_id from shop.orders where order_id = %s)
           order by product_id limit 1""",
        grown,
        grown,
    )
    platform.sql(
        "update shop.orders set subtotal = subtotal + 19.99, total_amount = total_amount + 19.99 where order_id = %s",
        grown,
    )
    platform.sql("delete from shop.order_items where order_id = %s", deleted)
    platform.sql("delete from shop.orders where order_id = %s", deleted)
    noon = datetime(_NEWEST.year, _NEWEST.month, _NEWEST.day, 12, tzinfo=UTC)
    platform.sql(
        """update shop.products set cost = cost + 1.37, price = price + 5, name = '  ' || name || ' II ',
               updated_at = %s
           where product_id in (select product_id from shop.order_items group by 1 order by count(*) desc limit 10)""",
        noon,
    )
    platform.sql(
        """update shop.customers set city = 'Elsewhere', updated_at = %s
           where customer_id = (select customer_id from shop.orders group by 1 order by count(*) desc, 1 limit 1)""",
        noon,
    )
    platform.sql(
        """with shelf as (select product_id, store_id from shop.inventory order by 1, 2 limit 1),
           late as (
               insert into shop.inventory_movements
               select (select max(movement_id) + 1 from shop.inventory_movements), shelf.*, 1000,
                      'receipt', ordered_at, now(), now()
               from shelf, shop.orders where order_id = %s
           )
           update shop.inventory as i set stock_quantity = stock_quantity + 1000, updated_at = %s
           from shelf where (i.product_id, i.store_id) = (shelf.product_id, shelf.store_id)""",
        grown,
        noon,
    )
    remember(platform.dsn)
    touched = {_day_of(advanced.platform, order) for order in (cancelled, grown, deleted)} | {_NEWEST}
    refresh(platform, touched, _NEWEST)
    return Changed(platform, touched, moved(before, versions(platform)))


@pytest.mark.parametrize("table", KEYS)
def test_after_one_more_day_gold_is_right(advanced: Changed, table: str) -> None:
    assert gold_differences(advanced.platform, table, _NEWEST) == []


@pytest.mark.parametrize("table", KEYS)
def test_after_late_corrections_gold_is_right(corrected: Changed, table: str) -> None:
    assert gold_differences(corrected.platform, table, _NEWEST) == []


def test_only_the_touched_days_get_a_new_version(advanced: Changed, corrected: Changed) -> None:
    for changed in (advanced, corrected):
        for table, days in changed.moved.items():
            if table.startswith("quarantine."):  # nothing was refused before or after
                assert days <= changed.touched, table
            elif table == "gold.fact_inventory":  # the stock of a day holds all days before
                assert days == {day for day in _days() if day >= min(changed.touched)}
            elif not _is_monthly(changed.platform, table):
                assert days == changed.touched, table


def test_a_day_run_again_without_a_change_holds_the_same_rows(corrected: Changed) -> None:
    platform = corrected.platform
    tables = [ref for ref in platform.log.tables() if ref.partition_by == "dt"]
    day = date(2026, 1, 5)
    before = {ref: digest(platform, ref, [day.isoformat()]) for ref in tables}
    refresh(platform, [day], day)
    assert {ref: digest(platform, ref, [day.isoformat()]) for ref in tables} == before


def test_history_the_source_has_overwritten_is_kept(corrected: Changed) -> None:
    platform = corrected.platform
    products = platform.rows("silver.products")
    remembered = platform.sql("select product_id, updated_at from seen.products")
    assert set(products.select("product_id", "updated_at").rows()) == set(remembered)
    assert len(products) > len(platform.sql("select 1 from shop.products"))
    keys = products["product_key"]
    assert keys.n_unique() == len(keys)


def test_sales_before_a_price_change_keep_the_old_cost(corrected: Changed) -> None:
    platform = corrected.platform
    changed = platform.sql(
        """select n.product_id, o.cost from shop.products as n
           join lateral (select cost, name from seen.products as s
                         where s.product_id = n.product_id and s.updated_at < n.updated_at
                         order by s.updated_at desc limit 1) as o on true
           where n.name like '%% II %%'"""
    )
    lines = platform.rows("gold.fact_sales", LAST_DAY)
    for product, old_cost in changed:
        assert set(lines.filter(pl.col("product_id") == product)["unit_cost"]) <= {old_cost}


def _days() -> list[date]:
    return [START + timedelta(days=n) for n in range((_NEWEST - START).days + 1)]


def _three_sales(platform: Platform) -> list[int]:
    """Three sales of three days, none of the newest."""
    rows = platform.sql(
        """select distinct on (ordered_at::date) order_id from shop.orders
           where status = 'delivered' and ordered_at::date in ('2026-01-07', '2026-01-20', '2026-02-03')
           order by ordered_at::date, order_id"""
    )
    return [int(str(row[0])) for row in rows]


def _day_of(platform: Platform, order: int) -> date:
    ((day,),) = platform.sql("select ordered_at::date from shop.orders where order_id = %s", order)
    assert isinstance(day, date)
    return day


def _is_monthly(platform: Platform, table: str) -> bool:
    return next(ref for ref in platform.log.tables() if str(ref) == table).partition_by == "month"
