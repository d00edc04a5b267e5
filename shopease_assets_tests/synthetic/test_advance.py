"""Further days on a database: what `advance` announces is what changed, and the data stay sound."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import polars as pl
import psycopg
import pytest

from shopease_assets.core.errors import SourceError
from shopease_assets.synthetic import TABLES, Advance, Dataset, advance, create, load
from shopease_assets.synthetic.dataset import BUSINESS_TIME, KEYS

DAY_ONE = date(2026, 2, 15)  # the clean dataset ends at noon of 14 February


def scalar(dsn: str, statement: str) -> object:
    with psycopg.connect(dsn, options="-c timezone=UTC") as connection:
        row = connection.execute(statement).fetchone()
    assert row is not None
    return row[0]


def versions(dsn: str) -> pl.DataFrame:
    """Every row of the source: table, key, business day and a digest of all its columns."""
    parts = [
        f"select '{table}' as table, concat_ws(',', {', '.join(KEYS[table])}) as key,"
        f" {BUSINESS_TIME[table]}::date as day, md5({table}::text) as digest from shop.{table}"
        for table in TABLES
    ]
    with psycopg.connect(dsn, options="-c timezone=UTC") as connection:
        rows = connection.execute(" union all ".join(parts)).fetchall()
    schema = {"table": pl.String, "key": pl.String, "day": pl.Date, "digest": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


def differences(before: pl.DataFrame, after: pl.DataFrame) -> set[tuple[str, date, int, int, int]]:
    """Table, day and rows inserted, updated and deleted, found by comparing all rows."""
    both = before.join(after, on=["table", "key"], how="full", coalesce=True, suffix="_now")
    changed = both.filter(pl.col("digest").ne_missing(pl.col("digest_now")))
    counted = changed.group_by("table", pl.coalesce("day_now", "day").alias("day")).agg(
        pl.col("digest").is_null().sum().alias("inserted"),
        (pl.col("digest").is_not_null() & pl.col("digest_now").is_not_null()).sum().alias("updated"),
        pl.col("digest_now").is_null().sum().alias("deleted"),
    )
    return set(counted.iter_rows())


def test_what_advance_announces_is_exactly_what_changed(shop: str) -> None:
    before = versions(shop)
    played = advance(shop, days=3, seed=5)
    assert set(played.touched.iter_rows()) == differences(before, versions(shop))


def test_a_second_advance_goes_on_where_the_first_ended(shop: str) -> None:
    first = advance(shop, days=2)
    before = versions(shop)
    second = advance(shop, days=1)
    assert (first.first_day, first.last_day) == (DAY_ONE, DAY_ONE + timedelta(days=1))
    assert second.first_day == second.last_day == DAY_ONE + timedelta(days=2)
    assert set(second.touched.iter_rows()) == differences(before, versions(shop))


def test_every_kind_of_change_happens(shop: str) -> None:
    played = advance(shop, days=7)
    sums = played.touched.group_by("table").agg(pl.col("inserted", "updated", "deleted").sum())
    kinds = {table: (inserted > 0, updated > 0, deleted > 0) for table, inserted, updated, deleted in sums.iter_rows()}
    assert kinds["orders"] == (True, True, True)
    assert kinds["order_items"] == (True, False, True)
    assert kinds["customers"] == (True, True, False)
    assert kinds["products"] == (False, True, False)
    assert kinds["inventory"] == (False, True, False)
    assert kinds["invoices"][:2] == (True, True)
    assert kinds["web_events"] == kinds["inventory_movements"] == (True, False, False)
    assert min(played.partitions("web_events")) < DAY_ONE  # late events belong to the day they occurred
    assert min(played.partitions("orders")) < DAY_ONE
    assert played.rows["orders"] >= 7


def test_every_change_can_be_found_by_updated_at(shop: str) -> None:
    before = versions(shop)
    advance(shop, days=2)
    after = versions(shop).join(before, on=["table", "key", "digest"], how="anti")
    counts = after.group_by("table").len().iter_rows()
    for table, changed in counts:
        seen = scalar(shop, f"select count(*) from shop.{table} where updated_at >= '{DAY_ONE}'")
        assert seen == changed, table


UNSOUND: dict[str, str] = {
    "totals": "select count(*) from shop.orders where total_amount"
    " <> subtotal + tax_amount + shipping_cost - discount_amount",
    "subtotals": "select count(*) from (select order_id, sum(line_total) as lines from shop.order_items group by 1) i"
    " right join shop.orders using (order_id) where lines is distinct from subtotal",
    "stock": "select count(*) from (select product_id, store_id, sum(quantity_delta) as moved"
    " from shop.inventory_movements group by 1, 2) m full join shop.inventory using (product_id, store_id)"
    " where moved is distinct from stock_quantity",
    "negative stock": "select count(*) from shop.inventory where stock_quantity < 0",
    "early buyers": "select count(*) from shop.orders join shop.customers using (customer_id)"
    " where ordered_at < registered_at",
    "early shipments": "select count(*) from shop.orders where shipped_at < ordered_at or delivered_at < shipped_at",
    "late invoices": "select count(*) from shop.invoices where due_date < issue_date or paid_date < issue_date",
    "time travel": "select count(*) from shop.orders where updated_at < created_at",
}


def test_played_data_obey_the_rules(shop: str) -> None:
    advance(shop, days=5, seed=3)
    assert {name: scalar(shop, statement) for name, statement in UNSOUND.items()} == dict.fromkeys(UNSOUND, 0)


def test_nothing_happens_after_now(shop: str) -> None:
    now = datetime(2026, 2, 16, 9, 30, tzinfo=UTC)
    advance(shop, days=2, now=now)
    for table in TABLES:
        latest = scalar(shop, f"select greatest(max(updated_at), max(created_at)) from shop.{table}")
        assert isinstance(latest, datetime)
        assert latest <= now, table


def test_the_same_seed_plays_the_same_days(make_shop: Callable[[], str]) -> None:
    one, two = make_shop(), make_shop()
    assert advance(one, days=2, seed=9).touched.equals(advance(two, days=2, seed=9).touched)
    assert versions(one).sort(pl.all()).equals(versions(two).sort(pl.all()))


def test_a_status_changed_by_hand_is_not_undone(shop: str) -> None:
    with psycopg.connect(shop) as connection:
        connection.execute("update shop.orders set status = 'returned' where ordered_at >= '2026-02-14'")
    advance(shop, days=3)
    assert (
        scalar(shop, "select count(*) from shop.orders where status <> 'returned' and ordered_at::date = '2026-02-14'")
        == 0
    )


def test_dirty_databases_play_on_too(database: str, full: Dataset) -> None:
    create(database, relaxed=True)
    load(database, full)
    played = advance(database, days=2)
    assert isinstance(played, Advance)
    assert played.rows["orders"] > 0


def test_light_dirt_s_malformed_emails_are_left_alone(database: str, light: Dataset) -> None:
    create(database)
    load(database, light)
    advance(database, days=60)
    pattern = r"^[^@\s]+@[^@\s]+\.[^@\s]+$"
    newest = scalar(database, f"select max(updated_at)::date from shop.customers where btrim(email) !~ '{pattern}'")
    assert isinstance(newest, date)
    assert newest < light.window.start


def test_an_empty_or_missing_shop_names_the_cure(database: str) -> None:
    with pytest.raises(SourceError, match="schema shop is missing"):
        advance(database, days=1)
    create(database)
    with pytest.raises(SourceError, match="load a generated dataset first"):
        advance(database, days=1)
