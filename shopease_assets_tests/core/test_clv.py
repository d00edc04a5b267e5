"""BG/NBD and Gamma-Gamma: what their authors published, what a plain computation says, and what they get back."""

from math import exp, lgamma, log
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shopease_assets.core.clv import BgNbd, GammaGamma, Histories, NoFit

_PUBLISHED = BgNbd(r=0.243, alpha=4.414, a=0.793, b=2.426)
_sizes = st.floats(0.05, 20)
_models = st.builds(BgNbd, r=_sizes, alpha=st.floats(0.5, 500), a=_sizes, b=_sizes)


@pytest.fixture(scope="module")
def cdnow() -> pl.DataFrame:
    """The 2,357 customers of CDNOW's first quarter of 1997, 39 weeks long (brucehardie.com/datasets)."""
    counted = pl.read_csv(Path(__file__).parent / "cdnow.csv")
    return counted.select(pl.all().repeat_by("customers").explode())


def test_cdnow_gives_the_parameters_of_the_paper(cdnow: pl.DataFrame) -> None:
    """Fader, Hardie & Lee 2005, table 2; time in weeks."""
    customers = _histories(cdnow)
    assert len(customers.age) == 2357
    fitted = BgNbd.fit(customers)
    assert (fitted.r, fitted.alpha, fitted.a, fitted.b) == pytest.approx((0.243, 4.414, 0.793, 2.426), abs=0.001)
    assert fitted.log_likelihood(customers) == pytest.approx(-9582.4, abs=0.05)


def test_the_published_customer_is_expected_to_buy_as_often_as_published() -> None:
    """Fader, Hardie & Lee, "Implementing the BG/NBD model in Excel" (2005): 1.226 purchases in 39 weeks."""
    one = _one(repeats=2, last=30.43, age=38.86)
    assert _PUBLISHED.purchases(one, 39)[0] == pytest.approx(1.226, abs=0.0005)


def test_cdnow_gives_the_parameters_and_amounts_of_the_gamma_gamma_note(cdnow: pl.DataFrame) -> None:
    """Fader & Hardie 2013, section 3."""
    repeaters = cdnow.filter(pl.col("repeats") > 0)
    fitted = GammaGamma.fit(repeaters["repeats"].to_numpy(), repeaters["mean_amount"].to_numpy())
    assert (fitted.p, fitted.q, fitted.scale) == pytest.approx((6.25, 3.74, 15.44), abs=0.01)
    spent = GammaGamma(6.25, 3.74, 15.44).expected(np.array([2, 1, 0, 7]), np.array([22.35, 11.77, 0.0, 73.74]))
    assert spent == pytest.approx([24.65, 18.91, 35.17, 71.46], abs=0.1)


@settings(deadline=None)
@given(_models, st.integers(0, 60), st.floats(0.5, 700), st.floats(0, 1))
def test_the_likelihood_is_the_paper_s_product(model: BgNbd, repeats: int, age: float, share: float) -> None:
    """Equation 6, by the Gamma function itself."""
    r, alpha, a, b, last = model.r, model.alpha, model.a, model.b, age * share if repeats else 0.0
    purchases = lgamma(r + repeats) - lgamma(r) + r * log(alpha)
    stays = _log_beta(a, b + repeats) - _log_beta(a, b) - (r + repeats) * log(alpha + age)
    leaves = (
        _log_beta(a + 1, b + repeats - 1) - _log_beta(a, b) - (r + repeats) * log(alpha + last) if repeats else -1e9
    )
    expected = purchases + max(stays, leaves) + log(1 + exp(-abs(stays - leaves)))
    assert model.log_likelihood(_one(repeats, last, age)) == pytest.approx(expected, rel=1e-9, abs=1e-9)


@settings(deadline=None)
@given(_models, st.integers(0, 60), st.floats(0, 700), st.floats(0, 1), st.floats(1, 1000))
def test_expected_purchases_are_the_integral_over_all_chances_to_leave(
    model: BgNbd, repeats: int, age: float, share: float, time: float
) -> None:
    """Given p, purchases in time t are (1 - e^(-λpt)) / p, λ being Gamma(r + x, alpha + T) and p Beta(a, b + x)."""
    one = _one(repeats, age * share if repeats else 0.0, age)
    odds = np.linspace(-700, 700, 70_001)
    log_p, log_not_p = -np.logaddexp(0, -odds), -np.logaddexp(0, odds)
    density = np.exp(model.a * log_p + (model.b + repeats) * log_not_p - _log_beta(model.a, model.b + repeats))
    faded = -np.expm1(-(model.r + repeats) * np.log1p(np.exp(log_p) * time / (model.alpha + age)))
    safe = np.maximum(np.exp(log_p), 1e-300)
    expected = float((density * faded / safe).sum() * (odds[1] - odds[0])) * model.alive(one)[0]
    assert model.purchases(one, time)[0] == pytest.approx(expected, rel=2e-4)


@pytest.mark.parametrize("repeats", [0, 1, 40, 360])
def test_where_all_leave_with_the_same_small_chance_it_is_that_of_one_chance(repeats: int) -> None:
    """What the search finds for customers who hardly leave: a and b at the walls, a / (a + b) a chance for all."""
    model, time = BgNbd(r=0.96, alpha=33.5, a=1900.0, b=162754.8), 365.0
    one = _one(repeats, last=float(repeats), age=365.0)
    leaves = (model.a - 1) / (model.a + model.b + repeats - 1)  # by it, E(1/p) is 1 / leaves
    share = (model.alpha + 365) / (model.alpha + 365 + leaves * time)
    expected = model.alive(one)[0] * (1 - share ** (model.r + repeats)) / leaves
    assert model.purchases(one, time)[0] == pytest.approx(expected, rel=1e-3)


@settings(deadline=None)
@given(_models, st.integers(0, 100), st.floats(0.5, 700), st.floats(0, 1), st.floats(1, 300))
def test_predictions_are_sane(model: BgNbd, repeats: int, age: float, share: float, time: float) -> None:
    """A chance is one; more time, more purchases; never more than without leaving; later seen, likelier alive."""
    one = _one(repeats, age * share if repeats else 0.0, age)
    seen_today = _one(repeats, age if repeats else 0.0, age)
    assert 0 <= model.alive(one)[0] <= model.alive(seen_today)[0] <= 1
    short, long = model.purchases(one, time)[0], model.purchases(one, 2 * time)[0]
    forever = (model.r + repeats) * time / (model.alpha + age)
    assert 0 <= short <= long * (1 + 1e-6)
    assert short <= forever * (1 + 1e-3)


@pytest.mark.parametrize("truth", [BgNbd(0.8, 60.0, 0.8, 2.5), BgNbd(2.0, 30.0, 0.5, 4.0)])
def test_simulated_customers_give_their_parameters_back(truth: BgNbd) -> None:
    seen, after = _simulated(truth, customers=20_000, age=365, after=180)
    fitted = BgNbd.fit(seen)
    assert (fitted.r, fitted.alpha, fitted.a, fitted.b) == pytest.approx(
        (truth.r, truth.alpha, truth.a, truth.b), rel=0.15
    )
    assert fitted.log_likelihood(seen) >= truth.log_likelihood(seen)
    assert fitted.purchases(seen, 180).sum() == pytest.approx(after.sum(), rel=0.05)


def test_simulated_amounts_give_their_parameters_back() -> None:
    counts, amounts = _amounts(q=4)
    fitted = GammaGamma.fit(counts, amounts)
    assert (fitted.p, fitted.q, fitted.scale) == pytest.approx((6, 4, 15), rel=0.2)
    assert fitted.expected(np.array([0]), np.array([0.0]))[0] == pytest.approx(6 * 15 / (4 - 1), rel=0.02)


@settings(deadline=None)
@given(st.integers(1, 10_000), st.floats(0.01, 1e6))
def test_the_expected_amount_lies_between_everyone_s_and_the_customer_s_own(purchases: int, own: float) -> None:
    model = GammaGamma(6.25, 3.74, 15.44)
    everyone = model.p * model.scale / (model.q - 1)
    low, high = sorted([everyone, own])
    assert low * (1 - 1e-9) <= model.expected(np.array([purchases]), np.array([own]))[0] <= high * (1 + 1e-9)


def test_days_or_weeks_are_the_same_model(cdnow: pl.DataFrame) -> None:
    weeks, days = _histories(cdnow), _histories(cdnow, unit=1)
    by_week, by_day = BgNbd.fit(weeks), BgNbd.fit(days)
    assert by_day.alpha == pytest.approx(7 * by_week.alpha, rel=1e-4)
    assert by_day.purchases(days, 273) == pytest.approx(by_week.purchases(weeks, 39), rel=1e-4)


@pytest.mark.parametrize("repeats", [[0, 0, 0], []])
def test_who_never_came_back_determines_no_model(repeats: list[int]) -> None:
    nobody = np.zeros(len(repeats))
    with pytest.raises(NoFit):
        BgNbd.fit(Histories(np.array(repeats, dtype=np.int64), nobody, nobody + 30))


@pytest.mark.parametrize("amounts", [[], [0.0, 0.0], [5.0, 5.0]])
def test_amounts_that_do_not_differ_determine_no_model(amounts: list[float]) -> None:
    with pytest.raises(NoFit):
        GammaGamma.fit(np.ones(len(amounts), dtype=np.int64), np.array(amounts))


def test_amounts_so_uneven_that_none_is_expected_determine_no_model() -> None:
    with pytest.raises(NoFit, match="infinite"):
        GammaGamma.fit(*_amounts(q=0.6))


def test_customers_who_never_leave_are_alive() -> None:
    rng = np.random.default_rng(5)
    counts = rng.poisson(rng.gamma(2, 0.02, 3_000) * 200)
    ages = np.full(3_000, 200.0)
    last = np.where(counts > 0, ages * rng.beta(np.maximum(counts, 1), 1), 0.0)
    seen = Histories(counts, last, ages)
    fitted = BgNbd.fit(seen)
    assert fitted.alive(seen).mean() > 0.98
    assert fitted.purchases(seen, 200.0).sum() == pytest.approx(counts.sum(), rel=0.05)


def _one(repeats: int, last: float, age: float) -> Histories:
    return Histories(np.array([repeats]), np.array([last]), np.array([age]))


def _histories(customers: pl.DataFrame, unit: int = 7) -> Histories:
    days = customers.select(pl.col("last_day", "age_days") / unit)
    return Histories(customers["repeats"].to_numpy(), days["last_day"].to_numpy(), days["age_days"].to_numpy())


def _log_beta(a: float, b: float) -> float:
    return lgamma(a) + lgamma(b) - lgamma(a + b)


def _simulated(truth: BgNbd, *, customers: int, age: float, after: float) -> tuple[Histories, np.ndarray]:
    """What customers did until now, and how often they bought after, purchase by purchase."""
    rng = np.random.default_rng(11)
    rate, leaving = rng.gamma(truth.r, 1 / truth.alpha, customers), rng.beta(truth.a, truth.b, customers)
    born = rng.uniform(0, age, customers)
    now, stays = np.zeros(customers), np.ones(customers, dtype=bool)
    repeats, later, last = np.zeros(customers, dtype=np.int64), np.zeros(customers, dtype=np.int64), np.zeros(customers)
    while (stays := stays & (now <= born + after)).any():
        now += rng.exponential(1 / np.maximum(rate, 1e-12))
        seen, unseen = stays & (now <= born), stays & (now > born) & (now <= born + after)
        repeats, later, last = repeats + seen, later + unseen, np.where(seen, now, last)
        stays &= rng.random(customers) >= leaving
    return Histories(repeats, last, born), later


def _amounts(q: float) -> tuple[np.ndarray, np.ndarray]:
    """How many purchases of what mean amount 20,000 customers made, with p = 6 and a scale of 15."""
    rng = np.random.default_rng(3)
    counts = rng.integers(1, 12, 20_000)
    return counts, rng.gamma(6 * counts, 1 / rng.gamma(q, 1 / 15, 20_000)) / counts
