"""Scores and checks: the border of a threshold, and what a reader of a check is told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopease_assets.core.quality import THRESHOLDS, CheckResult, Dimension, Score, check_of


def score(rows: int, failed: int, dimension: Dimension = Dimension.VALIDITY, **broken: int) -> Score:
    """A score of so many rows."""
    return Score(dimension, rows, failed, broken, THRESHOLDS[dimension])


def test_the_thresholds_are_the_data_model_s() -> None:
    assert {dimension.value: THRESHOLDS[dimension] for dimension in Dimension} == {
        "completeness": 0.95,
        "accuracy": 0.98,
        "consistency": 0.99,
        "validity": 0.97,
    }


@given(st.sampled_from(list(Dimension)), st.integers(1, 2000))
def test_exactly_the_threshold_passes_and_one_row_more_does_not(dimension: Dimension, hundreds: int) -> None:
    allowed = hundreds * round(100 * (1 - THRESHOLDS[dimension]))
    assert score(100 * hundreds, allowed, dimension).passed
    assert not score(100 * hundreds, allowed + 1, dimension).passed


def test_no_rows_are_perfect_rows() -> None:
    assert score(0, 0).share == 1.0
    assert score(0, 0).passed


def test_a_check_names_the_worst_rule_first_and_shows_keys() -> None:
    check = check_of("2026-01-10", score(10, 3, few=1, many=2), {"many": ["4", "5"], "few": ["6"]})
    assert not check.passed
    assert check.blocks
    assert check.reason == "validity 70.0% is below 97%: many (2 rows), few (1 rows)"
    assert check.facts == {"broken_rules": {"many": 2, "few": 1}, "sample_keys": {"many": ["4", "5"], "few": ["6"]}}
    assert list(check.facts["broken_rules"]) == ["many", "few"]


def test_a_check_that_passed_gives_no_reason() -> None:
    check = check_of("2026-01-10", score(100, 1, few=1), {})
    assert check.passed
    assert check.reason == ""
    assert check.facts["broken_rules"] == {"few": 1}
    assert check_of("2026-01-10", score(100, 0), {}).facts == {}


@pytest.mark.parametrize(
    ("passed", "blocking", "blocks"), [(True, True, False), (False, True, True), (False, False, False)]
)
def test_only_a_blocking_check_that_failed_blocks(passed: bool, blocking: bool, blocks: bool) -> None:
    assert CheckResult("2026-01-10", "any", passed=passed, blocking=blocking).blocks is blocks
