"""Who there is: tenants, their stores, and customers who register, move and buy more or less often."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from shopease_assets.synthetic import vocabulary as v
from shopease_assets.synthetic.draws import (
    DAY,
    HOUR,
    Floats,
    Ints,
    Mask,
    Pool,
    choose,
    dates,
    fate,
    fated,
    pick,
    sometimes,
    stream,
    timestamps,
    words,
)
from shopease_assets.synthetic.scale import Scale
from shopease_assets.synthetic.texts import filled_by_kind
from shopease_assets.synthetic.window import Window

STORES_PER_TENANT: Final = 3
_YEARS_BEFORE: Final = 2 * 365 * DAY
_REGISTERED_BEFORE_SHARE: Final = 0.6
_DORMANT_SHARE: Final = 0.12
_METADATA: Final = (
    '{"marketing_opt_in": <opt_in>, "loyalty_tier": "<tier>", "source": "<source>"}',
    '{"source": "<source>"}',
    '{"loyalty_tier": "<tier>", "nps": 9, "note": "said \\"hi\\""}',
    "{}",
)
_MOVED_SHARE: Final = 0.10


def tenants(scale: Scale, window: Window) -> pl.DataFrame:
    """One row per tenant; all were there two years before the first day."""
    ids = np.arange(1, scale.tenants + 1, dtype=np.int64)
    named = [v.TENANTS[(i - 1) % len(v.TENANTS)] for i in ids]
    created = window.start_micros - _YEARS_BEFORE - 30 * DAY + ids * HOUR
    return pl.DataFrame(
        {
            "tenant_id": ids,
            "name": [
                name if i <= len(v.TENANTS) else f"{name} {i}" for i, (name, _, _) in zip(ids, named, strict=True)
            ],
            "slug": [f"tenant-{i}" for i in ids],
            "domain": [None if i % 4 == 0 else f"shop{i}.example.com" for i in ids],
            "plan": [v.TENANT_PLANS[i % len(v.TENANT_PLANS)] for i in ids],
            "is_active": [True] * len(ids),
            "settings": [
                f'{{"timezone": "{zone}", "currency": "{currency}", "theme": {{"dark": {str(i % 2 == 0).lower()}}}}}'
                for i, (_, zone, currency) in zip(ids, named, strict=True)
            ],
            "created_at": timestamps(created),
            "updated_at": timestamps(created + np.where(ids % 3 == 0, 200 * DAY, 0)),
        }
    )


def currencies(tenant_ids: Ints) -> pl.Series:
    """The currency each tenant sells in."""
    return words([currency for _, _, currency in v.TENANTS], (tenant_ids - 1) % len(v.TENANTS))


def stores(scale: Scale, window: Window) -> pl.DataFrame:
    """Three stores per tenant; the first also ships what is ordered online."""
    ids = np.arange(1, scale.tenants * STORES_PER_TENANT + 1, dtype=np.int64)
    places = [v.PLACES[(int(i) * 7) % len(v.PLACES)] for i in ids]
    opened = window.start_micros - _YEARS_BEFORE + ids * DAY
    return pl.DataFrame(
        {
            "store_id": ids,
            "tenant_id": store_tenant(ids),
            "name": [f"{place.city} #{i}" for i, place in zip(ids, places, strict=True)],
            "city": [place.city for place in places],
            "state": [place.state for place in places],
            "country": [place.country for place in places],
            "manager_name": [
                None if i % 7 == 0 else f"{v.FIRST_NAMES[i % len(v.FIRST_NAMES)]} {v.LAST_NAMES[i % len(v.LAST_NAMES)]}"
                for i in ids
            ],
            "opened_on": dates(opened // DAY),
            "created_at": timestamps(opened),
            "updated_at": timestamps(opened),
        }
    )


def store_tenant(store_ids: Ints) -> Ints:
    """The tenant of a store."""
    return (store_ids - 1) // STORES_PER_TENANT + 1


def store_of(tenant_ids: Ints, nth: Ints | int) -> Ints:
    """The nth (0, 1, 2) store of a tenant."""
    return (tenant_ids - 1) * STORES_PER_TENANT + 1 + np.asarray(nth, dtype=np.int64) % STORES_PER_TENANT


def tenant_weights(tenant_count: int) -> Floats:
    """Tenants differ in size: the first is the largest."""
    return 1.0 / np.sqrt(np.arange(1, tenant_count + 1, dtype=np.float64))


@dataclass(frozen=True)
class People:
    """Customers as the sales need them: parallel arrays, ascending by id; places are indices into PLACES."""

    pool: Pool
    places: Ints
    places_before: Ints
    moved_at: Ints  # never moved: far in the future

    def place_at(self, positions: Ints, at: Ints) -> Ints:
        """Where these customers lived then."""
        return np.where(at < self.moved_at[positions], self.places_before[positions], self.places[positions])


NEVER: Final = np.iinfo(np.int64).max


def customer_pool(ids: Ints, tenant_ids: Ints, registered_at: Ints) -> Pool:
    """How often each customer comes back: most seldom, a few very often, an eighth never after registering."""
    weights = np.power(-np.log1p(-fate(ids, "loyalty")), 1.5) + 0.01
    return Pool(ids, tenant_ids, registered_at, np.where(is_dormant(ids, tenant_ids), 0.0, weights))


def is_dormant(ids: Ints, tenant_ids: Ints) -> Mask:
    """Who registered and never did anything again. Not the first customers: somebody has to buy."""
    return fated(ids, "dormant", _DORMANT_SHARE) & (ids > tenant_ids)


def draw_customers(scale: Scale, window: Window, seed: int) -> tuple[pl.DataFrame, People]:
    """All customers: 60 % registered in the two years before, the others in the window; more and more of them."""
    rng = stream(seed, "customers")
    size = scale.customers
    before = max(scale.tenants, int(size * _REGISTERED_BEFORE_SHARE))
    span = window.now_micros - window.start_micros
    registered = np.concatenate(
        [
            window.start_micros - _YEARS_BEFORE + (rng.random(before) ** 0.7 * (_YEARS_BEFORE - DAY)).astype(np.int64),
            window.start_micros + (rng.random(size - before) ** 0.8 * span).astype(np.int64),
        ]
    )
    registered.sort()
    ids = np.arange(1, size + 1, dtype=np.int64)
    tenant_ids = choose(rng.random(size), list(tenant_weights(scale.tenants))) + 1
    tenant_ids[: scale.tenants] = ids[: scale.tenants]
    moved = sometimes(rng, size, _MOVED_SHARE) & (window.now_micros - registered > DAY)
    since = np.maximum(registered, window.start_micros)
    moved_at = np.where(moved, since + (rng.random(size) * (window.now_micros - since)).astype(np.int64), NEVER)
    people = People(
        customer_pool(ids, tenant_ids, registered),
        places=choose(rng.random(size), v.PLACE_WEIGHTS),
        places_before=choose(rng.random(size), v.PLACE_WEIGHTS),
        moved_at=moved_at,
    )
    stayed = ~moved
    people.places_before[stayed] = people.places[stayed]
    edited_at = np.minimum(registered + (rng.random(size) * 90 * DAY).astype(np.int64), window.now_micros)
    edited = np.where(sometimes(rng, size, 0.3), edited_at, registered)
    updated = np.where(moved, np.maximum(moved_at, edited), edited)
    return customer_rows(people, updated, rng), people


def customer_rows(people: People, updated_at: Ints, rng: np.random.Generator) -> pl.DataFrame:
    """The rows of table customers, at the customers' latest places."""
    pool = people.pool
    size = len(pool.ids)
    first = pick(rng, v.FIRST_NAMES, size)
    last = pick(rng, v.LAST_NAMES, size)
    detail = pick(rng, v.ADDRESS_DETAILS, size)
    street = pick(rng, v.STREETS, size)
    born = (rng.integers(18, 85, size) * 365 + rng.integers(0, 365, size)).astype(np.int64)
    frame = pl.DataFrame(
        {
            "customer_id": pool.ids,
            "tenant_id": pool.tenants,
            "first_name": first,
            "last_name": last,
            "host": pick(rng, v.EMAIL_HOSTS, size),
            "phone": rng.integers(2_000_000_000, 9_999_999_999, size),
            "date_of_birth": dates(pool.since // DAY - born),
            "gender": pick(rng, v.GENDERS, size, (48, 48, 4)),
            "address_line1": pl.Series(rng.integers(1, 999, size)).cast(pl.String) + " " + street + detail,
            **place_columns(people.places, rng),
            "customer_segment": pick(rng, v.SEGMENTS, size, (20, 55, 25)),
            "is_active": sometimes(rng, size, 0.95),
            "metadata": _customer_metadata(rng, size),
            "registered_at": timestamps(pool.since),
            "created_at": timestamps(pool.since),
            "updated_at": timestamps(np.maximum(updated_at, pool.since)),
        }
    )
    return frame.select(
        "customer_id",
        "tenant_id",
        pl.format("customer{}@{}", "customer_id", "host").alias("email"),
        "first_name",
        "last_name",
        _unless(sometimes(rng, size, 0.10), pl.format("+1{}", "phone")).alias("phone"),
        _unless(sometimes(rng, size, 0.15), pl.col("date_of_birth")).alias("date_of_birth"),
        _unless(sometimes(rng, size, 0.20), pl.col("gender")).alias("gender"),
        _unless(sometimes(rng, size, 0.05), pl.col("address_line1")).alias("address_line1"),
        *("city", "state", "postal_code", "country", "customer_segment", "is_active", "metadata"),
        *("registered_at", "created_at", "updated_at"),
    )


def _unless(missing: Mask, column: pl.Expr) -> pl.Expr:
    return pl.when(pl.lit(pl.Series(~missing))).then(column)


def place_columns(places: Ints, rng: np.random.Generator) -> dict[str, pl.Series]:
    """city, state, postal_code and country of each place."""
    house = pl.Series(rng.integers(10, 99, len(places))).cast(pl.String)
    return {
        "city": words([place.city for place in v.PLACES], places),
        "state": words([place.state for place in v.PLACES], places),
        "postal_code": words([place.postal_prefix for place in v.PLACES], places) + house,
        "country": words([place.country for place in v.PLACES], places),
    }


def _customer_metadata(rng: np.random.Generator, size: int) -> pl.Series:
    """Known keys, some missing; sometimes one nobody told us about."""
    columns = pl.DataFrame(
        {
            "opt_in": pick(rng, ("true", "false"), size),
            "tier": pick(rng, v.LOYALTY_TIERS, size, (60, 30, 10)),
            "source": pick(rng, v.SOURCES, size),
            "kind": choose(rng.random(size), (70, 15, 10, 5)),
        }
    )
    return columns.select(filled_by_kind(_METADATA)).to_series()
