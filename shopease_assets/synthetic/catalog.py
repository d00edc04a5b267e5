"""What is sold: products with a history of prices, popularity by Zipf's law, and companions bought together."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from shopease_assets.synthetic import vocabulary as v
from shopease_assets.synthetic.draws import (
    DAY,
    Ints,
    Mask,
    Pool,
    choose,
    dates,
    fate,
    fated,
    money,
    only,
    percent_of,
    pick,
    sometimes,
    stream,
    timestamps,
    words,
)
from shopease_assets.synthetic.people import NEVER, tenant_weights
from shopease_assets.synthetic.scale import Scale
from shopease_assets.synthetic.texts import code, filled_by_kind
from shopease_assets.synthetic.window import Window

_YEARS_BEFORE: Final = 3 * 365 * DAY
_LAUNCHED_BEFORE_SHARE: Final = 0.9
_UNSTOCKED_SHARE: Final = 0.10
_PRICE_CHANGES: Final = 3
_REPRICED_SHARE: Final = 0.4
_ZIPF_EXPONENT: Final = 0.9
_ATTRIBUTES: Final = (
    '{"color": "<color>", "size": "<size>", "material": "<material>", "weight_kg": <weight>}',
    '{"weight_kg": <weight>, "warranty_years": 2}',
    '{"color": "<color>"}',
)
_REORDER_LEVELS: Final = (10, 20, 40, 80)


@dataclass(frozen=True)
class Catalog:
    """Products as the sales need them: parallel arrays, ascending by id; prices in cents.

    `companions` holds the position of the product that is bought together with each one.
    `prices[:, k]` is valid after k changes; `changed_at[:, k]` is when change k + 1 happened.
    """

    pool: Pool
    companions: Ints
    prices: Ints
    changed_at: Ints
    costs: Ints
    reorder_levels: Ints

    def price_at(self, positions: Ints, at: Ints) -> Ints:
        """The price of these products then, in cents."""
        changes = (self.changed_at[positions] <= at[:, None]).sum(axis=1)
        at_that_time: Ints = self.prices[positions, changes]
        return at_that_time


def product_pool(ids: Ints, tenant_ids: Ints, launched_at: Ints) -> Pool:
    """How well each product sells: Zipf's law within a tenant; a tenth is listed but not stocked yet."""
    weights = np.power(1.0 + popularity_rank(ids, tenant_ids), -_ZIPF_EXPONENT)
    return Pool(ids, tenant_ids, launched_at, np.where(is_unstocked(ids, tenant_ids), 0.0, weights))


def is_unstocked(ids: Ints, tenant_ids: Ints) -> Mask:
    """Products without stock, sales or visitors. Not the first ones: somebody has to sell."""
    stocked_first = 2 * int(tenant_ids.max(initial=0))
    return fated(ids, "unstocked", _UNSTOCKED_SHARE) & (ids > stocked_first)


def popularity_rank(ids: Ints, tenant_ids: Ints) -> Ints:
    """0 for the best seller of each tenant, counting up."""
    rank = np.empty(len(ids), dtype=np.int64)
    score = fate(ids, "popularity")
    for tenant in np.unique(tenant_ids):
        members = np.flatnonzero(tenant_ids == tenant)
        rank[members[np.argsort(score[members], kind="stable")]] = np.arange(len(members))
    return rank


def companions(ids: Ints, tenant_ids: Ints) -> Ints:
    """The position of each product's companion: neighbours in popularity, so that pairs stand out."""
    partner = np.arange(len(ids), dtype=np.int64)
    rank = popularity_rank(ids, tenant_ids)
    for tenant in np.unique(tenant_ids):
        members = np.flatnonzero((tenant_ids == tenant) & ~is_unstocked(ids, tenant_ids))
        members = members[np.argsort(rank[members], kind="stable")]
        neighbour = np.minimum(np.arange(len(members)) ^ 1, len(members) - 1)
        partner[members] = members[neighbour]
    return partner


def draw_products(scale: Scale, window: Window, seed: int) -> tuple[pl.DataFrame, Catalog]:
    """All products: nine tenths launched in the three years before, the others in the window."""
    rng = stream(seed, "products")
    size = scale.products
    before = max(2 * scale.tenants, int(size * _LAUNCHED_BEFORE_SHARE))
    span = window.now_micros - window.start_micros
    launched = np.concatenate(
        [
            window.start_micros - _YEARS_BEFORE + (rng.random(before) * (_YEARS_BEFORE - DAY)).astype(np.int64),
            window.start_micros + (rng.random(size - before) * span * 0.9).astype(np.int64),
        ]
    )
    launched.sort()
    ids = np.arange(1, size + 1, dtype=np.int64)
    tenant_ids = choose(rng.random(size), list(tenant_weights(scale.tenants))) + 1
    tenant_ids[: 2 * scale.tenants] = np.arange(2 * scale.tenants) % scale.tenants + 1
    prices, changed_at = _price_history(rng, launched, window)
    margin = rng.integers(45, 85, size).astype(np.int64)
    margin[sometimes(rng, size, 0.02)] = 110  # sold below cost: a warning, not a fault
    catalog = Catalog(
        product_pool(ids, tenant_ids, launched),
        companions(ids, tenant_ids),
        prices,
        changed_at,
        costs=percent_of(prices[:, 0], margin),
        reorder_levels=np.asarray(_REORDER_LEVELS)[choose(rng.random(size), (40, 30, 20, 10))].astype(np.int64),
    )
    return _product_rows(catalog, rng), catalog


def _price_history(rng: np.random.Generator, launched: Ints, window: Window) -> tuple[Ints, Ints]:
    size = len(launched)
    since = np.maximum(launched, window.start_micros)
    at = since[:, None] + (np.sort(rng.random((size, _PRICE_CHANGES)), axis=1) * (window.now_micros - since)[:, None])
    changes = np.where(sometimes(rng, size, _REPRICED_SHARE), rng.integers(1, _PRICE_CHANGES + 1, size), 0)
    changed_at = np.where(np.arange(_PRICE_CHANGES) < changes[:, None], at.astype(np.int64), NEVER)
    prices = np.empty((size, _PRICE_CHANGES + 1), dtype=np.int64)
    prices[:, 0] = np.exp(rng.normal(3.2, 0.9, size)).astype(np.int64).clip(1, 1500) * 100 + 99
    for change in range(_PRICE_CHANGES):
        prices[:, change + 1] = percent_of(prices[:, change], rng.integers(85, 121, size).astype(np.int64))
    return prices, changed_at


def _product_rows(catalog: Catalog, rng: np.random.Generator) -> pl.DataFrame:
    pool = catalog.pool
    size = len(pool.ids)
    kinds = [(category, sub) for category, subs in v.CATEGORIES.items() for sub in subs]
    kind = choose(rng.random(size), [1.0] * len(kinds))
    subcategory = words([sub for _, sub in kinds], kind)
    brand = pick(rng, v.BRANDS, size)
    last_change = np.where(catalog.changed_at == NEVER, pool.since[:, None], catalog.changed_at).max(axis=1)
    changes = (catalog.changed_at != NEVER).sum(axis=1)
    return pl.DataFrame(
        {
            "product_id": pool.ids,
            "tenant_id": pool.tenants,
            "sku": code("SKU-", pool.ids, 6),
            "name": brand + " " + pick(rng, v.ADJECTIVES, size) + " " + subcategory,
            "description": only(sometimes(rng, size, 0.9), pick(rng, v.DESCRIPTIONS, size)),
            "category": words([category for category, _ in kinds], kind),
            "subcategory": subcategory,
            "brand": brand,
            "price": money(catalog.prices[np.arange(size), changes]),
            "cost": money(catalog.costs),
            "supplier_id": only(sometimes(rng, size, 0.95), pl.Series(rng.integers(1, 200, size))),
            "reorder_level": catalog.reorder_levels,
            "is_active": sometimes(rng, size, 0.97),
            "launched_on": dates(pool.since // DAY),
            "attributes": _attributes(rng, size),
            "created_at": timestamps(pool.since),
            "updated_at": timestamps(last_change),
        }
    )


def _attributes(rng: np.random.Generator, size: int) -> pl.Series:
    """Known keys, some missing; sometimes one nobody told us about."""
    known = pl.DataFrame(
        {
            "color": pick(rng, v.COLORS, size),
            "size": pick(rng, v.SIZES, size),
            "material": pick(rng, v.MATERIALS, size),
            "weight": rng.integers(1, 100, size) / 20,
            "kind": choose(rng.random(size), (60, 25, 15)),
        }
    )
    return known.select(filled_by_kind(_ATTRIBUTES)).to_series()
