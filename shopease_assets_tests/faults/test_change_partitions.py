"""Row versions: what the source has overwritten since is never lost, and reading again only ever gains."""

from datetime import date

import polars as pl

from shopease_assets_tests.faults.good_day import DAY, both_layers, fill
from shopease_assets_tests.platform import START, Platform

_CUSTOMERS = both_layers("tenants", "customers")
_NEXT = date(2026, 1, 6)


def _cities(platform: Platform, layer: str, customer: int) -> list[str]:
    return platform.rows(f"{layer}.customers").filter(customer_id=customer).sort("updated_at")["city"].to_list()


def _move(platform: Platform, customer: int, city: str, at: str) -> None:
    platform.sql("update shop.customers set city = %s, updated_at = %s where customer_id = %s", city, at, customer)


def test_a_version_the_source_has_overwritten_is_kept(bare: Platform) -> None:
    fill(bare.dsn, rows=200, tables=["tenants", "customers"])
    for city, at in [("Delhi", "2026-01-05 12:00Z"), ("Goa", "2026-01-05 13:00Z"), ("Agra", "2026-01-06 08:00Z")]:
        assert bare.run(DAY, _NEXT, tables=_CUSTOMERS).success
        _move(bare, 7, city, at)
    assert bare.run(DAY, _NEXT, tables=_CUSTOMERS).success
    assert _cities(bare, "bronze", 7) == _cities(bare, "silver", 7) == ["Pune", "Delhi", "Goa", "Agra"]


def test_reading_again_changes_nothing(bare: Platform) -> None:
    fill(bare.dsn, rows=200, tables=["tenants", "customers"])
    bare.run(DAY, tables=_CUSTOMERS)
    _move(bare, 7, "Delhi", "2026-01-05 12:00Z")
    bare.run(DAY, tables=_CUSTOMERS)
    once = bare.rows("silver.customers")
    for _ in range(2):
        assert bare.run(DAY, tables=_CUSTOMERS).success
    assert bare.rows("silver.customers").equals(once)


def test_a_customer_the_source_deletes_stays_in_the_lake(bare: Platform) -> None:
    fill(bare.dsn, rows=200, tables=["tenants", "customers"])
    bare.run(DAY, tables=_CUSTOMERS)
    bare.sql("delete from shop.customers")
    assert bare.run(DAY, tables=_CUSTOMERS).failures == ()
    assert len(bare.rows("silver.customers")) == 200


def test_versions_older_than_the_lake_are_in_its_first_partition(bare: Platform) -> None:
    fill(bare.dsn, rows=200, day=date(2025, 3, 1), tables=["tenants", "customers"])
    assert bare.run(START, DAY, tables=_CUSTOMERS).failures == ()
    assert bare.rows("silver.customers", START)["customer_id"].n_unique() == 200
    assert bare.rows("silver.customers", DAY).is_empty()
    _move(bare, 7, "Delhi", "2026-01-05 12:00Z")
    assert bare.run(START, DAY, tables=_CUSTOMERS).failures == ()
    assert len(bare.rows("silver.customers", START)) == 200
    assert _cities(bare, "silver", 7) == ["Pune", "Delhi"]


def test_exact_duplicates_of_a_version_become_one_row(bare: Platform) -> None:
    fill(bare.dsn, rows=200, tables=["tenants", "customers"])
    fill(bare.dsn, rows=50, tables=["customers"])
    for _ in range(2):
        assert bare.run(DAY, tables=_CUSTOMERS).failures == ()
        assert len(bare.rows("bronze.customers")) == 250
        assert bare.rows("silver.customers")["customer_id"].sort().to_list() == list(range(1, 201))


def test_equal_times_with_different_content_are_settled_the_same_way_whatever_the_order(bare: Platform) -> None:
    fill(bare.dsn, rows=200, tables=["tenants", "customers"])
    fill(bare.dsn, rows=1, first=7, tables=["customers"])
    newest = "(select max(ctid) from shop.customers)"
    bare.sql(f"update shop.customers set city = 'Agra', updated_at = updated_at where ctid = {newest}")
    bare.sql("update shop.customers set updated_at = '2026-01-05 10:00Z' where customer_id = 7")
    bare.run(DAY, tables=_CUSTOMERS)
    first = _cities(bare, "silver", 7)
    bare.sql("create table shop.turned as select * from shop.customers order by ctid desc")
    bare.sql("truncate shop.customers")
    bare.sql("insert into shop.customers select * from shop.turned")
    assert bare.run(DAY, tables=_CUSTOMERS).failures == ()
    assert _cities(bare, "silver", 7) == first
    assert len(first) == 1


def test_a_new_column_reaches_kept_versions_as_null(bare: Platform) -> None:
    fill(bare.dsn, rows=200, tables=["tenants", "customers"])
    bare.run(DAY, tables=_CUSTOMERS)
    bare.sql("alter table shop.customers add column tier text")
    bare.sql("update shop.customers set tier = 'gold', updated_at = '2026-01-05 12:00Z' where customer_id = 7")
    assert bare.run(DAY, tables=_CUSTOMERS).failures == ()
    versions = bare.rows("bronze.customers").filter(pl.col("customer_id") == 7).sort("updated_at")
    assert versions["tier"].to_list() == [None, "gold"]


def test_a_bronze_table_rolled_back_can_be_refined_again(bare: Platform) -> None:
    fill(bare.dsn, rows=200, tables=["tenants", "products"])
    bare.run(DAY, tables=both_layers("tenants", "products"))
    (bronze,) = [ref for ref in bare.log.tables() if str(ref) == "bronze.products"]
    good = bare.log.history(bronze)[0].id
    bare.sql("update shop.products set price = 11, updated_at = updated_at + interval '1 second' where product_id = 7")
    bare.run(DAY, tables=both_layers("tenants", "products"))
    bare.lake.rollback(bronze, good)
    assert bare.run(DAY, tables=["silver/products"]).failures == ()
    assert len(bare.rows("silver.products")) == 200
