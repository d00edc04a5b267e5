"""Forecasts: what a series plainly does goes on, the back-test never looks ahead, and intervals hold what they say."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shopease_assets.core.forecast import Floats, _smoothed, forecast

_WEEK = np.array([90.0, 88, 95, 100, 115, 125, 110])
_series = st.lists(st.floats(0, 1e6), min_size=21, max_size=120).map(np.array)


def test_a_weekly_rhythm_goes_on() -> None:
    made = forecast(np.tile(_WEEK, 6), 28)
    assert made.mean == pytest.approx(np.tile(_WEEK, 4))
    assert (made.error, made.baseline_error) == (pytest.approx(0, abs=1e-9), 0.0)
    assert made.upper - made.lower == pytest.approx(np.zeros(28), abs=1e-6)


def test_the_rhythm_goes_on_from_the_weekday_it_stopped_at() -> None:
    made = forecast(np.tile(_WEEK, 6)[:-3], 7)
    assert made.mean == pytest.approx([*_WEEK[4:], *_WEEK[:4]])


def test_a_trend_goes_on_and_flattens() -> None:
    days = np.arange(120.0)
    made = forecast(100 + 2 * days, 28)
    assert made.method == "damped_holt_winters"
    steps = np.diff(made.mean)
    assert made.mean[0] == pytest.approx(340, rel=0.02)
    assert 0 < steps[-1] < steps[0] <= 2.2


def test_noise_is_smoothed_better_than_by_the_last_week() -> None:
    made = forecast(_noisy(1, days=200), 28)
    assert made.method == "damped_holt_winters"
    assert made.error < 0.85 * made.baseline_error
    assert made.mean == pytest.approx(np.tile(_WEEK, 5)[200 % 7 :][:28], rel=0.15)


def test_the_baseline_is_taken_where_it_is_less_wrong() -> None:
    """The week's rhythm turns round half-way: who looks at the last week only has forgotten the old one."""
    turned = np.concatenate([np.tile(_WEEK * [1, 9, 1, 1, 1, 1, 1], 8), np.tile(_WEEK * [9, 1, 1, 1, 1, 1, 1], 8)])
    made = forecast(turned, 28)
    assert made.method == "seasonal_naive"
    assert made.error == made.baseline_error
    assert made.mean == pytest.approx(np.tile(turned[-7:], 4))


def test_nine_of_ten_days_fall_into_their_interval() -> None:
    hits = [
        np.mean((truth >= made.lower) & (truth <= made.upper))
        for seed in range(60)
        for series in [_noisy(seed, days=178)]
        for made, truth in [(forecast(series[:150], 28), series[150:])]
    ]
    assert np.mean(hits) == pytest.approx(0.9, abs=0.03)


@pytest.mark.parametrize("days", [0, 1, 20])
def test_less_than_three_weeks_have_a_mean_and_no_back_test(days: int) -> None:
    made = forecast(np.full(days, 5.0), 28)
    assert (made.method, made.error, made.baseline_error) == ("mean", None, None)
    assert made.mean.tolist() == made.lower.tolist() == [5.0 if days else 0.0] * 28


def test_a_shop_that_sold_nothing_lately_has_no_relative_error() -> None:
    made = forecast(np.zeros(60), 28)
    assert (made.mean.sum(), made.upper.sum(), made.error, made.baseline_error) == (0, 0, None, None)


@settings(deadline=None)
@given(_series, st.integers(14, 110))
def test_what_is_forecast_on_a_day_does_not_depend_on_what_follows(series: Floats, day: int) -> None:
    known = min(day, len(series))
    with_future = _smoothed(series, range(known, len(series) + 1), 28)[0]
    without = _smoothed(series[:known], range(known, known + 1), 28)[0]
    assert with_future.tolist() == without.tolist()


@settings(deadline=None)
@given(_series, st.integers(1, 40))
def test_bounds_enclose_the_forecast_and_nothing_is_negative(series: Floats, horizon: int) -> None:
    made = forecast(series, horizon)
    assert len(made.mean) == horizon
    assert (made.lower >= 0).all()
    assert (made.lower <= made.mean).all()
    assert (made.mean <= made.upper).all()
    assert np.isfinite(made.upper).all()
    assert made.error is None or made.error <= made.baseline_error


@settings(deadline=None)
@given(_series, st.sampled_from([0.25, 2.0, 1024.0]))
def test_another_currency_is_the_same_forecast(series: Floats, rate: float) -> None:
    one, other = forecast(series, 28), forecast(series * rate, 28)
    assert other.method == one.method
    assert other.mean.tolist() == (one.mean * rate).tolist()
    assert other.upper.tolist() == (one.upper * rate).tolist()


def _noisy(seed: int, days: int) -> Floats:
    rng = np.random.default_rng(seed)
    return np.resize(_WEEK, days) * rng.gamma(16, 1 / 16, days)
