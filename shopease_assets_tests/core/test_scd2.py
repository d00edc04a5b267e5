"""Dimension history is a function of the set of versions known: against lookups that scan all of them."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise, product
from zoneinfo import ZoneInfo

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from shopease_assets.core.scd2 import at_end_of, history

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
SCHEMA = {
    "member": pl.Int64(),
    "name": pl.String(),
    "gone": pl.Boolean(),
    "created_at": pl.Datetime("us", "UTC"),
    "updated_at": pl.Datetime("us", "UTC"),
}
Version = tuple[int, str | None, bool | None, int, int]  # member, name, gone, hours created and updated
HOURS = range(-2, 40)
VERSIONS = st.lists(
    st.tuples(
        st.integers(1, 3),
        st.sampled_from(["a", "b", None]),
        st.sampled_from([False, False, None, True]),
        st.integers(0, 12),
        st.integers(0, 36),
    ),
    max_size=14,
)


def at(hour: int) -> datetime:
    return NOON + timedelta(hours=hour)


def frame(versions: Sequence[Version]) -> pl.DataFrame:
    rows = [(member, name, gone, at(created), at(updated)) for member, name, gone, created, updated in versions]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def known(versions: Sequence[Version]) -> pl.DataFrame:
    return frame(versions).lazy().pipe(history, "member", deleted="gone").collect()


def looked_up(rows: pl.DataFrame, member: int, hour: int) -> list[str | None]:
    """The names valid then, by the intervals."""
    valid = (pl.col("valid_from") <= at(hour)) & (pl.col("valid_to").is_null() | (pl.col("valid_to") > at(hour)))
    return rows.filter(valid, member=member)["name"].to_list()


def remembered(versions: Sequence[Version], member: int, hour: int) -> list[str | None]:
    """The same by scanning: the last version that had begun, unless it is a deletion."""
    mine = sorted((v for v in versions if v[0] == member), key=lambda v: v[4])
    begun = [v for n, v in enumerate(mine) if (v[4] if v[4] > mine[0][4] else min(v[3], v[4])) <= hour]
    return [begun[-1][1]] if begun and not begun[-1][2] else []


@given(VERSIONS, st.randoms())
def test_neither_order_nor_repetition_changes_history(versions: list[Version], chance: object) -> None:
    again = versions + versions[::2]
    chance.shuffle(again)  # type: ignore[attr-defined]
    assert_frame_equal(known(again), known(versions))


@settings(deadline=None)
@given(VERSIONS)
def test_a_lookup_at_any_time_finds_what_scanning_all_versions_finds(versions: list[Version]) -> None:
    versions = list({(member, updated): (member, *told, updated) for member, *told, updated in versions}.values())
    rows = known(versions)
    for member, hour in product((1, 2, 3), HOURS):
        assert looked_up(rows, member, hour) == remembered(versions, member, hour), (member, hour)


@given(VERSIONS)
def test_intervals_neither_overlap_nor_end_before_they_begin_and_end_only_for_a_successor_or_a_deletion(
    versions: list[Version],
) -> None:
    rows = known(versions)
    deletions = {(member, at(updated)) for member, _, gone, _, updated in versions if gone}
    for (member,), mine in rows.group_by("member"):
        spans = list(zip(mine["valid_from"], mine["valid_to"], strict=True))
        assert all(end is None or start < end for start, end in spans)
        assert all(
            end == following or (end < following and (member, end) in deletions)
            for (_, end), (following, _) in pairwise(spans)
        )
        assert spans[-1][1] is None or (member, spans[-1][1]) in deletions
        assert mine["is_current"].to_list() == [end is None for _, end in spans]


@given(VERSIONS, st.integers(0, 3))
def test_the_state_at_a_day_s_end_knows_nothing_of_later_and_agrees_on_all_before(
    versions: list[Version], days: int
) -> None:
    day, zone = date(2026, 1, 1) + timedelta(days), ZoneInfo("Asia/Kolkata")
    end = 6 + 30 / 60 + 24 * days  # midnight in Kolkata, in hours after noon UTC
    rows = known(versions)
    state = rows.lazy().pipe(at_end_of, day, zone).collect()
    assert all(looked_up(state, m, h) == looked_up(rows, m, h) for m in (1, 2, 3) for h in HOURS if h < end)
    later = [v for v in versions if v[4] >= end and any(w[0] == v[0] and w[4] < end for w in versions)]
    earlier = [v for v in versions if v not in later]
    assert_frame_equal(state, known(earlier).lazy().pipe(at_end_of, day, zone).collect())
    assert state["is_current"].to_list() == state["valid_to"].is_null().to_list()
    assert state.filter("is_current")["member"].is_unique().all()


def test_the_first_version_known_is_valid_from_its_creation_and_later_ones_from_their_change() -> None:
    rows = known([(1, "new", False, 0, 20), (1, "old", False, 0, 10)])
    assert rows.select("name", "valid_from", "valid_to", "is_current").rows() == [
        ("old", at(0), at(20), False),
        ("new", at(20), None, True),
    ]


def test_a_deletion_ends_a_member_and_a_reinsertion_begins_him_anew() -> None:
    rows = known([(1, "a", False, 0, 0), (1, None, True, 0, 5), (1, "b", False, 9, 9)])
    assert rows.select("name", "valid_from", "valid_to", "is_current").rows() == [
        ("a", at(0), at(5), False),
        ("b", at(9), None, True),
    ]
    assert not known([(1, "a", False, 0, 0), (1, None, True, 0, 5)])["is_current"].any()


def test_versions_of_one_instant_are_one_and_a_living_one_outlives_a_deletion() -> None:
    twins = [(1, "a", False, 0, 4), (1, "b", False, 0, 4), (1, "c", True, 0, 4), (1, None, False, 0, 4)]
    assert known(twins)["name"].to_list() == ["b"]


def test_a_version_that_changes_nothing_is_kept_apart() -> None:
    assert len(known([(1, "a", False, 0, 4), (1, "a", False, 0, 5)])) == 2


def test_without_a_flag_nothing_is_deleted() -> None:
    rows = frame([(1, "a", True, 0, 4)]).lazy().pipe(history, "member").collect()
    assert rows["is_current"].to_list() == [True]
