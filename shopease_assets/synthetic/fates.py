"""What becomes of an order, a subscription or an invoice: pure functions of its id, its beginning and `now`.

`generate` and `advance` ask the same functions, so a database can be played on by asking again, later.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from shopease_assets.synthetic.draws import DAY, HOUR, MINUTE, Ints, Mask, fate, fated, words
from shopease_assets.synthetic.people import NEVER

ORDER_STATUSES: Final = ("pending", "processing", "shipped", "delivered", "cancelled", "returned")
OPEN_ORDER_STATUSES: Final = ("pending", "processing", "shipped", "delivered")  # a delivered one may come back
_PAYMENT_STATUSES: Final = ("pending", "paid", "paid", "paid", "voided", "refunded")
SUBSCRIPTION_STATUSES: Final = ("trial", "active", "cancelled", "expired")
INVOICE_STATUSES: Final = ("draft", "sent", "paid", "overdue", "cancelled")
OPEN_INVOICE_STATUSES: Final = ("draft", "sent", "overdue")

_CANCELLED_SHARE: Final = 0.04
_RETURNED_SHARE: Final = 0.05
_TRIAL: Final = 14 * DAY


@dataclass(frozen=True)
class OrderFate:
    """Where each order stands; times in microseconds."""

    status: pl.Series
    payment_status: pl.Series
    shipped_at: Ints
    is_shipped: Mask
    delivered_at: Ints
    is_delivered: Mask
    changed_at: Ints
    came_back: Mask  # cancelled or returned: the goods are in stock again since `changed_at`


def order_fate(ids: Ints, ordered_at: Ints, in_store: Mask, now: int) -> OrderFate:
    """The status of each order at `now` and when it last changed; store sales are done in ten minutes."""
    cancelled_at = np.where(
        fated(ids, "cancel", _CANCELLED_SHARE), ordered_at + _between(ids, "cancelled", 10 * MINUTE, DAY), NEVER
    )
    processing_at = ordered_at + np.where(in_store, MINUTE, _between(ids, "processing", 5 * MINUTE, 6 * HOUR))
    shipped_at = processing_at + np.where(in_store, MINUTE, _between(ids, "shipping", 2 * HOUR, 3 * DAY))
    delivered_at = shipped_at + np.where(in_store, MINUTE, _between(ids, "delivery", 20 * HOUR, 6 * DAY))
    returned_at = np.where(
        fated(ids, "return", _RETURNED_SHARE), delivered_at + _between(ids, "returned", 2 * DAY, 20 * DAY), NEVER
    )
    # An order that left before it was cancelled can only be returned.
    is_cancelled = (cancelled_at < shipped_at) & (cancelled_at <= now)
    is_shipped = (shipped_at <= now) & ~is_cancelled
    is_delivered = (delivered_at <= now) & ~is_cancelled
    is_returned = (returned_at <= now) & ~is_cancelled
    steps = [processing_at <= now, is_shipped, is_delivered, is_cancelled, is_returned]
    times = [processing_at, shipped_at, delivered_at, cancelled_at, returned_at]
    status = np.zeros(len(ids), dtype=np.int64)
    changed_at = ordered_at.copy()
    for code, (reached, at) in enumerate(zip(steps, times, strict=True), start=1):
        status = np.where(reached, code, status)
        changed_at = np.where(reached, at, changed_at)
    return OrderFate(
        words(ORDER_STATUSES, status),
        words(_PAYMENT_STATUSES, status),
        shipped_at,
        is_shipped,
        delivered_at,
        is_delivered,
        changed_at,
        came_back=is_cancelled | is_returned,
    )


@dataclass(frozen=True)
class SubscriptionFate:
    """Where each subscription stands; times in microseconds."""

    status: pl.Series
    ended_at: Ints
    has_ended: Mask
    changed_at: Ints


def subscription_fate(ids: Ints, started_at: Ints, now: int) -> SubscriptionFate:
    """Two weeks of trial, then active until cancelled or (one in four) expired, about a year on average."""
    ended_at = started_at + _TRIAL + (-np.log1p(-fate(ids, "lifetime")) * 400 * DAY).astype(np.int64)
    has_ended = ended_at <= now
    expires = fated(ids, "expires", 0.25)
    past_trial = started_at + _TRIAL <= now
    status = np.where(has_ended, np.where(expires, 3, 2), np.where(past_trial, 1, 0)).astype(np.int64)
    changed_at = np.where(has_ended, ended_at, np.where(past_trial, started_at + _TRIAL, started_at))
    return SubscriptionFate(words(SUBSCRIPTION_STATUSES, status), ended_at, has_ended, changed_at)


@dataclass(frozen=True)
class InvoiceFate:
    """Where each invoice stands; due and paid in days since 1970, changes in microseconds."""

    status: pl.Series
    due_day: Ints
    paid_day: Ints
    is_paid: Mask
    changed_at: Ints


def invoice_fate(ids: Ints, created_at: Ints, now: int) -> InvoiceFate:
    """Sent after six hours, due after 14 or 30 days, mostly paid around then; a few never, a few cancelled."""
    issue_day = created_at // DAY
    due_day = issue_day + np.where(fated(ids, "terms", 0.5), 14, 30)
    sent_at = created_at + 6 * HOUR
    overdue_at = (due_day + 1) * DAY
    paid_at = sent_at + (-np.log1p(-fate(ids, "payment")) * 12 * DAY).astype(np.int64)
    paid_at = np.where(fated(ids, "default", 0.05), NEVER, paid_at)
    cancelled_at = np.where(fated(ids, "void", 0.015), sent_at + DAY, NEVER)
    is_cancelled = (cancelled_at <= now) & (cancelled_at < paid_at)
    is_paid = (paid_at <= now) & ~is_cancelled
    steps = [sent_at <= now, is_paid, (overdue_at <= now) & ~is_paid & ~is_cancelled, is_cancelled]
    times = [sent_at, paid_at, overdue_at, cancelled_at]
    status = np.zeros(len(ids), dtype=np.int64)
    changed_at = created_at.copy()
    for code, (reached, at) in enumerate(zip(steps, times, strict=True), start=1):
        status = np.where(reached, code, status)
        changed_at = np.where(reached, at, changed_at)
    return InvoiceFate(words(INVOICE_STATUSES, status), due_day, paid_at // DAY, is_paid, changed_at)


def _between(ids: Ints, topic: str, least: int, most: int) -> Ints:
    return least + (fate(ids, topic) * (most - least)).astype(np.int64)
