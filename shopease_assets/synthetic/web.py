"""Web events: visits with a funnel's shape, by known and unknown visitors; a few arrive days late."""

from typing import Final

import numpy as np
import polars as pl

from shopease_assets.synthetic import vocabulary as v
from shopease_assets.synthetic.catalog import Catalog
from shopease_assets.synthetic.draws import (
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    Ints,
    choose,
    money,
    only,
    pick,
    sometimes,
    timestamps,
    words,
)
from shopease_assets.synthetic.people import People, tenant_weights
from shopease_assets.synthetic.texts import filled

EVENT_TYPES: Final = (
    *("page_view", "product_view", "search", "add_to_cart", "remove_from_cart", "checkout", "purchase", "click"),
)
_PRODUCT_EVENTS: Final = (1, 3, 4, 6)
_MEAN_VISIT: Final = 6
_LONGEST_VISIT: Final = 40
_KNOWN_SHARE: Final = 0.6
_LATE_SHARE: Final = 0.03
_PAUSE_SHARE: Final = 0.02
# What a visit ends with, and how often: nothing, a cart, an abandoned cart, a checkout, a purchase.
_ENDINGS: Final = ((), (3,), (3, 4), (3, 5), (3, 5, 6))
_ENDING_WEIGHTS: Final = (68, 13, 4, 6, 9)
# What happens before: looking around.
_BROWSING: Final = (0, 1, 2, 7)
_BROWSING_WEIGHTS: Final = (40, 35, 10, 15)
_EVENT_DATA: Final = {
    "search": '{"search_term": "<term>"}',
    "add_to_cart": '{"quantity": <quantity>}',
    "remove_from_cart": '{"quantity": <quantity>}',
    "purchase": '{"quantity": <quantity>, "value": <value>}',
    "click": '{"x": 10, "y": 20}',
}


def draw_events(
    rng: np.random.Generator,
    *,
    visited_at: Ints,
    events: int,
    people: People,
    catalog: Catalog,
    tenant_count: int,
    earliest: int,
    now: int,
    first_event_id: int = 1,
    session_prefix: str = "s",
) -> pl.DataFrame:
    """Table web_events: `events` rows in `len(visited_at)` visits, in the order they arrived, none after `now`.

    Late ones arrive up to four days after they occurred; what occurred before `earliest` arrives soon after it.
    """
    sizes = visit_sizes(rng, len(visited_at), events)
    visit = np.repeat(np.arange(len(sizes), dtype=np.int64), sizes)
    first = (np.cumsum(sizes) - sizes)[visit]
    place = np.arange(len(visit)) - first
    tenants = choose(rng.random(len(sizes)), list(tenant_weights(tenant_count))) + 1
    occurred_at = _times(rng, visited_at, visit, first, now)
    kind = _kinds(rng, sizes, visit, place)
    product = catalog.pool.draw(rng, tenants[visit], visited_at[visit])
    has_product = np.isin(kind, _PRODUCT_EVENTS)
    customer = people.pool.draw(rng, tenants, visited_at)
    is_known = sometimes(rng, len(sizes), _KNOWN_SHARE)
    device = choose(rng.random(len(sizes)), v.DEVICE_WEIGHTS)[visit]
    browser = choose(rng.random(len(sizes)), v.BROWSER_WEIGHTS)[visit]
    network = rng.integers(1, 255, (2, len(sizes)))
    arrived_at = _arrivals(rng, occurred_at, earliest, now)
    quantity = choose(rng.random(len(visit)), (80, 15, 5)) + 1
    columns = pl.DataFrame(
        {
            "tenant_id": tenants[visit],
            "customer_id": only(is_known[visit], pl.Series(people.pool.ids[customer[visit]])),
            "visit": visited_at[visit] // SECOND,
            "nth": visit,
            "event_type": words(EVENT_TYPES, kind),
            "product_id": only(has_product, pl.Series(catalog.pool.ids[product])),
            "page": pick(rng, v.PAGES, len(visit), (50, 20, 10, 10, 10)),
            "referrer_url": only((place == 0) & sometimes(rng, len(visit), 0.6), pick(rng, v.REFERRERS, len(visit))),
            "device_type": words([kind_of for kind_of, _ in v.DEVICES], device),
            "browser": words(v.BROWSERS, browser),
            "os": words([system for _, system in v.DEVICES], device),
            "host": network[0][visit],
            "subnet": network[1][visit],
            "no_ip": sometimes(rng, len(visit), 0.05),
            "no_agent": sometimes(rng, len(visit), 0.05),
            "quantity": quantity,
            "value": _amount_text(quantity * catalog.price_at(product, visited_at[visit])),
            "term": pick(rng, v.SEARCH_TERMS, len(visit)).str.replace_all('"', '\\"', literal=True),
            "occurred_at": timestamps(occurred_at),
            "arrived_at": timestamps(arrived_at),
        }
    )
    return columns.sort("arrived_at", "nth", "occurred_at", maintain_order=True).select(
        pl.int_range(first_event_id, first_event_id + pl.len(), dtype=pl.Int64).alias("event_id"),
        "tenant_id",
        "customer_id",
        pl.format(session_prefix + "{}-{}", "visit", "nth").alias("session_id"),
        "event_type",
        "product_id",
        pl.when(pl.col("product_id").is_not_null())
        .then(pl.format("/products/{}", "product_id"))
        .otherwise(pl.col("page"))
        .alias("page_url"),
        *("referrer_url", "device_type", "browser", "os"),
        pl.when(~pl.col("no_ip")).then(pl.format("203.0.{}.{}", "subnet", "host")).alias("ip_address"),
        pl.when(~pl.col("no_agent"))
        .then(pl.format("Mozilla/5.0 ({}; like Gecko) {}/1.0", "os", "browser"))
        .alias("user_agent"),
        _event_data().alias("event_data"),
        "occurred_at",
        pl.col("arrived_at").alias("created_at"),
        pl.col("arrived_at").alias("updated_at"),
    )


def visit_count(events: int) -> int:
    """How many visits so many events make."""
    return max(1, events // _MEAN_VISIT) if events else 0


def visit_sizes(rng: np.random.Generator, visits: int, events: int) -> Ints:
    """How many events each visit has: `events` in all, at least one each."""
    if not visits:
        return np.zeros(0, dtype=np.int64)
    share = np.minimum(-np.log1p(-rng.random(visits)), _LONGEST_VISIT / _MEAN_VISIT)
    reach = np.floor(np.cumsum(share) / share.sum() * (events - visits) + 0.5).astype(np.int64)
    reach[-1] = events - visits
    sizes: Ints = np.diff(reach, prepend=0) + 1
    return sizes


def _times(rng: np.random.Generator, visited_at: Ints, visit: Ints, first: Ints, now: int) -> Ints:
    """Events follow each other within a minute or so; some visitors take a pause and come back."""
    gap = (-np.log1p(-rng.random(len(visit))) * 45 * SECOND).astype(np.int64) + SECOND
    pause = sometimes(rng, len(visit), _PAUSE_SHARE)
    gap[pause] += 35 * MINUTE
    elapsed = np.cumsum(gap)
    in_visit = elapsed - elapsed[first]
    at = visited_at[visit] + in_visit
    # A visit that would run beyond `now` began that much earlier.
    longest = np.zeros(len(visited_at), dtype=np.int64)
    np.maximum.at(longest, visit, at)
    too_late = np.maximum(longest - now, 0)
    return at - too_late[visit]


def _kinds(rng: np.random.Generator, sizes: Ints, visit: Ints, place: Ints) -> Ints:
    """Each visit opens with a page, looks around, and ends as far down the funnel as it is long enough for."""
    kind = np.asarray(_BROWSING, dtype=np.int64)[choose(rng.random(len(visit)), _BROWSING_WEIGHTS)]
    kind[place == 0] = 0
    ending = choose(rng.random(len(sizes)), _ENDING_WEIGHTS)
    for code, steps in enumerate(_ENDINGS):
        fits = (ending[visit] == code) & (sizes[visit] > len(steps))
        for step_from_end, step in enumerate(reversed(steps), start=1):
            kind[fits & (sizes[visit] - place == step_from_end)] = step
    return kind


def _arrivals(rng: np.random.Generator, occurred_at: Ints, earliest: int, now: int) -> Ints:
    """Events arrive within seconds; a few up to four days late (those still under way at `now` count as prompt)."""
    uniform = rng.random(len(occurred_at))
    prompt = np.minimum(occurred_at + (uniform * 5 * SECOND).astype(np.int64), now)
    late = occurred_at + HOUR + (uniform * (4 * DAY - HOUR)).astype(np.int64)
    is_late = sometimes(rng, len(occurred_at), _LATE_SHARE) & (late <= now)
    overdue = np.minimum(earliest + (uniform * 6 * HOUR).astype(np.int64), now)
    return np.where(occurred_at < earliest, overdue, np.where(is_late, late, prompt))


def _amount_text(cents: Ints) -> pl.Series:
    """`1234` cents as `12.34`."""
    return money(cents).cast(pl.String)


def _event_data() -> pl.Expr:
    """Known keys by type of event; sometimes one nobody told us about."""
    data = pl.lit("{}")
    for event_type, template in _EVENT_DATA.items():
        data = pl.when(pl.col("event_type") == event_type).then(filled(template)).otherwise(data)
    return data
