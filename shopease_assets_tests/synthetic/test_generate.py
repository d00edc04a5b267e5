"""Sizes, repeatability and windows of what is generated."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from polars.testing import assert_frame_equal

from shopease_assets.core.errors import SourceError
from shopease_assets.synthetic import PRESETS, Dataset, Dirt, Scale, generate
from shopease_assets.synthetic.sales import basket_sizes
from shopease_assets.synthetic.web import visit_count, visit_sizes
from shopease_assets_tests.synthetic.conftest import NOON_OF_LAST_DAY, START


def test_tiny_has_the_counts_of_its_preset(clean: Dataset) -> None:
    scale = PRESETS["tiny"]
    rows = clean.rows
    assert rows["tenants"] == scale.tenants
    assert rows["customers"] == scale.customers
    assert rows["products"] == scale.products
    assert rows["orders"] == scale.orders
    assert rows["order_items"] == scale.order_items
    assert rows["web_events"] == scale.web_events
    assert rows["subscriptions"] == round(scale.customers * 0.3)
    assert clean.window.days == scale.days
    assert rows["invoices"] > 0


def test_shopease_has_exactly_1_020_500_items() -> None:
    scale = PRESETS["shopease"]
    sizes = basket_sizes(np.random.default_rng(7), scale.orders, scale.order_items)
    assert len(sizes) == 340_000
    assert sizes.sum() == 1_020_500
    assert sizes.min() >= 1


@pytest.mark.parametrize(("orders", "items"), [(1, 1), (1, 50), (10, 10), (7, 100), (1000, 1001)])
def test_basket_sizes_always_add_up(orders: int, items: int) -> None:
    sizes = basket_sizes(np.random.default_rng(1), orders, items)
    assert sizes.sum() == items
    assert sizes.min() >= 1


@pytest.mark.parametrize("events", [1, 5, 6, 1_000])
def test_visit_sizes_always_add_up(events: int) -> None:
    sizes = visit_sizes(np.random.default_rng(1), visit_count(events), events)
    assert sizes.sum() == events
    assert sizes.min() >= 1


def test_the_same_seed_gives_the_same_bytes(clean: Dataset) -> None:
    again = generate("tiny", start=START, now=NOON_OF_LAST_DAY)
    for table, frame in clean.frames.items():
        assert_frame_equal(frame, again.frames[table])


def test_the_same_seed_plants_the_same_faults(full: Dataset) -> None:
    again = generate("tiny", start=START, dirt=Dirt.FULL)
    assert_frame_equal(full.ledger, again.ledger)
    for table, frame in full.frames.items():
        assert_frame_equal(frame, again.frames[table])


def test_another_seed_gives_other_orders(clean: Dataset) -> None:
    other = generate("tiny", seed=8, start=START, now=NOON_OF_LAST_DAY)
    assert not other.frames["orders"].equals(clean.frames["orders"])


def test_without_a_start_the_last_day_is_today() -> None:
    dataset = generate("tiny")
    assert dataset.window.last_day in {datetime.now(UTC).date(), datetime.now(UTC).date() - timedelta(days=1)}
    assert dataset.frames["orders"]["ordered_at"].max() <= dataset.window.now  # type: ignore[operator]


def test_the_last_day_may_have_just_begun() -> None:
    midnight = datetime(2026, 3, 1, tzinfo=UTC)
    dataset = generate("tiny", days=3, now=midnight)
    assert dataset.window.start == date(2026, 2, 27)
    assert dataset.frames["orders"]["ordered_at"].max() <= midnight  # type: ignore[operator]


def test_one_day_is_enough() -> None:
    small = Scale(1, 5, 4, 20, 40, 30, days=1)
    assert generate(small, start=START).rows["order_items"] == 40


@pytest.mark.parametrize(
    ("arguments", "culprit"),
    [
        ({"preset": "huge"}, "'huge' is no preset"),
        ({"preset": "tiny", "days": 0}, "0 days"),
        ({"preset": "tiny", "start": START, "now": datetime(2025, 1, 1, tzinfo=UTC)}, "not on the last day"),
        ({"preset": "tiny", "now": datetime(2026, 1, 1)}, "no time zone"),  # noqa: DTZ001
    ],
)
def test_impossible_wishes_name_culprit_and_cure(arguments: dict[str, object], culprit: str) -> None:
    with pytest.raises(SourceError, match=culprit):
        generate(**arguments)  # type: ignore[arg-type]


def test_a_scale_that_makes_no_sense_cannot_be_built() -> None:
    with pytest.raises(SourceError, match="give every order an item"):
        Scale(1, 5, 4, orders=20, order_items=10, web_events=0, days=1)


def test_progress_is_reported_to_the_end() -> None:
    steps: list[tuple[str, int, int]] = []
    generate("tiny", start=START, progress=lambda *step: steps.append(step))
    assert [done for _, done, _ in steps] == list(range(1, steps[0][2] + 1))
