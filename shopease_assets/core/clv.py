"""What customers will still buy: BG/NBD for how often, Gamma-Gamma for how much. Arrays in, arrays out; no frames.

BG/NBD: P. Fader, B. Hardie, K. L. Lee, "Counting Your Customers" the Easy Way, Marketing Science 24 (2005).
Gamma-Gamma: P. Fader, B. Hardie, The Gamma-Gamma Model of Monetary Value (2013), brucehardie.com/notes/025.
The Gamma function occurs in ratios Γ(r + x) / Γ(r) of whole x, which are products. Why no library: docs/decisions/0006.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import lgamma
from typing import Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_Loss = Callable[[Floats], tuple[float, Floats]]

_STEPS, _GRADIENT = 500, 1e-6  # of the mean log-likelihood
_FLATTEST, _STEEPEST = -12.0, 12.0  # logarithms of parameters: beyond, the likelihood no longer tells them apart
_MOST_TERMS, _NEGLIGIBLE = 20_000, 1e-11


class NoFit(Exception):
    """The data do not determine the model."""


@dataclass(frozen=True)
class Histories:
    """When customers bought: repeat purchases, and the time from the first to the last purchase and to now."""

    repeats: Ints
    last: Floats
    age: Floats


@dataclass(frozen=True)
class BgNbd:
    """Purchases while alive are Poisson, rates Gamma(r, alpha); after each one leaves with a chance of Beta(a, b)."""

    r: float
    alpha: float
    a: float
    b: float

    @classmethod
    def fit(cls, of: Histories) -> Self:
        """The most likely parameters.

        Raises:
            NoFit: nobody came back, or the search for them does not end.
        """
        unit = float(of.age.mean()) if len(of.age) else 0.0
        if unit <= 0 or not of.repeats.any():
            raise NoFit("nobody bought again")
        scaled = Histories(of.repeats, of.last / unit, of.age / unit)
        r, alpha, a, b = np.exp(_minimum(lambda logs: _bg_nbd_loss(logs, scaled), np.zeros(4)))
        return cls(float(r), float(alpha * unit), float(a), float(b))

    def log_likelihood(self, of: Histories) -> float:
        """Of all customers together."""
        return -_bg_nbd_loss(np.log([self.r, self.alpha, self.a, self.b]), of)[0] * len(of.age)

    def alive(self, of: Histories) -> Floats:
        """The probability that each has not left; 1 after one purchase: in the model only repeaters leave."""
        with np.errstate(divide="ignore"):
            left = np.log(self.a / np.maximum(self.b + of.repeats - 1, 0))
        odds = left + (self.r + of.repeats) * np.log((self.alpha + of.age) / (self.alpha + of.last))
        return np.where(of.repeats > 0, np.exp(-np.logaddexp(0.0, odds)), 1.0)

    def purchases(self, of: Histories, time: float) -> Floats:
        """How often each is expected to buy in the time to come (equation 10 of the paper).

        Its ₂F₁ is taken as it is or after Euler's transformation, whichever grows less. With z the share of the time
        to come and c = a+b+x-1: (1-z)^(r+x) ₂F₁(r+x, b+x; c; z) = (1-z)^(a-1) ₂F₁(a-1, a+b-1-r; c; z). The first grows
        with the purchases so far, the second without bound where all leave with the same small chance (a, b → ∞).
        """
        a, b = _off_pole(self.a, 1.0), self.b
        b = _off_pole(a + b, 1.0) - a
        c = of.repeats.astype(np.float64) + (a + b - 1)
        z: Floats = time / (self.alpha + of.age + time)
        less, more = np.sort([np.full_like(c, a - 1), self.r + of.repeats], axis=0)
        lasting: Floats = np.power(1 - z, less) * _hypergeometric(less, c - more, c, z)
        return self.alive(of) * c / (a - 1) * (1 - lasting)


@dataclass(frozen=True)
class GammaGamma:
    """Amounts of a customer are Gamma(p, v), and the v of all customers Gamma(q, scale): means differ, shapes not."""

    p: float
    q: float
    scale: float

    @classmethod
    def fit(cls, purchases: Ints, mean: Floats) -> Self:
        """The most likely parameters for customers with so many purchases of that mean amount; free ones say nothing.

        Raises:
            NoFit: fewer than two amounts, or amounts so uneven that the expected one is infinite.
        """
        paid = mean > 0
        purchases, mean = purchases[paid], mean[paid]
        if len(np.unique(mean)) < 2:  # noqa: PLR2004
            raise NoFit("amounts do not differ")
        unit = float(mean.mean())
        counts, which = np.unique(purchases, return_inverse=True)

        def loss(logs: Floats) -> float:
            return _gamma_gamma_loss(logs, counts, which, mean / unit)

        p, q, scale = np.exp(_minimum(lambda logs: (loss(logs), _slope(loss, logs)), np.array([0.5, 1.5, 0.0])))
        if q <= 1:
            raise NoFit("the expected amount is infinite")
        return cls(float(p), float(q), float(scale * unit))

    def expected(self, purchases: Ints, mean: Floats) -> Floats:
        """The mean amount of each customer's future purchases: between that of all and that of their own so far."""
        return self.p * (self.scale + purchases * mean) / (self.p * purchases + self.q - 1)


def _bg_nbd_loss(logs: Floats, of: Histories) -> tuple[float, Floats]:
    """Minus the mean log-likelihood (equation 6) and its derivatives by the logarithms of r, alpha, a and b."""
    r, alpha, a, b = np.exp(logs)
    x, size = of.repeats, len(of.age)
    until_now, until_last = np.log(alpha + of.age), np.log(alpha + of.last)
    steps = np.arange(int(x.max(initial=0)))
    (rising_r, by_r), (rising_b, by_b), (rising_ab, by_ab) = (_rising(start, steps) for start in (r, b, a + b))
    stayed = -(r + x) * until_now
    never = np.where(x > 0, 0.0, np.inf)
    before = np.where(x > 0, b + x - 1, 1.0)
    left = np.log(a) - np.log(before) - (r + x) * until_last - never
    either = np.logaddexp(stayed, left)
    value = rising_r[x] + r * np.log(alpha) + rising_b[x] - rising_ab[x] + either
    gone = np.exp(left - either)
    here = 1 - gone
    slopes = [
        by_r[x] + np.log(alpha) - here * until_now - gone * until_last,
        r / alpha - (r + x) * (here / (alpha + of.age) + gone / (alpha + of.last)),
        gone / a - by_ab[x],
        by_b[x] - by_ab[x] - gone / before,
    ]
    return -float(value.mean()), np.array([-slope.sum() / size for slope in slopes]) * np.exp(logs)


def _rising(start: float, steps: Ints) -> tuple[Floats, Floats]:
    """ln(Γ(start + x) / Γ(start)) and its derivative by start, for x = 0, 1, …"""
    terms = start + steps
    return (np.concatenate([[0.0], np.cumsum(np.log(terms))]), np.concatenate([[0.0], np.cumsum(1 / terms)]))


def _gamma_gamma_loss(logs: Floats, counts: Ints, which: Ints, mean: Floats) -> float:
    """Minus the mean log-likelihood (equation 1a of the note)."""
    p, q, scale = np.exp(logs)
    n = counts[which]
    gammas = np.array([lgamma(p * count + q) - lgamma(p * count) for count in counts.tolist()]) - lgamma(q)
    amounts = (p * n - 1) * np.log(mean) + p * n * np.log(n) - (p * n + q) * np.log(scale + n * mean)
    return -float((gammas[which] + q * np.log(scale) + amounts).mean())


def _slope(loss: Callable[[Floats], float], at: Floats, step: float = 1e-5) -> Floats:
    return np.array([(loss(at + move) - loss(at - move)) / (2 * step) for move in np.eye(len(at)) * step])


def _minimum(loss: _Loss, start: Floats) -> Floats:
    """Where the loss is least: BFGS with halved steps (Nocedal and Wright, Numerical Optimization, 6.1)."""
    at, (value, slope), inverse = start, loss(start), np.eye(len(start))
    for _ in range(_STEPS):
        if np.abs(slope).max() < _GRADIENT:
            return at
        direction = -inverse @ slope
        if direction @ slope >= 0:
            inverse, direction = np.eye(len(at)), -slope
        direction *= min(1.0, 2 / np.abs(direction).max())
        share = 1.0
        while True:
            then = np.clip(at + share * direction, _FLATTEST, _STEEPEST)
            value_then, slope_then = loss(then)
            if value_then <= value + 1e-4 * slope @ (then - at):
                break
            share /= 2
            if share < 1e-10:  # noqa: PLR2004
                return at  # as low as the numbers can tell
        moved, turned = then - at, slope_then - slope
        if np.abs(moved).max() < 1e-12:  # noqa: PLR2004
            return then  # against the wall
        curve = float(moved @ turned)
        if curve > 0:
            keep = np.eye(len(at)) - np.outer(moved, turned) / curve
            inverse = keep @ inverse @ keep.T + np.outer(moved, moved) / curve
        at, value, slope = then, value_then, slope_then
    raise NoFit(f"no maximum of the likelihood in {_STEPS} steps")


def _hypergeometric(a: Floats, b: Floats, c: Floats, z: Floats) -> Floats:
    """₂F₁(a, b; c; z) by its series, for 0 ≤ z < 1."""
    term, total = np.ones_like(z), np.ones_like(z)
    for n in range(_MOST_TERMS):
        term = term * ((a + n) * (b + n) / (n + 1)) / (c + n) * z
        total += term
        if np.abs(term).max(initial=0) < _NEGLIGIBLE:
            break
    return total


def _off_pole(value: float, pole: float, distance: float = 1e-5) -> float:
    """A formula's removable singularity is avoided by a hair's breadth."""
    return pole + distance if abs(value - pole) < distance else value
