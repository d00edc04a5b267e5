"""From the source to gold on the tiny shop: what consultants see equals what PostgreSQL computes by itself."""

from datetime import timedelta
from decimal import Decimal

import dagster as dg
import polars as pl
import pytest

from shopease_assets.core.layout import TableRef
from shopease_assets.kit.reconciliation import stock_reconciled
from shopease_assets_tests.platform import LAST_DAY, START, Platform
from shopease_assets_tests.spine.compare import KEYS, gold_differences

_SALES = "o.status in ('processing', 'shipped', 'delivered')"


@pytest.mark.parametrize("table", KEYS)
def test_every_column_of_gold_is_what_postgresql_computes(built: Platform, table: str) -> None:
    assert gold_differences(built, table, LAST_DAY) == []


def test_the_tiny_shop_leaves_no_gold_table_empty(built: Platform) -> None:
    days = (LAST_DAY - START).days + 1
    for table in KEYS:
        published = built.rows(f"gold.{table}")
        partitions = published.get_column("dt" if "dt" in published.columns else "month").n_unique()
        assert partitions == (days if "dt" in published.columns else 2), table


#: State tables whose rows are parts of all revenue.
_PARTS = ("category_performance", "geographic_sales", "revenue_attribution", "seasonal_sales", "tenant_summary")


def test_revenue_and_orders_are_the_same_in_every_mart(built: Platform) -> None:
    ((orders, items, revenue),) = built.sql(
        f"""select count(distinct o.order_id), sum(i.quantity), sum(i.line_total)
            from shop.orders as o join shop.order_items as i using (order_id) where {_SALES}"""
    )
    lines = built.rows("gold.fact_sales").filter("is_sale")
    days = built.rows("gold.daily_sales_summary")
    products = built.rows("gold.daily_product_sales")
    customers = built.rows("gold.daily_customer_sales")
    months = built.rows("gold.monthly_sales_trends")
    channels = built.rows("gold.daily_channel_sales")
    places = built.rows("gold.daily_geographic_sales")
    cohorts = built.rows("gold.cohort_retention").filter(pl.col("month") == pl.col("month").max())
    by_product = built.rows("gold.product_performance").filter(pl.col("month") == pl.col("month").max())

    def newest(table: str) -> pl.DataFrame:
        return built.rows(f"gold.{table}").filter(pl.col("month") == pl.col("month").max())

    by_customer, lifetime, by_segment, everyone = (
        newest(table) for table in ("customer_analytics", "customer_lifetime_value", "clv_by_segment", "customer_360")
    )
    sums = [
        lines["line_total"].sum(),
        days["total_revenue"].sum(),
        products["revenue"].sum(),
        customers["revenue"].sum(),
        channels["revenue"].sum(),
        places["revenue"].sum(),
        months["revenue"].sum(),
        cohorts["revenue"].sum(),
        by_product["total_revenue"].sum(),
        by_customer["total_spent"].sum(),
        lifetime["historic_value"].sum(),
        by_segment["total_value"].sum(),
        everyone["total_spent"].sum(),
        *(newest(table)["revenue"].sum() for table in _PARTS),
        newest("customer_segments")["monetary"].sum(),
    ]
    assert sums == [revenue] * len(sums)
    assert all(isinstance(total, Decimal) for total in sums)
    counted = [
        lines["order_id"].n_unique(),
        days["total_transactions"].sum(),
        customers["orders"].sum(),
        channels["transactions"].sum(),
        places["orders"].sum(),
        months["orders"].sum(),
        by_customer["total_purchases"].sum(),
        everyone["total_purchases"].sum(),
    ]
    assert counted == [orders] * len(counted)
    units = [
        lines["quantity"].sum(),
        days["total_items_sold"].sum(),
        products["quantity"].sum(),
        customers["items"].sum(),
        months["units"].sum(),
        by_product["total_quantity_sold"].sum(),
        by_customer["total_items_bought"].sum(),
    ]
    assert units == [items] * len(units)


def test_an_order_s_amounts_are_those_of_its_lines(built: Platform) -> None:
    ours = built.rows("gold.fact_sales").group_by("order_id").agg(pl.col("^allocated_.*$").sum())
    theirs = built.sql("select order_id, tax_amount, shipping_cost, discount_amount from shop.orders")
    assert set(ours.rows()) == set(theirs)


def test_every_key_of_the_facts_is_in_its_dimension_of_the_same_month(built: Platform) -> None:
    lines = built.rows("gold.fact_sales").with_columns(month=pl.col("dt").dt.truncate("1mo"))
    for key, table in (("customer_key", "customer"), ("product_key", "product"), ("geography_key", "geography")):
        members = built.rows(f"gold.dim_{table}").select("month", key)
        assert lines.join(members, on=["month", key], how="anti").is_empty(), table
        assert members.is_unique().all(), table


def test_each_tenant_s_next_28_days_are_forecast_and_drawn(built: Platform) -> None:
    newest = built.rows("gold.sales_forecast").filter(pl.col("month") == pl.col("month").max())
    assert newest["date"].unique().sort().to_list() == [LAST_DAY + timedelta(n) for n in range(1, 29)]
    assert len(newest) == 28 * newest["tenant_id"].n_unique()
    days = built.rows("gold.daily_sales_summary").filter(pl.col("dt") > LAST_DAY - timedelta(28))
    assert newest["revenue_28_days_before"].sum() == days["total_revenue"].sum()
    for table in ("sales_forecast", "cohort_retention"):
        record = built.instance.get_latest_materialization_event(dg.AssetKey(["gold", table]))
        assert record is not None
        assert record.asset_materialization is not None
        assert "data:image/svg+xml" in str(record.asset_materialization.metadata["chart"].value)


def test_margins_are_the_same_in_every_mart(built: Platform) -> None:
    lines = built.rows("gold.fact_sales").filter("is_sale")
    products = built.rows("gold.daily_product_sales")
    by_product = built.rows("gold.product_performance").filter(pl.col("month") == pl.col("month").max())
    profit = lines["line_profit"].sum()
    assert built.rows("gold.daily_sales_summary")["gross_margin"].sum() == profit
    assert products["revenue"].sum() - products["cost"].sum() == profit
    assert by_product["gross_profit"].sum() == profit


def test_money_is_decimal_wherever_it_is_published(built: Platform) -> None:
    for ref in built.log.tables():
        schema = built.lake.scan(ref).collect_schema()
        money = [
            name
            for name in schema
            if name.endswith(("amount", "total", "revenue", "price", "cost", "margin", "profit", "spent"))
        ]
        assert all(schema[name].is_decimal() and schema[name].scale == 2 for name in money), ref  # type: ignore[attr-defined]


def test_stock_that_is_not_the_shop_s_level_is_told_without_blocking(built: Platform) -> None:
    ref, last = TableRef("gold", "fact_inventory"), LAST_DAY.isoformat()
    rows = built.rows("gold.fact_inventory", LAST_DAY)
    ((shelves,),) = built.sql("select count(*) from shop.inventory")
    (right,) = stock_reconciled(rows, ref, "stock_quantity", [last], built.lake)
    assert (right.passed, right.rows) == (True, shelves)  # of the newest day every level is compared
    lost = pl.col("stock_quantity") - (pl.col("product_id") == rows["product_id"][0]).cast(pl.Int64)
    (wrong,) = stock_reconciled(rows.with_columns(lost), ref, "stock_quantity", [last], built.lake)
    assert (wrong.passed, wrong.blocks) == (False, False)
    assert wrong.failed_rows == (rows["product_id"] == rows["product_id"][0]).sum()


def test_every_check_of_every_partition_passed(built: Platform) -> None:
    results = built.log.quality()
    assert [result for result in results if not result.passed] == []
    checked = {(str(result.table), result.partition) for result in results}
    published = {
        (str(ref), key) for ref in built.log.tables() if ref.layer != "quarantine" for key in built.log.pointers(ref)
    }
    assert published <= checked
