"""The next days of a series with a weekly rhythm: a method chosen by its back-test, with intervals from its errors.

Two methods compete: the same weekday of the last week (seasonal naive), and exponential smoothing with additive
errors, a damped trend and a weekly season, ETS(A,Ad,A) in Hyndman, Koehler, Ord & Snyder, Forecasting with
Exponential Smoothing (2008), and in Hyndman & Athanasopoulos, Forecasting: Principles and Practice, chapter 8
(otexts.com/fpp3). All smoothing parameters of a grid run side by side as one array, so at every day the ones with the
least squared one-step errors so far are known: each day of the back-test is forecast with the parameters one would
have chosen then, at no extra cost. Why no library: docs/decisions/0006.
"""

from dataclasses import dataclass
from itertools import product
from math import ceil
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Method = Literal["damped_holt_winters", "seasonal_naive", "mean"]

_WEEK: Final = 7
_WARM_UP: Final = 2 * _WEEK
_BACK_TEST_DAYS: Final = 84
_GRID: Final = np.array(
    list(
        product(
            (0.02, 0.05, 0.1, 0.2, 0.4),  # level
            (0.0, 0.05, 0.2),  # trend, as a share of the level's
            (0.9, 0.98),  # damping
            (0.0, 0.05, 0.15),  # season
            (0.0, 0.5, 1.0),  # how far the first two weeks' rhythm is believed
        )
    )
).T


@dataclass(frozen=True)
class Forecast:
    """The next days, with an interval each; errors are sums of absolute errors over sums of what happened (WAPE)."""

    mean: Floats
    lower: Floats
    upper: Floats
    method: Method
    error: float | None
    baseline_error: float | None


def forecast(series: Floats, horizon: int, coverage: float = 0.9) -> Forecast:
    """The days after the series; with less than three weeks of it, its mean.

    Intervals are split-conformal (Vovk, Gammerman & Shafer, 2005): the quantile of the back-test's absolute errors for
    the same week ahead; for a mean, of the series itself. What is forecast is never negative.
    """
    days = len(series)
    if days < _WARM_UP + _WEEK:
        mean = np.full(horizon, series.mean() if days else 0.0)
        width = np.full(horizon, _quantile(np.abs(series - mean[0]), coverage))
        return _within(mean, width, "mean", None, None)
    origins = range(max(_WARM_UP, days - _BACK_TEST_DAYS), days - 1)
    smoothed = _smoothed(series, range(origins.start, days + 1), horizon)
    naive = np.array([series[day - _WEEK + np.arange(horizon) % _WEEK] for day in (*origins, days)])
    ahead = np.array(origins)[:, None] + np.arange(horizon)
    known = ahead < days
    truth = series[np.minimum(ahead, days - 1)]
    candidates: list[tuple[Method, Floats]] = [
        ("damped_holt_winters", smoothed[[*range(len(origins)), -1]]),
        ("seasonal_naive", naive),
    ]
    happened = float(truth[known].sum())
    errors = [float(np.abs(found[:-1] - truth)[known].sum()) for _, found in candidates]
    best = int(np.argmin(errors))
    method, found = candidates[best]
    width = _widths(np.abs(found[:-1] - truth), known, coverage)
    shares = [error / happened if happened > 0 else None for error in errors]
    return _within(found[-1], width, method, shares[best], shares[-1])


def _within(mean: Floats, width: Floats, method: Method, error: float | None, baseline: float | None) -> Forecast:
    mean = np.maximum(mean, 0)
    return Forecast(mean, np.maximum(mean - width, 0), mean + width, method, error, baseline)


def _smoothed(series: Floats, origins: range, horizon: int) -> Floats:
    """Per origin (how many days are known) the forecast of the days after it, by the best of the grid until then."""
    alpha, share, phi, gamma, belief = _GRID
    beta = alpha * share
    first = series[:_WARM_UP].reshape(2, _WEEK)
    level = np.full(_GRID.shape[1], first.mean())
    trend = np.zeros_like(level)
    season = (first.mean(axis=0) - first.mean())[:, None] * belief
    squares = np.zeros_like(level)
    found = np.zeros((len(origins), horizon))
    steps = np.arange(horizon)
    for day in range(_WARM_UP, len(series) + 1):
        if day >= origins.start:
            best = int(squares.argmin())
            damped = np.cumsum(phi[best] ** (steps + 1))
            found[day - origins.start] = level[best] + trend[best] * damped + season[(day + steps) % _WEEK, best]
        if day < len(series):
            trend = phi * trend
            level = level + trend
            error = series[day] - level - season[day % _WEEK]
            squares += error * error
            level = level + alpha * error
            trend = trend + beta * error
            season[day % _WEEK] += gamma * error
    return found


def _widths(errors: Floats, known: NDArray[np.bool_], coverage: float) -> Floats:
    """Half the interval of each day ahead; weeks that the back-test does not reach are as wide as the one before."""
    widths = np.zeros(errors.shape[1])
    width = 0.0
    for start in range(0, errors.shape[1], _WEEK):
        week = slice(start, start + _WEEK)
        width = max(width, _quantile(errors[:, week][known[:, week]], coverage))
        widths[week] = width
    return widths


def _quantile(errors: Floats, coverage: float) -> float:
    """The smallest error that so many of one more than these errors would not exceed."""
    rank = ceil((len(errors) + 1) * coverage)
    return float(np.sort(errors)[min(rank, len(errors)) - 1]) if len(errors) else 0.0
