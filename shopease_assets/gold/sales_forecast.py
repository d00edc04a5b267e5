"""The revenue to expect on each of the next 28 days."""

from datetime import date, timedelta
from typing import Final

import polars as pl

from shopease_assets.core.contract import Contract, day, enum, key, ratio, total, validity
from shopease_assets.core.forecast import forecast
from shopease_assets.core.layout import last_day_of_month
from shopease_assets.kit.charts import revenue_and_forecast
from shopease_assets.kit.gold import gold
from shopease_assets.kit.partitions import MONTHLY

_HORIZON: Final = 28
_COVERAGE: Final = 0.9


class SalesForecast(Contract):
    """The revenue to expect on each of the next 28 days.

    Grain: one tenant that ever sold, and date: the 28 days after the month's end (of the current month: after its
    newest day, which may not be over and is therefore not learnt from). Days without sales count as zero.

    `method` is what would have been less wrong in the last twelve weeks: `damped_holt_winters` (exponential smoothing
    with a damped trend and a weekly season, ETS(A,Ad,A); Hyndman, Koehler, Ord & Snyder 2008) or the baseline,
    `seasonal_naive` (the same weekday of the last week). A tenant of less than three weeks gets the `mean` of its days.
    `backtest_error` is the method's WAPE, the sum of absolute errors over the sum of revenue, of the forecasts of up
    to 28 days that each of those days would have made without knowing what follows; `baseline_error` is the baseline's.

    `lower` to `upper` held nine of ten days of that back-test (split-conformal, per week ahead). Neither knows of
    holidays, sales or seasons of the year. `revenue_28_days_before` is what the weekday four weeks earlier brought.
    """

    tenant_id = key()
    date = day(key=True)
    forecast = total(min=0)
    lower = total(min=0)
    upper = total(min=0)
    method = enum(["damped_holt_winters", "seasonal_naive", "mean"])
    backtest_error = ratio(nullable=True)
    baseline_error = ratio(nullable=True)
    revenue_28_days_before = total(nullable=True, min=0)

    @validity
    def lies_in_its_interval(cls) -> pl.Expr:
        """The forecast is between its bounds."""
        return cls.forecast.col.is_between(cls.lower.col, cls.upper.col)


@gold(SalesForecast, partitions=MONTHLY, chart=revenue_and_forecast)
def sales_forecast(gold_daily_sales_summary: pl.LazyFrame, as_of: date) -> pl.LazyFrame:
    """Each tenant's days to come, by the method that its past prefers."""
    return forecasts(gold_daily_sales_summary.collect(), as_of).lazy()


def forecasts(sales: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """The table, from the rows of `gold.daily_sales_summary` up to `as_of`."""
    has_sold = pl.col("total_transactions").cum_sum().over("tenant_id", order_by="dt") > 0
    tenants = sales.filter(has_sold).sort("tenant_id", "dt").partition_by("tenant_id", maintain_order=True)
    return pl.concat([SalesForecast.create_empty(), *(_days_to_come(one, as_of) for one in tenants)])


def _days_to_come(sales: pl.DataFrame, as_of: date) -> pl.DataFrame:
    days = pl.DataFrame({"dt": pl.date_range(sales["dt"][0], as_of, eager=True)})
    revenue = days.join(sales, on="dt", how="left", maintain_order="left")["total_revenue"].fill_null(0)
    incomplete = 0 if as_of == last_day_of_month(as_of) else 1
    history = revenue.cast(pl.Float64).to_numpy()[: len(revenue) - incomplete]
    made = forecast(history, _HORIZON + incomplete, _COVERAGE)
    before = revenue.tail(_HORIZON)
    rows = {
        "tenant_id": pl.repeat(sales["tenant_id"][0], _HORIZON, dtype=pl.Int64, eager=True),
        "date": pl.date_range(as_of + timedelta(1), as_of + timedelta(_HORIZON), eager=True),
        "forecast": made.mean[incomplete:],
        "lower": made.lower[incomplete:],
        "upper": made.upper[incomplete:],
        "method": [made.method] * _HORIZON,
        "backtest_error": [made.error] * _HORIZON,
        "baseline_error": [made.baseline_error] * _HORIZON,
        "revenue_28_days_before": pl.Series([None] * (_HORIZON - len(before)), dtype=before.dtype).extend(before),
    }
    return SalesForecast.cast(pl.DataFrame(rows))
