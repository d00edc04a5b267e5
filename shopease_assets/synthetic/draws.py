"""Randomness that repeats: streams by seed and topic, fates by id, weighted draws among those who exist.

A topic of its own per table keeps one table's rows the same when another table's generator changes.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

SECOND: Final = 1_000_000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR

_MANTISSA_BITS: Final = 53


def stream(seed: int, topic: str) -> np.random.Generator:
    """The random numbers of one topic: the same for the same seed, unrelated to other topics."""
    return np.random.default_rng([seed, zlib.crc32(topic.encode())])


def fate(ids: Ints, topic: str) -> Floats:
    """A number in [0, 1) per id that never changes: what will become of an order is decided by its id.

    That is what lets `advance` play on with a database without remembering how it was generated (splitmix64).
    """
    mixed = ids.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(zlib.crc32(topic.encode()))
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed = mixed ^ (mixed >> np.uint64(31))
    return (mixed >> np.uint64(64 - _MANTISSA_BITS)).astype(np.float64) / float(1 << _MANTISSA_BITS)


def fated(ids: Ints, topic: str, share: float) -> Mask:
    """Which ids belong to that share of all; for good (see `fate`)."""
    return fate(ids, topic) < share


def sometimes(rng: np.random.Generator, size: int, share: float) -> Mask:
    """True as often as `share` says."""
    return rng.random(size) < share


def only(present: Mask, series: pl.Series) -> pl.Series:
    """The series, null where not `present`."""
    return series.set(pl.Series(~present), None)


def choose(uniform: Floats, weights: Sequence[float]) -> Ints:
    """An index per number in [0, 1), as often as its weight says."""
    bounds = np.cumsum(np.asarray(weights, dtype=np.float64))
    indices = np.searchsorted(bounds / bounds[-1], uniform, side="right")
    return np.minimum(indices, len(bounds) - 1).astype(np.int64)


def pick(rng: np.random.Generator, values: Sequence[str], size: int, weights: Sequence[float] = ()) -> pl.Series:
    """`size` words out of `values`."""
    return words(values, choose(rng.random(size), weights or [1.0] * len(values)))


def words(values: Sequence[str], indices: Ints) -> pl.Series:
    """The word at each index."""
    return pl.Series(values, dtype=pl.String).gather(pl.Series(indices))


def money(cents: Ints) -> pl.Series:
    """Exact Decimal(12, 2) from whole cents, by reinterpreting the integers (no float ever holds money)."""
    halves = np.empty((len(cents), 2), dtype=np.int64)
    halves[:, 0] = cents
    halves[:, 1] = cents >> 63

    decimals = pa.Array.from_buffers(pa.decimal128(12, 2), len(cents), [None, pa.py_buffer(halves.tobytes())])
    return pl.Series(decimals)


def cents(decimals: pl.Series) -> Ints:
    """Whole cents of a Decimal(…, 2) column: the inverse of `money`."""
    return decimals.to_physical().cast(pl.Int64).to_numpy()


def percent_of(amount: Ints, percent: Ints | int) -> Ints:
    """So many percent of an amount ≥ 0 in cents, half up."""
    return (amount * percent + 50) // 100


def timestamps(micros: Ints, present: Mask | None = None) -> pl.Series:
    """UTC timestamps from microseconds since 1970; null where not `present`."""
    series = pl.Series(micros, dtype=pl.Int64).cast(pl.Datetime("us", "UTC"))
    return series if present is None else only(present, series)


def dates(days: Ints, present: Mask | None = None) -> pl.Series:
    """Dates from days since 1970; null where not `present`."""
    series = pl.Series(days, dtype=pl.Int64).cast(pl.Int32).cast(pl.Date)
    return series if present is None else only(present, series)


@dataclass(frozen=True)
class Pool:
    """Members of each tenant that can be drawn by weight, at a moment when they exist already.

    Arrays run parallel: one entry per member; `since` in microseconds. A weight of 0 is never drawn.
    """

    ids: Ints
    tenants: Ints
    since: Ints
    weights: Floats

    def draw(self, rng: np.random.Generator, tenants: Ints, at: Ints) -> Ints:
        """The position (not the id) of a member of that tenant that exists at that time, one per entry."""
        drawn = np.empty(len(tenants), dtype=np.int64)
        uniform = rng.random(len(tenants))
        order = np.lexsort((self.ids, self.since))
        for tenant in np.unique(tenants):
            members = order[self.tenants[order] == tenant]
            members = members[self.weights[members] > 0]
            asked = tenants == tenant
            reach = np.cumsum(self.weights[members])
            known = np.searchsorted(self.since[members], at[asked], side="right")
            wanted = uniform[asked] * reach[np.maximum(known, 1) - 1]
            position = np.searchsorted(reach, wanted, side="right")
            drawn[asked] = members[np.minimum(position, np.maximum(known, 1) - 1)]
        return drawn
