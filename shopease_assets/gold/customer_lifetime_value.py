"""What each customer has spent so far, and what they are expected to spend in the next twelve months."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import polars as pl

from shopease_assets.core.clv import BgNbd, Floats, GammaGamma, Histories, Ints, NoFit
from shopease_assets.core.contract import Contract, enum, key, ratio, text, total, validity
from shopease_assets.kit.gold import gold
from shopease_assets.kit.partitions import MONTHLY

_YEAR: Final = 365
_FEWEST_REPEATERS: Final = 100
_LONGEST_HOLDOUT, _SHORTEST_HOLDOUT = 90, 7
_OWN, _POOLED, _AVERAGE = "bg_nbd_gamma_gamma", "bg_nbd_gamma_gamma_pooled", "historic_average"
_SOURCES: Final = {
    _OWN: "Fader, Hardie & Lee 2005; Fader & Hardie 2013",
    _POOLED: "Fader, Hardie & Lee 2005; Fader & Hardie 2013",
    _AVERAGE: "revenue per day so far",
}


class CustomerLifetimeValue(Contract):
    """What each customer has spent so far, and what they are expected to spend in the next twelve months.

    Grain: one tenant and customer who ever bought.

    `historic_value` is the exact revenue so far. `predicted_12m_value` is undiscounted revenue of the next 365 days:
    expected purchases (days with an order; BG/NBD, Fader, Hardie & Lee 2005, equation 10) times the expected amount of
    one (Gamma-Gamma, Fader & Hardie 2013, equation 5). `predicted_alive_probability` is BG/NBD's chance that the
    customer has not left; 1 for who bought once, since the model lets people leave after a repeat purchase only.

    `method` says which parameters: the tenant's own (`bg_nbd_gamma_gamma`, from 100 customers who came back), those of
    all tenants together with amounts in units of the tenant's mean (`_pooled`), or none (`historic_average`: revenue
    per day since the tenant's first sale goes on; no probability). A customer's age starts at the first purchase that
    the lake knows.

    The back-test fits the same method without the last third of the days (90 at most) and predicts each customer's
    revenue in them: `backtest_error` is the root mean square error in units of the mean revenue, `baseline_error` that
    of the historic average; null where a third is less than a week.
    """

    tenant_id = key()
    customer_id = key()
    historic_value = total(min=0)
    predicted_12m_value = total(min=0)
    predicted_alive_probability = ratio(nullable=True)
    method = enum(list(_SOURCES))
    method_source = text()
    backtest_error = ratio(nullable=True)
    baseline_error = ratio(nullable=True)

    @validity
    def is_a_probability(cls) -> pl.Expr:
        """From 0 to 1."""
        return cls.predicted_alive_probability.col.is_between(0, 1)


@gold(CustomerLifetimeValue, partitions=MONTHLY, revenue="historic_value")
def customer_lifetime_value(gold_daily_customer_sales: pl.LazyFrame, as_of: date) -> pl.LazyFrame:
    """Each tenant's customers with the prediction of the best model that its data allow."""
    return lifetime_values(gold_daily_customer_sales.collect(), as_of).lazy()


def lifetime_values(sales: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """The table, from the rows of `gold.daily_customer_sales` up to `as_of`."""
    rows = _predicted(sales, as_of, _YEAR).join(_back_test(sales, as_of), on="tenant_id", how="left")
    return rows.select(
        "tenant_id",
        "customer_id",
        pl.col("revenue").cast(pl.Decimal(18, 2)).alias("historic_value"),
        pl.col("predicted").cast(pl.Decimal(18, 2)).alias("predicted_12m_value"),
        pl.col("alive").alias("predicted_alive_probability"),
        "method",
        pl.col("method").replace_strict(_SOURCES, return_dtype=pl.String).alias("method_source"),
        "backtest_error",
        "baseline_error",
    )


@dataclass(frozen=True)
class _Model:
    """How often customers buy and how much, amounts in units of their tenant's mean."""

    buying: BgNbd
    spending: GammaGamma


def _predicted(sales: pl.DataFrame, as_of: date, days: int) -> pl.DataFrame:
    """Who bought, and the revenue expected of each in the days after `as_of`: by the tenant's model, and naively."""
    customers = _customers(sales, as_of)
    tenants = customers.partition_by("tenant_id", maintain_order=True) or [customers]
    own = [_fitted(one) for one in tenants]
    pooled = _fitted(customers) if None in own else None
    return pl.concat(_by_model(one, model, pooled, days) for one, model in zip(tenants, own, strict=True))


def _customers(sales: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """Each customer's purchases; several orders of a day are one, for between them no time passes."""
    revenue = pl.col("revenue").cast(pl.Decimal(38, 2)).sum()  # exact, so that no order of rows shows in a prediction
    return (
        sales.group_by("tenant_id", "customer_id")
        .agg(
            revenue,
            pl.len().cast(pl.Int64).alias("purchases"),
            (pl.col("dt").max() - pl.col("dt").min()).dt.total_days().cast(pl.Float64).alias("last"),
            (as_of - pl.col("dt").min()).dt.total_days().cast(pl.Float64).alias("age"),
        )
        .with_columns(
            (pl.col("revenue").cast(pl.Float64) / pl.col("purchases")).alias("amount"),
            (revenue.cast(pl.Float64) / pl.col("purchases").sum()).over("tenant_id").alias("unit"),
            pl.col("age").max().over("tenant_id").alias("tenant_age"),
        )
        .sort("tenant_id", "customer_id")
    )


def _fitted(customers: pl.DataFrame) -> _Model | None:
    if (customers["purchases"] > 1).sum() < _FEWEST_REPEATERS:
        return None
    try:
        return _Model(BgNbd.fit(_histories(customers)), GammaGamma.fit(*_amounts(customers)))
    except NoFit:
        return None


def _by_model(customers: pl.DataFrame, own: _Model | None, pooled: _Model | None, days: int) -> pl.DataFrame:
    model = own or pooled
    naive = pl.col("revenue").cast(pl.Float64) * days / (pl.col("tenant_age") + 1)
    rows = customers.with_columns(
        naive.alias("naive"),
        naive.alias("predicted"),
        pl.lit(None, pl.Float64).alias("alive"),
        pl.lit(_OWN if own else _POOLED if pooled else _AVERAGE).alias("method"),
    )
    if model is None:
        return rows
    histories = _histories(customers)
    amounts = model.spending.expected(*_amounts(customers)) * customers["unit"].to_numpy()
    return rows.with_columns(
        pl.Series("predicted", model.buying.purchases(histories, days) * amounts),
        pl.Series("alive", model.buying.alive(histories)),
    )


def _histories(customers: pl.DataFrame) -> Histories:
    return Histories(customers["purchases"].to_numpy() - 1, customers["last"].to_numpy(), customers["age"].to_numpy())


def _amounts(customers: pl.DataFrame) -> tuple[Ints, Floats]:
    return customers["purchases"].to_numpy(), (customers["amount"] / customers["unit"]).fill_nan(0.0).to_numpy()


def _back_test(sales: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """Per tenant, how wrong the predictions of the days held out would have been."""
    first = sales["dt"].min()
    held_out = min(_LONGEST_HOLDOUT, (as_of - first).days // 3) if isinstance(first, date) else 0
    until = as_of - timedelta(held_out)
    known, after = sales.filter(pl.col("dt") <= until), sales.filter(pl.col("dt") > until)
    if held_out < _SHORTEST_HOLDOUT:
        known = known.clear()
    spent = after.group_by("tenant_id", "customer_id").agg(pl.col("revenue").sum().alias("spent"))
    spent_or_not = pl.col("spent").cast(pl.Float64).fill_null(0.0)
    return (
        _predicted(known, until, held_out)
        .join(spent, on=["tenant_id", "customer_id"], how="left", maintain_order="left")
        .group_by("tenant_id", maintain_order=True)
        .agg(
            (((pl.col(name) - spent_or_not) ** 2).mean().sqrt() / _or_null(spent_or_not.mean())).alias(error)
            for name, error in (("predicted", "backtest_error"), ("naive", "baseline_error"))
        )
    )


def _or_null(mean: pl.Expr) -> pl.Expr:
    return pl.when(mean > 0).then(mean)
