"""The audit: every row is accounted for, every score is what counting by hand gives, every refusal says why."""

import json
from datetime import date, timedelta
from decimal import Decimal
from random import Random

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shopease_assets.core.audit import Audit, audit
from shopease_assets.core.cleaning import ROW, clean, latest_per_key
from shopease_assets.core.contract import Contract, foreign_key, key
from shopease_assets.core.quality import THRESHOLDS, Dimension
from shopease_assets_tests.core.samples import DAY, EXTRACTED, Parcels, parcel, parcels

NEXT = DAY + timedelta(days=1)
DAYS = [DAY.isoformat(), NEXT.isoformat()]
ORDERS = pl.DataFrame({"order_id": [7, 8]})


def judged(*rows: dict[str, object]) -> Audit:
    """The audit of parcels after cleaning and deduplication."""
    bronze = parcels(*rows)
    frame = bronze.lazy().pipe(clean, Parcels).pipe(latest_per_key, Parcels).collect()
    return audit(frame, bronze, Parcels, partitions=DAYS, parents={"order_id": ORDERS})


@pytest.mark.parametrize(
    ("broken", "rule", "dimension"),
    [
        ({"parcel_id": None}, "parcel_id|nullability", "completeness"),
        ({"sender": "  "}, "sender|nullability", "completeness"),
        ({"weight": None}, "weight|nullability", "completeness"),
        ({"insured": None}, "insured|nullability", "completeness"),
        ({"metadata": None}, "metadata|nullability", "completeness"),
        ({"sender": "ada@example"}, "sender|format", "validity"),
        ({"sender": "ada at example.com"}, "sender|format", "validity"),
        ({"sender": "a@@b.c"}, "sender|format", "validity"),
        ({"state": "gone"}, "state|listed", "validity"),
        ({"grade": "Bronze"}, "grade|listed", "validity"),
        ({"currency": "eur"}, "currency|format", "validity"),
        ({"currency": "EURO"}, "currency|format", "validity"),
        ({"weight": 0}, "weight|min", "validity"),
        ({"price": Decimal("-0.01"), "weight": None}, "price|min", "validity"),
        ({"metadata": "{"}, "metadata|json", "validity"),
        ({"sent_on": date(1899, 12, 31)}, "sent_on|plausible", "validity"),
        ({"sent_on": date(2026, 1, 14)}, "sent_on|plausible", "validity"),
        ({"_unreadable": '{"price": "NaN"}'}, "readable", "validity"),
        ({"order_id": 9}, "order_id|exists", "consistency"),
        ({"price": Decimal("2.49")}, "price_covers_weight", "accuracy"),
    ],
)
def test_a_row_that_breaks_a_rule_is_refused_and_says_which(
    broken: dict[str, object], rule: str, dimension: str
) -> None:
    verdict = judged(parcel(1), parcel(2, **broken) if "parcel_id" not in broken else parcel(None))
    assert verdict.good["parcel_id"].to_list() == [1]
    (refused,) = verdict.bad.to_dicts()
    assert rule in str(refused["rules"]).split(", ")
    assert dimension in str(refused["dimensions"]).split(", ")
    assert verdict.scores[DAYS[0]][Dimension(dimension)].broken_rules[rule] == 1


@pytest.mark.parametrize(
    "sound",
    [
        {"sender": " ADA@Example.com "},
        {"state": " Lost "},
        {"grade": "SILVER"},
        {"label": ""},
        {"order_id": None},
        {"weight": 1},
        {"price": Decimal("0.00"), "weight": None} | {"weight": 250, "price": Decimal("2.50")},
        {"sent_on": date(1900, 1, 1)},
        {"sent_on": date(2026, 1, 13)},
        {"metadata": '{"unknown": [1, 2]}'},
        {"weight": 5000, "price": Decimal("50.00")},  # heavy: a warning keeps nobody out
    ],
)
def test_a_sound_row_is_published(sound: dict[str, object]) -> None:
    verdict = judged(parcel(1, **sound))
    assert verdict.bad.is_empty()
    assert verdict.good["parcel_id"].to_list() == [1]


def test_a_refused_row_is_kept_as_it_was_read() -> None:
    (refused,) = judged(parcel(3, sender=" BAD ", price=Decimal("4.90"))).bad.to_dicts()
    original = json.loads(str(refused["original_row"]))
    assert (original["sender"], original["price"], original["parcel_id"]) == (" BAD ", "4.90", "3")
    assert json.loads(str(refused["row_key"])) == {"parcel_id": "3"}
    assert ROW not in original


def test_a_row_may_break_rules_of_several_dimensions() -> None:
    (refused,) = judged(parcel(3, sender=None, state="gone", order_id=9)).bad.to_dicts()
    assert set(str(refused["dimensions"]).split(", ")) == {"completeness", "validity", "consistency"}


def test_a_day_without_rows_scores_perfectly() -> None:
    scores = judged(parcel(1)).scores[DAYS[1]]
    assert all(score.passed and score.share == 1.0 and score.rows == 0 for score in scores.values())


def test_rows_that_appear_twice_with_one_key_are_refused_both() -> None:
    bronze = parcels(parcel(1), parcel(1))
    frame = bronze.lazy().pipe(clean, Parcels).collect()  # not deduplicated
    verdict = audit(frame, bronze, Parcels, partitions=DAYS, parents={"order_id": ORDERS})
    assert verdict.good.is_empty()
    assert verdict.bad["rules"].to_list() == ["key|unique"] * 2


def test_a_row_that_a_function_dropped_is_missed() -> None:
    bronze = parcels(parcel(1), parcel(2))
    frame = bronze.lazy().filter(pl.col("parcel_id") == 1).pipe(clean, Parcels).collect()
    verdict = audit(frame, bronze, Parcels, partitions=DAYS, parents={"order_id": ORDERS})
    assert verdict.accounts[DAYS[0]].lost == 1


def test_warnings_are_counted_by_day() -> None:
    verdict = judged(parcel(1, weight=2000, price=Decimal("20.00")), parcel(2, dt=NEXT))
    assert verdict.warnings[DAYS[0]] == {"is_light": 1}
    assert verdict.warnings[DAYS[1]] == {}


# ---- brute force -----------------------------------------------------------------------------------------------

MESSY = st.fixed_dictionaries(
    {
        "parcel_id": st.none() | st.integers(1, 6),
        "dt": st.sampled_from([DAY, NEXT]),
        "sender": st.sampled_from(["ada@example.com", " ADA@example.com", "ada", "", None]),
        "state": st.sampled_from(["sent", " LOST", "gone", None]),
        "order_id": st.sampled_from([7, 8, 9, None]),
        "weight": st.sampled_from([1, 250, 0, None]),
        "metadata": st.sampled_from(["{}", "{", None, '{"pieces": "x"}']),
        "updated_at": st.sampled_from([parcel()["updated_at"], None]),
    }
).map(lambda values: parcel() | values)


@given(st.lists(MESSY, max_size=15))
@settings(deadline=None)
def test_every_row_is_published_quarantined_or_deduplicated(rows: list[dict[str, object]]) -> None:
    verdict = judged(*rows)
    for day in DAYS:
        mine = [row for row in rows if str(row["dt"]) == day]
        account = verdict.accounts[day]
        keyed = [row["parcel_id"] for row in mine if row["parcel_id"] is not None]
        assert account.rows_in == len(mine)
        assert account.lost == 0
        assert account.deduplicated == len(keyed) - len(set(keyed))
    assert (
        len(verdict.good) == sum(account.published for account in verdict.accounts.values()) == len(verdict.good_rows)
    )
    assert len(verdict.bad) == sum(account.quarantined for account in verdict.accounts.values())


@given(st.lists(MESSY, max_size=12), st.sets(st.integers(0, 11)), st.randoms())
@settings(deadline=None)
def test_a_row_that_vanished_without_a_twin_is_missed_in_whatever_order_rows_come(
    rows: list[dict[str, object]], dropped: set[int], shuffled: Random
) -> None:
    shuffled.shuffle(rows)
    bronze = parcels(*rows)
    kept = bronze.filter(~pl.col(ROW).is_in(list(dropped))).lazy()
    frame = kept.pipe(clean, Parcels).pipe(latest_per_key, Parcels).collect()
    verdict = audit(frame, bronze, Parcels, partitions=DAYS, parents={"order_id": ORDERS})
    for day in DAYS:
        mine = [(number, row["parcel_id"]) for number, row in enumerate(rows) if str(row["dt"]) == day]
        still_there = {key for number, key in mine if number not in dropped and key is not None}
        missing = [key for number, key in mine if number in dropped and key not in still_there]
        assert verdict.accounts[day].lost == len(missing)


@given(st.lists(MESSY, max_size=15, unique_by=lambda row: (row["dt"], row["parcel_id"])))
@settings(deadline=None)
def test_scores_are_what_counting_by_hand_gives(rows: list[dict[str, object]]) -> None:
    verdict = judged(*rows)
    for day in DAYS:
        mine = [_broken(row) for row in rows if str(row["dt"]) == day]
        for dimension in Dimension:
            score = verdict.scores[day][dimension]
            assert score.rows == len(mine)
            assert score.failed_rows == sum(dimension in broken for broken in mine)
            assert score.threshold == THRESHOLDS[dimension]
            share = 1.0 if not mine else 1 - score.failed_rows / len(mine)
            assert score.passed is (share >= THRESHOLDS[dimension])
    assert len(verdict.bad) == sum(bool(_broken(row)) for row in rows)


def _broken(row: dict[str, object]) -> set[Dimension]:
    sender = str(row["sender"] or "").strip().lower()
    state = str(row["state"] or "").strip().lower()
    return {
        dimension
        for dimension, breaks in [
            (Dimension.COMPLETENESS, None in (row["parcel_id"], row["weight"], row["metadata"], row["updated_at"])),
            (Dimension.COMPLETENESS, not sender or not state),
            (Dimension.VALIDITY, sender not in {"", "ada@example.com"} or state not in {"", "sent", "lost"}),
            (Dimension.VALIDITY, row["weight"] == 0 or row["metadata"] == "{"),
            (Dimension.CONSISTENCY, row["order_id"] == 9),
        ]
        if breaks
    }


class Lines(Contract):
    """Grain: one line of an order of the same day."""

    line_id = key()
    order_id = foreign_key("orders", same_day=True)


def _lines(*order_ids: int) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "dt": [DAY] * len(order_ids),
            "line_id": range(len(order_ids)),
            "order_id": order_ids,
            "_unreadable": pl.Series([None] * len(order_ids), dtype=pl.String),
            "_extracted_at": [EXTRACTED] * len(order_ids),
        }
    ).with_row_index(ROW)


def _judged_lines(lines: pl.DataFrame, **refused: pl.DataFrame) -> Audit:
    parents = {"order_id": pl.DataFrame({"dt": [DAY], "order_id": [1]})}
    return audit(lines, lines, Lines, partitions=[DAYS[0]], parents=parents, refused_parents=refused)


def test_a_line_of_a_refused_order_is_refused_and_does_not_count() -> None:
    verdict = _judged_lines(_lines(1, 2, 2), order_id=pl.DataFrame({"dt": [DAY], "order_id": [2]}))
    score = verdict.scores[DAYS[0]][Dimension.CONSISTENCY]
    assert verdict.bad["rules"].to_list() == ["order_id|exists"] * 2
    assert (score.failed_rows, score.excused_rows, score.passed) == (0, 2, True)
    assert score.broken_rules == {"order_id|exists": 2}
    assert verdict.accounts[DAYS[0]].lost == 0


def test_a_line_of_an_order_nobody_has_seen_counts() -> None:
    verdict = _judged_lines(_lines(1, 2, 3), order_id=pl.DataFrame({"dt": [DAY], "order_id": [2]}))
    score = verdict.scores[DAYS[0]][Dimension.CONSISTENCY]
    assert (score.failed_rows, score.excused_rows, score.passed) == (1, 1, False)


def test_an_order_refused_on_another_day_is_no_excuse() -> None:
    verdict = _judged_lines(_lines(1, 2), order_id=pl.DataFrame({"dt": [NEXT], "order_id": [2]}))
    assert verdict.scores[DAYS[0]][Dimension.CONSISTENCY].failed_rows == 1


def test_a_lower_threshold_lets_a_worse_day_pass() -> None:
    lines = _lines(1, 2)
    parents = {"order_id": pl.DataFrame({"dt": [DAY], "order_id": [1]})}
    lenient = {**THRESHOLDS, Dimension.CONSISTENCY: 0.5}
    verdict = audit(lines, lines, Lines, partitions=[DAYS[0]], parents=parents, thresholds=lenient)
    score = verdict.scores[DAYS[0]][Dimension.CONSISTENCY]
    assert (score.threshold, score.passed) == (0.5, True)
