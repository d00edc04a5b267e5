"""Orders and their items: who buys what, for how much, and how far each order has come.

All sums are whole cents. Every order adds up; nothing is sold before it exists to someone not yet registered.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from shopease_assets.synthetic import vocabulary as v
from shopease_assets.synthetic.catalog import Catalog
from shopease_assets.synthetic.draws import (
    Ints,
    Mask,
    choose,
    money,
    only,
    percent_of,
    pick,
    sometimes,
    timestamps,
    words,
)
from shopease_assets.synthetic.fates import OrderFate, order_fate
from shopease_assets.synthetic.people import People, currencies, place_columns, store_of, tenant_weights
from shopease_assets.synthetic.texts import code, filled_by_kind

_LARGEST_BASKET: Final = 12
_COMPANION_SHARE: Final = 0.4
_REDRAWS: Final = 3
_STORE_CHANNEL: Final = v.CHANNELS.index("store")
_FREE_SHIPPING_CENTS: Final = 75_00
_METADATA: Final = (
    '{"gift": <gift>, "campaign": "<campaign>", "device": "<device>"}',
    '{"device": "<device>", "ab_test": ["b", 2]}',
    "{}",
)


@dataclass(frozen=True)
class Sales:
    """Orders and items as tables, and as arrays for what follows from them (stock); times in microseconds."""

    orders: pl.DataFrame
    order_items: pl.DataFrame
    fate: OrderFate
    order_of_item: Ints  # position in `orders`
    product_of_item: Ints  # position in the catalog
    quantity: Ints
    ordered_at: Ints
    from_store: Ints  # the store an order leaves, per order


@dataclass(frozen=True)
class _Baskets:
    """Items: parallel arrays, by order; amounts in cents."""

    order: Ints
    product: Ints
    quantity: Ints
    unit_price: Ints
    discount: Ints

    @property
    def line_total(self) -> Ints:
        return self.quantity * self.unit_price - self.discount


def basket_sizes(rng: np.random.Generator, orders: int, items: int) -> Ints:
    """How many items each order has: `items` in all, 1 to 12 each where that is possible."""
    if not orders:
        return np.zeros(0, dtype=np.int64)
    sizes = np.minimum(rng.geometric(min(1.0, orders / items), orders), _LARGEST_BASKET).astype(np.int64)
    largest = max(_LARGEST_BASKET, -(-items // orders))
    while (missing := items - int(sizes.sum())) != 0:
        step = 1 if missing > 0 else -1
        adjustable = np.flatnonzero(sizes < largest if missing > 0 else sizes > 1)
        sizes[rng.permutation(adjustable)[: abs(missing)]] += step
    return sizes


def draw_sales(
    rng: np.random.Generator,
    *,
    ordered_at: Ints,
    items: int,
    people: People,
    catalog: Catalog,
    tenant_count: int,
    now: int,
    first_order_id: int = 1,
    first_item_id: int = 1,
) -> Sales:
    """Orders at the given ascending times with `items` items in all, as they stand at `now`."""
    size = len(ordered_at)
    ids = np.arange(first_order_id, first_order_id + size, dtype=np.int64)
    tenants = choose(rng.random(size), list(tenant_weights(tenant_count))) + 1
    customers = people.pool.draw(rng, tenants, ordered_at)
    channels = choose(rng.random(size), v.CHANNEL_WEIGHTS)
    in_store = channels == _STORE_CHANNEL
    fate = order_fate(ids, ordered_at, in_store, now)
    baskets = _draw_baskets(rng, basket_sizes(rng, size, items), tenants, ordered_at, catalog)
    nth_store = np.where(in_store, rng.integers(0, 3, size), 0)
    from_store = store_of(tenants, nth_store)
    places = people.place_at(customers, ordered_at)
    orders = pl.DataFrame(
        {
            "order_id": ids,
            "tenant_id": tenants,
            "customer_id": people.pool.ids[customers],
            "store_id": only(in_store, pl.Series(from_store)),
            "order_number": code("SO-", ids, 9),
            "status": fate.status,
            "payment_method": _payment_methods(rng, in_store),
            "payment_status": fate.payment_status,
            "sales_channel": words(v.CHANNELS, channels),
            **_shipping(rng, in_store, places),
            **_totals(rng, baskets, in_store, places, size),
            "currency": currencies(tenants),
            "metadata": _metadata(rng, channels),
            "ordered_at": timestamps(ordered_at),
            "shipped_at": timestamps(np.where(fate.is_shipped, fate.shipped_at, 0), fate.is_shipped),
            "delivered_at": timestamps(np.where(fate.is_delivered, fate.delivered_at, 0), fate.is_delivered),
            "created_at": timestamps(ordered_at),
            "updated_at": timestamps(fate.changed_at),
        }
    )
    return Sales(
        orders,
        _item_rows(baskets, ids, ordered_at, catalog, first_item_id),
        fate,
        baskets.order,
        baskets.product,
        baskets.quantity,
        ordered_at,
        from_store,
    )


def _draw_baskets(rng: np.random.Generator, sizes: Ints, tenants: Ints, at: Ints, catalog: Catalog) -> _Baskets:
    order = np.repeat(np.arange(len(sizes), dtype=np.int64), sizes)
    first = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)
    product = catalog.pool.draw(rng, tenants[order], at[order])
    product = _with_companions(rng, product, order, first=first, at=at, catalog=catalog)
    for _ in range(_REDRAWS):
        again = _repeated(order, product)
        product[again] = catalog.pool.draw(rng, tenants[order[again]], at[order[again]])
    quantity = choose(rng.random(len(order)), (70, 18, 7, 3, 2)) + 1
    unit_price = catalog.price_at(product, at[order])
    percent = np.where(sometimes(rng, len(order), 0.10), rng.integers(5, 21, len(order)), 0).astype(np.int64)
    return _Baskets(order, product, quantity, unit_price, percent_of(quantity * unit_price, percent))


def _with_companions(
    rng: np.random.Generator, product: Ints, order: Ints, *, first: Ints, at: Ints, catalog: Catalog
) -> Ints:
    """Replace two items in five by the companion of the order's first item, if that is on sale already."""
    companion = catalog.companions[product[first[order]]]
    is_first = np.arange(len(order)) == first[order]
    fits = sometimes(rng, len(order), _COMPANION_SHARE) & (catalog.pool.since[companion] <= at[order]) & ~is_first
    return np.where(fits, companion, product)


def _repeated(order: Ints, product: Ints) -> Ints:
    """Positions of items whose product is in the same order already."""
    _, kept = np.unique(order * (product.max(initial=0) + 1) + product, return_index=True)
    repeated = np.ones(len(order), dtype=np.bool_)
    repeated[kept] = False
    return np.flatnonzero(repeated)


def _totals(
    rng: np.random.Generator, baskets: _Baskets, in_store: Mask, places: Ints, size: int
) -> dict[str, pl.Series]:
    subtotal = np.zeros(size, dtype=np.int64)
    np.add.at(subtotal, baskets.order, baskets.line_total)
    has_coupon = sometimes(rng, size, 0.12)
    coupon = choose(rng.random(size), [1.0] * len(v.COUPONS))
    coupon_pct = np.array([percent for _, percent in v.COUPONS], dtype=np.int64)[coupon]
    discount = np.where(has_coupon, percent_of(subtotal, coupon_pct), 0)
    tax_pct = np.array([place.tax_pct for place in v.PLACES], dtype=np.int64)[places]
    tax = percent_of(subtotal - discount, tax_pct)
    fee = np.array(v.SHIPPING_CENTS, dtype=np.int64)[choose(rng.random(size), v.SHIPPING_WEIGHTS)]
    shipping = np.where(in_store | (subtotal >= _FREE_SHIPPING_CENTS), 0, fee)
    return {
        "subtotal": money(subtotal),
        "tax_amount": money(tax),
        "shipping_cost": money(shipping),
        "discount_amount": money(discount),
        "total_amount": money(subtotal + tax + shipping - discount),
        "coupon_code": only(has_coupon, words([code for code, _ in v.COUPONS], coupon)),
    }


def _payment_methods(rng: np.random.Generator, in_store: Mask) -> pl.Series:
    online = pick(rng, v.PAYMENT_METHODS, len(in_store), v.PAYMENT_WEIGHTS)
    return online.zip_with(
        pl.Series(~in_store), pick(rng, v.STORE_PAYMENT_METHODS, len(in_store), v.STORE_PAYMENT_WEIGHTS)
    )


def _shipping(rng: np.random.Generator, in_store: Mask, places: Ints) -> dict[str, pl.Series]:
    """How and where to; null for what is carried out of a store."""
    method = {"method": pick(rng, v.SHIPPING_METHODS, len(places), v.SHIPPING_WEIGHTS)}
    columns = method | place_columns(places, rng)
    return {
        f"shipping_{name}": only(~in_store, columns[name])
        for name in ("method", "city", "state", "postal_code", "country")
    }


def _metadata(rng: np.random.Generator, channels: Ints) -> pl.Series:
    """Known keys, some missing; sometimes one nobody told us about."""
    size = len(channels)
    known = pl.DataFrame(
        {
            "gift": pick(rng, ("false", "true"), size, (90, 10)),
            "campaign": pick(rng, v.CAMPAIGNS, size, (60, 12, 12, 8, 8)),
            "device": words(("desktop", "mobile", "terminal", "api"), channels),
            "kind": choose(rng.random(size), (75, 15, 10)),
        }
    )
    return known.select(filled_by_kind(_METADATA)).to_series()


def _item_rows(baskets: _Baskets, order_ids: Ints, ordered_at: Ints, catalog: Catalog, first_id: int) -> pl.DataFrame:
    size = len(baskets.order)
    at = timestamps(ordered_at[baskets.order])
    return pl.DataFrame(
        {
            "order_item_id": np.arange(first_id, first_id + size, dtype=np.int64),
            "order_id": order_ids[baskets.order],
            "product_id": catalog.pool.ids[baskets.product],
            "quantity": baskets.quantity,
            "unit_price": money(baskets.unit_price),
            "discount_amount": money(baskets.discount),
            "line_total": money(baskets.line_total),
            "created_at": at,
            "updated_at": at,
        }
    )
