"""Subscriptions and the invoices they cause: monthly (or yearly) on the day the subscription started."""

from typing import Final

import numpy as np
import polars as pl

from shopease_assets.synthetic import vocabulary as v
from shopease_assets.synthetic.draws import (
    DAY,
    HOUR,
    MINUTE,
    Pool,
    cents,
    choose,
    dates,
    fate,
    money,
    timestamps,
    words,
)
from shopease_assets.synthetic.fates import invoice_fate, subscription_fate
from shopease_assets.synthetic.people import is_dormant
from shopease_assets.synthetic.texts import code

_LAST_DAY_OF_EVERY_MONTH: Final = 28
_YEARLY_MONTHS_PAID: Final = 10
_SETUP_FEE_CENTS: Final = 4900
_SETUP_SHARE: Final = 0.10


def draw_subscriptions(
    rng: np.random.Generator, customers: Pool, count: int, *, now: int, first_id: int = 1
) -> pl.DataFrame:
    """Table subscriptions: `count` of the customers who came back, each once, started after registering."""
    candidates = np.flatnonzero(customers.weights > 0)
    chosen = rng.permutation(candidates)[:count]
    begin = customers.since[chosen]
    started = begin + (rng.random(len(chosen)) ** 2 * (now - begin)).astype(np.int64)
    order = np.argsort(started, kind="stable")
    chosen, started = chosen[order], started[order]
    ids = np.arange(first_id, first_id + len(chosen), dtype=np.int64)
    state = subscription_fate(ids, started, now)
    plan = choose(rng.random(len(chosen)), (50, 35, 15))
    return pl.DataFrame(
        {
            "subscription_id": ids,
            "tenant_id": customers.tenants[chosen],
            "customer_id": customers.ids[chosen],
            "plan_name": words([name for name, _ in v.SUBSCRIPTION_PLANS], plan),
            "status": state.status,
            "start_date": dates(started // DAY),
            "end_date": dates(np.where(state.has_ended, state.ended_at // DAY, 0), state.has_ended),
            "monthly_amount": money(np.array([price for _, price in v.SUBSCRIPTION_PLANS], dtype=np.int64)[plan]),
            "billing_cycle": words(("monthly", "yearly"), choose(rng.random(len(chosen)), (75, 25))),
            "created_at": timestamps(started),
            "updated_at": timestamps(state.changed_at),
        }
    )


def invoices(
    subscriptions: pl.DataFrame, setups: pl.DataFrame, *, since: int, now: int, first_id: int = 1
) -> pl.DataFrame:
    """Table invoices: what was issued after `since` up to `now` (microseconds), as it stands at `now`.

    `setups` are newly registered customers (customer_id, tenant_id, registered_at): one in ten pays a set-up fee.
    """
    due = pl.concat([_renewals(subscriptions, since, now), _setup_fees(setups)])
    due = due.filter((pl.col("issued_at") >= since) & (pl.col("issued_at") <= now))
    due = due.sort("issued_at", "customer_id", "subscription_id")
    ids = np.arange(first_id, first_id + due.height, dtype=np.int64)
    issued = due["issued_at"].to_numpy()
    state = invoice_fate(ids, issued, now)
    return pl.DataFrame(
        {
            "invoice_id": ids,
            "tenant_id": due["tenant_id"],
            "customer_id": due["customer_id"],
            "subscription_id": due["subscription_id"],
            "invoice_number": code("INV-", ids, 8),
            "amount": money(due["cents"].to_numpy()),
            "status": state.status,
            "issue_date": dates(issued // DAY),
            "due_date": dates(state.due_day),
            "paid_date": dates(np.where(state.is_paid, state.paid_day, 0), state.is_paid),
            "created_at": timestamps(issued),
            "updated_at": timestamps(state.changed_at),
        }
    )


def _renewals(subscriptions: pl.DataFrame, since: int, now: int) -> pl.DataFrame:
    """One row per subscription and period, at night on the day of the month it started (the 28th at the latest)."""
    start = subscriptions["start_date"].to_physical().to_numpy().astype(np.int64)
    end = subscriptions["end_date"].to_physical().fill_null(2**31 - 1).to_numpy().astype(np.int64)
    ids = subscriptions["subscription_id"].to_numpy()
    at = start.astype("datetime64[D]")
    day_of_month = np.minimum((at - at.astype("datetime64[M]")).astype(np.int64) + 1, _LAST_DAY_OF_EVERY_MONTH)
    started_in = at.astype("datetime64[M]").astype(np.int64)
    yearly = (subscriptions["billing_cycle"] == "yearly").to_numpy()
    monthly_cents = cents(subscriptions["monthly_amount"])
    night = 2 * HOUR + (fate(ids, "billing minute") * 60).astype(np.int64) * MINUTE
    rows = []
    for month in range(_month_of(since), _month_of(now) + 1):
        issue = np.datetime64(month, "M").astype("datetime64[D]").astype(np.int64) + day_of_month - 1
        is_due = (issue > start) & (issue <= end) & (~yearly | ((month - started_in) % 12 == 0))
        rows.append(
            pl.DataFrame(
                {
                    "tenant_id": subscriptions["tenant_id"].filter(pl.Series(is_due)),
                    "customer_id": subscriptions["customer_id"].filter(pl.Series(is_due)),
                    "subscription_id": ids[is_due],
                    "cents": (monthly_cents * np.where(yearly, _YEARLY_MONTHS_PAID, 1))[is_due],
                    "issued_at": (issue * DAY + night)[is_due],
                }
            )
        )
    return pl.concat(rows)


def _setup_fees(customers: pl.DataFrame) -> pl.DataFrame:
    came_back = ~is_dormant(customers["customer_id"].to_numpy(), customers["tenant_id"].to_numpy())
    pays = came_back & (fate(customers["customer_id"].to_numpy(), "set-up fee") < _SETUP_SHARE)
    return customers.filter(pl.Series(pays)).select(
        "tenant_id",
        "customer_id",
        pl.lit(None, pl.Int64).alias("subscription_id"),
        pl.lit(_SETUP_FEE_CENTS, pl.Int64).alias("cents"),
        pl.col("registered_at").to_physical().alias("issued_at"),
    )


def _month_of(micros: int) -> int:
    """Months since 1970."""
    return int(np.datetime64(micros, "us").astype("datetime64[M]").astype(np.int64))
