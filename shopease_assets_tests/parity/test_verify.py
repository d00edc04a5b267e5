"""`shopease verify` on the tiny shop: what agrees passes, and what was tampered with is named by its key."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from shopease_assets.cli.main import app
from shopease_assets.core.contract import Rule
from shopease_assets.core.layout import TableRef
from shopease_assets.core.quality import Dimension
from shopease_assets.parity.certificate import Certificate, is_unchanged, store
from shopease_assets.parity.reports import REPORTS
from shopease_assets.settings import settings
from shopease_assets.silver.orders import Orders
from shopease_assets.sources.postgres_table import DayRange
from shopease_assets_tests.parity.conftest import Verify
from shopease_assets_tests.platform import LAST_DAY, START, Platform
from shopease_assets_tests.spine.conftest import Copy

_DAY = date(2026, 1, 5)
_AN_ORDER = "(select min(order_id) from shop.orders where ordered_at::date = '2026-01-05' and status = 'delivered')"
_AN_ITEM = f"(select min(order_item_id) from shop.order_items where order_id = {_AN_ORDER})"


@pytest.fixture(scope="module")
def touched(built: Platform, copy_of: Copy) -> Platform:
    """A copy whose source the tests change and restore: the lake stays as it is."""
    platform = copy_of(built)
    for table in ("orders", "order_items"):
        platform.sql(f"alter table shop.{table} disable trigger all")
        checks = platform.sql(
            "select conname from pg_constraint where contype = 'c' and conrelid = to_regclass(%s)", f"shop.{table}"
        )
        for (name,) in checks:
            platform.sql(f"alter table shop.{table} drop constraint {name}")
    return platform


def _told(certificate: Certificate) -> list[tuple[str, date, str, object, tuple[str, ...]]]:
    return [
        (one.table, one.day, one.what, dict(one.key) if one.key else one.rows, one.columns)
        for one in certificate.differences
    ]


def _number(platform: Platform, sql: str) -> int:
    ((number,),) = platform.sql(f"select {sql}")
    assert isinstance(number, int)
    return number


def test_a_clean_lake_agrees_in_every_table_and_report(built: Platform, verify: Verify) -> None:
    certificate = verify(built)
    assert certificate.passed, certificate.differences
    assert all(group.equal for table in certificate.tables for group in table.compared)
    rows = {table.name: sum(group.source.rows for group in table.compared) for table in certificate.tables}
    assert (rows["orders"], rows["order_items"], rows["web_events"]) == (1500, 4500, 6000)
    assert [(report.name, bool(report.rows), report.skipped) for report in certificate.reports] == [
        (report.name, True, "") for report in REPORTS
    ]


def test_every_row_has_its_tenant_on_both_sides(built: Platform, verify: Verify) -> None:
    tables = {table.name: table for table in verify(built).tables}
    for name in ("order_items", "inventory", "inventory_movements"):
        assert {group.tenant for group in tables[name].compared} == {1, 2}, name


def test_one_cent_is_found(touched: Platform, verify: Verify) -> None:
    item = _number(touched, _AN_ITEM)
    touched.sql("update shop.order_items set line_total = line_total + 0.01 where order_item_id = %s", item)
    found = verify(touched, tables=["order_items"], reports=REPORTS)
    touched.sql("update shop.order_items set line_total = line_total - 0.01 where order_item_id = %s", item)
    rows, reports = _told(found)[:1], _told(found)[1:]
    assert rows == [("shop.order_items", _DAY, "changed", {"order_item_id": item}, ("line_total",))]
    assert {one[0] for one in reports} == {f"gold.{report.name}" for report in REPORTS}
    daily = next(one for one in found.differences if one.table == "gold.daily_sales_summary")
    assert daily.day == _DAY
    assert {"total_revenue", "gross_margin"} <= set(daily.columns)
    assert verify(touched).passed


def test_one_row_deleted_and_one_added_are_found(touched: Platform, verify: Verify) -> None:
    item = _number(touched, _AN_ITEM)
    columns = "order_id, product_id, quantity, unit_price, discount_amount, line_total, created_at, updated_at"
    touched.sql(
        f"""insert into shop.order_items (order_item_id, {columns})
            select 999999, {columns} from shop.order_items where order_item_id = %s""",
        item,
    )
    touched.sql("create table kept as select * from shop.order_items where order_item_id = %s", item)
    touched.sql("delete from shop.order_items where order_item_id = %s", item)
    found = verify(touched, tables=["order_items"])
    touched.sql("delete from shop.order_items where order_item_id = 999999")
    touched.sql("insert into shop.order_items select * from kept")
    touched.sql("drop table kept")
    assert _told(found) == [
        ("shop.order_items", _DAY, "not at the source any more", {"order_item_id": item}, ()),
        ("shop.order_items", _DAY, "missing in the lake", {"order_item_id": 999999}, ()),
    ]


def test_an_order_that_moved_to_another_day_is_one_difference(touched: Platform, verify: Verify) -> None:
    order = _number(touched, _AN_ORDER)
    touched.sql("update shop.orders set ordered_at = ordered_at + interval '1 day' where order_id = %s", order)
    found = verify(touched, tables=["orders"])
    touched.sql("update shop.orders set ordered_at = ordered_at - interval '1 day' where order_id = %s", order)
    assert _told(found) == [("shop.orders", date(2026, 1, 6), "changed", {"order_id": order}, ("ordered_at",))]


def test_what_changed_after_it_was_read_is_told_as_such(built: Platform, copy_of: Copy, verify: Verify) -> None:
    platform = copy_of(built)
    order = _number(platform, _AN_ORDER)
    platform.sql("update shop.orders set payment_method = 'other' where order_id = %s", order)
    platform.sql("update shop.products set price = price + 1 where product_id = 1")
    today = datetime.now(UTC).date()
    assert _told(verify(platform, tables=["orders"])) == [
        ("shop.orders", _DAY, "changed since it was read", {"order_id": order}, ("payment_method", "updated_at"))
    ]
    assert _told(verify(platform, START, today, tables=["products"])) == [
        ("shop.products", today, "changed since it was read", {"product_id": 1}, ("price", "updated_at"))
    ]
    assert verify(platform, tables=["products"]).passed  # until the last day nothing is wrong


def test_a_version_the_source_has_overwritten_is_no_alarm(built: Platform, copy_of: Copy, verify: Verify) -> None:
    platform = copy_of(built)
    platform.sql("alter table shop.products disable trigger all")
    platform.sql("alter table shop.customers disable trigger all")
    later = "'2026-02-14 23:59:59.5+00'"
    platform.sql(f"update shop.products set cost = cost + 1, name = name || ' II', updated_at = {later}")
    platform.sql(f"update shop.customers set city = 'Elsewhere', updated_at = {later} where customer_id < 100")
    assert not verify(platform, tables=["products"]).passed
    assert platform.run(LAST_DAY).success
    certificate = verify(platform)
    assert certificate.passed, certificate.differences[:3]
    assert platform.rows("bronze.products").height == 120


def test_a_dimension_row_that_was_changed_in_secret_is_found(built: Platform, copy_of: Copy, verify: Verify) -> None:
    platform = copy_of(built)
    platform.sql("alter table shop.customers disable trigger all")
    platform.sql("update shop.customers set email = 'x' || email where customer_id = 7")
    (found,) = verify(platform, tables=["customers"]).differences
    assert (found.what, found.key, found.columns) == ("changed", {"customer_id": 7}, ("email",))


def test_a_row_altered_in_silver_is_found(built: Platform, copy_of: Copy, verify: Verify) -> None:
    platform = copy_of(built)
    orders = platform.rows("silver.orders", _DAY).sort("order_id")
    ids = orders["order_id"].to_list()
    altered = orders.with_columns(
        pl.when(pl.col("order_id") == ids[0]).then(0).otherwise("tax_amount").alias("tax_amount")
    )
    tampered = pl.concat([altered[:-1], altered[1:2]]).with_columns(
        pl.col("tax_amount").cast(orders.schema["tax_amount"])
    )
    _publish(platform, TableRef("silver", "orders"), tampered)
    assert _told(verify(platform, tables=["orders"])) == [
        ("silver.orders", _DAY, "differs in silver", {"order_id": ids[0]}, ()),
        ("silver.orders", _DAY, "more than once in silver and quarantine", {"order_id": ids[1]}, ()),
        ("silver.orders", _DAY, "in neither silver nor quarantine", {"order_id": ids[-1]}, ()),
    ]


def test_quarantined_rows_are_accounted_for(built: Platform, copy_of: Copy, verify: Verify) -> None:
    platform = copy_of(built)
    item = _number(platform, _AN_ITEM)
    order = _number(platform, "(select max(order_id) from shop.orders where ordered_at::date = '2026-01-06')")
    _set_aside(platform, "order_items", {"order_item_id": item}, _DAY)
    _set_aside(platform, "orders", {"order_id": order}, date(2026, 1, 6))
    certificate = verify(platform, tables=["orders", "order_items"])
    assert certificate.passed, certificate.differences
    quarantined = {table.name: sum(day.quarantined for day in table.accounts or ()) for table in certificate.tables}
    assert quarantined == {"orders": 1, "order_items": 1}
    days = {one.day for one in verify(platform, tables=["orders"], reports=REPORTS[:1]).differences}
    assert days == {_DAY, date(2026, 1, 6)}  # gold still counts them


def test_silver_that_lags_behind_bronze_is_told(built: Platform, copy_of: Copy, verify: Verify) -> None:
    platform = copy_of(built)
    assert platform.run(_DAY, tables=["bronze/orders"]).success
    (found,) = verify(platform, tables=["orders"]).differences
    assert (found.table, found.day, found.what) == ("silver.orders", _DAY, "silver is older than bronze")


def test_a_day_its_newest_audit_blocked_is_told_once_not_row_by_row(
    built: Platform, copy_of: Copy, verify: Verify, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform = copy_of(built)
    strict = settings().model_copy(update={"least_validity": 1.0})
    monkeypatch.setattr("shopease_assets.kit.silver.settings", lambda: strict)
    rule = pl.col("total_amount") < 0
    monkeypatch.setattr(Orders, "rules", classmethod(lambda cls: [Rule("a stricter rule", Dimension.VALIDITY, rule)]))
    assert not platform.run(_DAY, tables=["silver/orders"]).success
    (found,) = verify(platform, tables=["orders"]).differences
    assert (found.day, found.what) == (_DAY, "silver is older than its newest audit, which blocked it")


def test_the_daily_report_is_compared_for_the_days_asked_for_only(built: Platform, verify: Verify) -> None:
    daily = next(report for report in verify(built, _DAY, _DAY).reports if report.name == "daily_sales_summary")
    assert (list(daily.partitions), daily.skipped) == ([str(_DAY)], "")


def test_days_that_were_never_read_are_missing_only_if_the_source_has_rows(platform: Platform, verify: Verify) -> None:
    assert platform.run(START, date(2026, 1, 3), tables=["bronze/orders", "bronze/stores"]).success
    certificate = verify(platform, START, date(2026, 1, 5), tables=["orders", "stores", "invoices"])
    told = _told(certificate)
    assert [(table, day, what) for table, day, what, _, _ in told if table == "shop.orders"] == [
        ("shop.orders", date(2026, 1, 4), "not in the lake"),
        ("shop.orders", date(2026, 1, 5), "not in the lake"),
    ]
    assert not any(table == "shop.stores" for table, *_ in told)
    (counted,) = platform.sql(
        "select count(*) from shop.invoices where issue_date between '2026-01-01' and '2026-01-05'"
    )
    assert sum(one.rows for one in certificate.differences if one.table == "shop.invoices") == counted[0]


def test_reports_of_unpublished_days_are_skipped(platform: Platform, verify: Verify) -> None:
    assert all("not published" in report.skipped for report in verify(platform).reports)


@pytest.mark.slow
def test_a_business_day_that_is_not_utc_agrees_too(
    platform: Platform, verify: Verify, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOPEASE_TIMEZONE", "Asia/Kolkata")
    settings.cache_clear()
    try:
        last = LAST_DAY + timedelta(days=1)  # the last evening lies there
        assert platform.run(START, last).success
        certificate = verify(platform, days=DayRange(START, last, settings().zone))
    finally:
        monkeypatch.undo()
        settings.cache_clear()
    assert certificate.passed, certificate.differences[:3]
    assert all(report.rows for report in certificate.reports)
    assert not verify(platform, tables=["orders"]).passed  # in UTC the days are others


def test_a_certificate_is_stored_and_proves_itself(built: Platform, verify: Verify) -> None:
    certificate = verify(built, tables=["orders"])
    path = Path(store(certificate, built.lake.location))
    document = json.loads(path.read_text())
    assert path.parent.name == "_certificates"
    assert document["passed"] is True
    assert document["tables"][0]["compared"][0]["source"] == document["tables"][0]["compared"][0]["lake"]
    assert is_unchanged(document)
    assert not is_unchanged(document | {"passed": False})
    assert not is_unchanged(replace(certificate, zone="Asia/Kolkata").document() | {"sha256": document["sha256"]})


def test_the_verb_prints_the_verdict_and_exits_by_it(
    touched: Platform, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SHOPEASE_SOURCE_DSN", touched.dsn)
    monkeypatch.setenv("SHOPEASE_LAKE_URI", touched.lake.location.root)
    monkeypatch.chdir(tmp_path)
    settings.cache_clear()
    try:
        agrees = CliRunner().invoke(app, ["verify"], catch_exceptions=False)
        order = _number(touched, _AN_ORDER)
        touched.sql("update shop.orders set subtotal = subtotal + 0.01 where order_id = %s", order)
        differs = CliRunner().invoke(app, ["verify", "--from", "2026-01-05", "--to", "2026-01-05", "--table", "orders"])
        touched.sql("update shop.orders set subtotal = subtotal - 0.01 where order_id = %s", order)
        unknown = CliRunner().invoke(app, ["verify", "--table", "nothing"])
    finally:
        monkeypatch.undo()
        settings.cache_clear()
    assert (agrees.exit_code, differs.exit_code) == (0, 1), agrees.output
    assert "source and lake agree" in agrees.output
    assert f"order_id {order}" in differs.output
    assert "subtotal" in differs.output
    assert "nothing" in str(unknown.exception)


def _publish(platform: Platform, ref: TableRef, rows: pl.DataFrame) -> None:
    platform.lake.publish(platform.lake.stage(ref, rows, partitions=[str(rows["dt"][0])], run_id="tampered"))


def _set_aside(platform: Platform, table: str, key: dict[str, int], day: date) -> None:
    """Move a row of silver to quarantine, as a rule would."""
    ((name, value),) = key.items()
    quarantine = TableRef("quarantine", table)
    schema = platform.lake.relation(quarantine).polars_schema
    row = dict.fromkeys(schema) | {
        "dt": day,
        "row_key": json.dumps({name: str(value)}),
        "rules": "a rule",
    }
    _publish(platform, quarantine, pl.DataFrame([row], schema=schema))
    silver = platform.rows(f"silver.{table}", day)
    _publish(platform, TableRef("silver", table), silver.filter(pl.col(name) != value))
