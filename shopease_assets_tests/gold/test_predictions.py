"""Lifetime values and forecasts on a synthetic shop: whole tables, exact where they can be, better than naive."""

from datetime import date, timedelta
from decimal import Decimal

import polars as pl
import pytest

from shopease_assets.core.layout import last_day_of_month
from shopease_assets.gold.customer_lifetime_value import CustomerLifetimeValue, lifetime_values
from shopease_assets.gold.sales_forecast import SalesForecast, forecasts
from shopease_assets.synthetic import generate
from shopease_assets.synthetic.scale import Scale
from shopease_assets_tests.gold.shop import customer_day, summary

_TODAY = date(2026, 1, 31)
_SALE = pl.col("status").is_in(["processing", "shipped", "delivered"])


@pytest.fixture(scope="module")
def customer_days() -> pl.DataFrame:
    """Ten months of two tenants as `gold.daily_customer_sales` has them."""
    shop = generate(Scale(2, 1_500, 60, 15_000, 15_000, 10, days=306), start=date(2025, 4, 1)).frames
    return (
        shop["orders"]
        .filter(_SALE)
        .join(shop["order_items"], on="order_id")
        .group_by("tenant_id", "customer_id", pl.col("ordered_at").dt.date().alias("dt"))
        .agg(
            pl.col("order_id").n_unique().cast(pl.Int64).alias("orders"),
            pl.col("quantity").sum().alias("items"),
            pl.col("line_total").sum().cast(pl.Decimal(18, 2)).alias("revenue"),
        )
    )


def test_predicted_values_beat_what_each_customer_spent_so_far(customer_days: pl.DataFrame) -> None:
    values = lifetime_values(customer_days, _TODAY)
    assert values["method"].unique().to_list() == ["bg_nbd_gamma_gamma"]
    errors = values.select("backtest_error", "baseline_error").unique()
    assert len(errors) == 2
    assert (errors["backtest_error"] < 0.98 * errors["baseline_error"]).all()


def test_the_predictions_add_up_to_what_the_months_after_bring(customer_days: pl.DataFrame) -> None:
    """Within a third: the months after hold the November sale and Christmas, and the model knows no seasons."""
    then = _TODAY - timedelta(90)
    values = lifetime_values(customer_days.filter(pl.col("dt") <= then), then)
    later = customer_days.filter(pl.col("dt") > then).join(values, on=["tenant_id", "customer_id"], how="semi")
    predicted = float(values["predicted_12m_value"].sum()) * 90 / 365
    assert predicted == pytest.approx(float(later["revenue"].sum()), rel=1 / 3)


def test_historic_values_are_exact(customer_days: pl.DataFrame) -> None:
    values = lifetime_values(customer_days, _TODAY)
    spent = customer_days.group_by("tenant_id", "customer_id").agg(pl.col("revenue").sum())
    both = values.join(spent, on=["tenant_id", "customer_id"], validate="1:1")
    assert len(both) == len(values) == len(spent)
    assert (both["historic_value"] == both["revenue"]).all()
    CustomerLifetimeValue.validate(values)


def test_the_order_of_rows_shows_in_no_prediction(customer_days: pl.DataFrame) -> None:
    shuffled = lifetime_values(customer_days.sample(fraction=1, shuffle=True, seed=1), _TODAY)
    assert shuffled.equals(lifetime_values(customer_days, _TODAY))


def test_customers_of_few_returners_get_the_model_of_all_in_their_own_tenant_s_money(
    customer_days: pl.DataFrame,
) -> None:
    small = customer_days.filter(pl.col("customer_id").is_in(pl.col("customer_id").unique().sort().head(60).implode()))
    foreign = small.select(
        pl.lit(3, pl.Int64).alias("tenant_id"),
        "customer_id",
        "dt",
        "orders",
        "items",
        (pl.col("revenue") * 100).cast(pl.Decimal(18, 2)).alias("revenue"),
    )
    values = lifetime_values(pl.concat([customer_days, foreign], how="diagonal"), _TODAY)
    pooled = values.filter(tenant_id=3)
    assert pooled["method"].unique().to_list() == ["bg_nbd_gamma_gamma_pooled"]
    yearly = float(pooled["historic_value"].sum()) * 365 / 306
    assert float(pooled["predicted_12m_value"].sum()) == pytest.approx(yearly, rel=0.5)


def test_too_few_customers_go_on_as_before() -> None:
    days = [customer_day(1, _TODAY - timedelta(9), "10.00"), customer_day(2, _TODAY, "5.50")]
    values = lifetime_values(_sales(days), _TODAY).to_dicts()
    assert values[0] == {
        "tenant_id": 1,
        "customer_id": 1,
        "historic_value": Decimal("10.00"),
        "predicted_12m_value": Decimal("365.00"),
        "predicted_alive_probability": None,
        "method": "historic_average",
        "method_source": "revenue per day so far",
        "backtest_error": None,
        "baseline_error": None,
    }
    assert values[1]["predicted_12m_value"] == Decimal("200.75")


def test_without_sales_there_is_a_typed_table_without_rows() -> None:
    values = lifetime_values(_sales([]), _TODAY)
    assert values.schema == CustomerLifetimeValue.create_empty().schema
    made = forecasts(_summaries([]), _TODAY)
    assert made.schema == SalesForecast.create_empty().schema


def test_forecasts_beat_the_last_week_and_hold_the_days_that_came(customer_days: pl.DataFrame) -> None:
    then = date(2025, 12, 31)
    sales = _per_day(customer_days)
    made = forecasts(sales.filter(pl.col("dt") <= then), then)
    SalesForecast.validate(made)
    assert made["date"].unique().sort().to_list() == [then + timedelta(n) for n in range(1, 29)]
    assert set(made["method"]) == {"damped_holt_winters"}
    assert (made["backtest_error"] < made["baseline_error"]).all()
    came = made.join(sales, left_on=["tenant_id", "date"], right_on=["tenant_id", "dt"])
    inside = came.select(pl.col("total_revenue").is_between("lower", "upper").mean()).item()
    assert len(came) == 56
    assert inside > 0.8


def test_the_newest_day_of_a_running_month_may_not_be_over_and_is_not_learnt_from() -> None:
    today = date(2026, 2, 14)
    days = [summary(today - timedelta(n), 1, "100.00" if n else "3.00") for n in range(40)]
    running = forecasts(_summaries(days), today)
    assert running["date"].min() == today + timedelta(1)
    assert running["forecast"].unique().to_list() == [Decimal("100.00")]
    assert running["revenue_28_days_before"].to_list() == [Decimal("100.00")] * 27 + [Decimal("3.00")]
    end = last_day_of_month(today)
    over = forecasts(_summaries([{**row, "dt": row["dt"] + (end - today)} for row in days]), end)
    assert over["lower"].min() < Decimal("100.00")


def test_a_day_without_sales_is_zero_and_a_tenant_begins_with_its_first_sale() -> None:
    days = [summary(_TODAY - timedelta(n), 1, "70.00") for n in range(0, 15, 7)]
    days += [summary(_TODAY - timedelta(30), 0, "0.00"), summary(_TODAY, 0, "0.00", tenant_id=2)]
    made = forecasts(_summaries(days), _TODAY)
    assert made["tenant_id"].unique().to_list() == [1]
    assert made["method"].unique().to_list() == ["mean"]
    assert made["forecast"][0] == Decimal("14.00")
    before = made["revenue_28_days_before"].to_list()
    assert before[:13] == [None] * 13
    assert before[13:16] == [Decimal("70.00"), Decimal(0), Decimal(0)]


def _sales(rows: list[dict[str, object]]) -> pl.DataFrame:
    types = {"tenant_id": pl.Int64, "customer_id": pl.Int64, "orders": pl.Int64, "items": pl.Int64}
    return pl.DataFrame(rows, schema={**types, "revenue": pl.Decimal(18, 2), "dt": pl.Date})


def _summaries(rows: list[dict[str, object]]) -> pl.DataFrame:
    types = {"tenant_id": pl.Int64, "total_transactions": pl.Int64, "total_items_sold": pl.Int64}
    return pl.DataFrame(rows, schema={**types, "total_revenue": pl.Decimal(18, 2), "dt": pl.Date})


def _per_day(customer_days: pl.DataFrame) -> pl.DataFrame:
    return customer_days.group_by("tenant_id", "dt").agg(
        pl.col("orders").sum().alias("total_transactions"), pl.col("revenue").sum().alias("total_revenue")
    )
