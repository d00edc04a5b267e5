"""Cleaning and deduplication: what may change in a row, what may not, and that nothing makes it raise."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import md5

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from shopease_assets.core.cleaning import ROW, clean, latest_per_key, surrogate_key
from shopease_assets_tests.core.samples import DAY, Parcels, parcel, parcels

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(-1e9, 1e9) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
KNOWN = {"fragile": "fragile", "pieces": "pieces", "note": "note", "volume_m3": "volume"}
NOON = datetime(2026, 1, 10, 12, tzinfo=UTC)


def cleaned(*rows: dict[str, object]) -> list[dict[str, object]]:
    """The rows after cleaning."""
    return parcels(*rows).lazy().pipe(clean, Parcels).collect().to_dicts()


def latest(frame: pl.DataFrame) -> pl.DataFrame:
    """One row per parcel, after cleaning."""
    return frame.lazy().pipe(clean, Parcels).pipe(latest_per_key, Parcels).collect()


# ---- text ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "raw", "expected"),
    [
        ("sender", "  Ada@Example.COM ", "ada@example.com"),
        ("state", " SENT\t", "sent"),
        ("grade", " gOLD ", "Gold"),
        ("currency", " EUR ", "EUR"),
        ("currency", "eur", "eur"),  # not an enumeration: judged as it is
        ("label", "\n Two  words \u00a0", "Two  words"),
        ("label", "", None),
        ("label", " \t ", None),
        ("label", None, None),
    ],
)
def test_text_is_trimmed_cased_and_never_empty(column: str, raw: str | None, expected: str | None) -> None:
    (row,) = cleaned(parcel(**{column: raw}))
    assert row[column] == expected


@given(st.lists(st.tuples(TEXT, TEXT, TEXT), min_size=1, max_size=6))
def test_cleaning_twice_is_cleaning_once_and_keeps_every_row_in_its_place(words: list[tuple[str, str, str]]) -> None:
    frame = parcels(*(parcel(n, sender=a, label=b, state=c) for n, (a, b, c) in enumerate(words)))
    once = frame.lazy().pipe(clean, Parcels).collect()
    assert once[ROW].to_list() == frame[ROW].to_list()
    text_columns = ["sender", "label", "state", "currency"]
    twice = frame.with_columns(once.select(text_columns)).lazy().pipe(clean, Parcels).collect()
    assert_frame_equal(twice.select(text_columns), once.select(text_columns))


# ---- JSON ------------------------------------------------------------------------------------------------------


def test_known_keys_become_typed_columns_and_the_rest_stays_json() -> None:
    document = {"fragile": True, "pieces": 3, "note": " top ", "volume_m3": 0.125, "z": [1, {"b": None}], "a": "x"}
    (row,) = cleaned(parcel(metadata=json.dumps(document)))
    assert (row["fragile"], row["pieces"], row["note"], row["volume"]) == (True, 3, "top", Decimal("0.125"))
    assert row["extra"] == '{"a":"x","z":[1,{"b":null}]}'
    assert row["_metadata_parses"] is True


@pytest.mark.parametrize(
    ("document", "column", "extra"),
    [
        ({"fragile": "yes"}, "fragile", {"fragile": "yes"}),
        ({"fragile": 1}, "fragile", {"fragile": 1}),
        ({"pieces": True}, "pieces", {"pieces": True}),
        ({"pieces": 1.5}, "pieces", {"pieces": 1.5}),
        ({"note": 5}, "note", {"note": 5}),
        ({"note": {"de": "oben"}}, "note", {"note": {"de": "oben"}}),
        ({"volume_m3": True}, "volume", {"volume_m3": True}),
        ({"volume_m3": 0.0005}, "volume", {"volume_m3": 0.0005}),
        ({"volume_m3": 1_000_000}, "volume", {"volume_m3": 1_000_000}),
        ({"volume_m3": "heavy"}, "volume", {"volume_m3": "heavy"}),
        ({"volume_m3": "NaN"}, "volume", {"volume_m3": "NaN"}),
        ({"note": None}, "note", None),
    ],
)
def test_a_value_of_the_wrong_type_stays_in_the_rest(
    document: dict[str, object], column: str, extra: dict[str, object] | None
) -> None:
    (row,) = cleaned(parcel(metadata=json.dumps(document)))
    assert row[column] is None
    assert (None if row["extra"] is None else json.loads(str(row["extra"]))) == extra
    assert row["_metadata_parses"] is True


@pytest.mark.parametrize("number", ["0.001", "999999.999", "-12.5", "7", '"0.100"', "1e3"])
def test_decimals_of_json_are_exact(number: str) -> None:
    (row,) = cleaned(parcel(metadata=f'{{"volume_m3": {number}}}'))
    assert row["volume"] == Decimal(number.strip('"'))


@pytest.mark.parametrize("text", ["{", "{'a': 1}", "not json", '{"a": 1} x', "NaN", '{"a": Infinity}', '{"a": 01}'])
def test_broken_json_is_told_and_nothing_is_read_from_it(text: str) -> None:
    (row,) = cleaned(parcel(metadata=text))
    assert row["_metadata_parses"] is False
    assert {row[name] for name in (*KNOWN.values(), "extra")} == {None}


@pytest.mark.parametrize("text", ["[1, 2]", "3", '"word"', "true", "null"])
def test_json_that_is_no_object_is_kept_whole(text: str) -> None:
    (row,) = cleaned(parcel(metadata=text))
    assert row["_metadata_parses"] is True
    assert json.loads(str(row["extra"])) == json.loads(text)


@given(st.lists(TEXT.filter(str.strip) | JSON.map(json.dumps), min_size=1, max_size=5))
@settings(deadline=None)
def test_no_text_makes_cleaning_raise(texts: list[str]) -> None:
    rows = cleaned(*(parcel(n, metadata=text) for n, text in enumerate(texts)))
    for row, text in zip(rows, texts, strict=True):
        assert row["metadata"] == text
        assert row["_metadata_parses"] is _parses(text)


@given(st.dictionaries(st.sampled_from(sorted(KNOWN)) | TEXT, JSON, max_size=5))
@settings(deadline=None)
def test_what_is_read_and_the_rest_make_up_the_document(document: dict[str, object]) -> None:
    (row,) = cleaned(parcel(metadata=json.dumps(document)))
    rest = {} if row["extra"] is None else json.loads(str(row["extra"]))
    for name, value in document.items():
        read = row[KNOWN[name]] if name in KNOWN else None
        if name in rest:
            assert read is None
            assert rest[name] == value
        elif name not in KNOWN:
            raise AssertionError(f"{name!r} is lost")
        elif isinstance(value, str) and name == "note":
            assert read == value.strip()
        elif value is not None:
            assert read is not None
            assert Decimal(str(value)) == read if name == "volume_m3" else value == read


def _parses(text: str) -> bool:
    def refuse(constant: str) -> object:
        raise ValueError(constant)

    try:
        json.loads(text, parse_constant=refuse)
    except ValueError:
        return False
    return True


# ---- duplicates ------------------------------------------------------------------------------------------------

VERSION = st.builds(
    lambda parcel_id, minutes, weight, label: parcel(
        parcel_id, updated_at=NOON + timedelta(minutes=minutes), weight=weight, label=label
    ),
    st.none() | st.integers(1, 4),
    st.integers(0, 2),
    st.integers(1, 3),
    st.sampled_from(["a", "b", None]),
)
CONTENT = list(Parcels.columns())


@given(st.lists(VERSION, max_size=12).flatmap(lambda rows: st.tuples(st.just(rows), st.permutations(rows))))
@settings(deadline=None)
def test_the_order_of_arrival_does_not_matter(orders: tuple[list[dict[str, object]], list[dict[str, object]]]) -> None:
    one, other = (latest(parcels(*rows)).select("dt", *CONTENT) for rows in orders)
    assert sorted(map(repr, one.rows())) == sorted(map(repr, other.rows()))


@given(st.lists(VERSION, max_size=12))
@settings(deadline=None)
def test_the_latest_version_of_each_key_stays_and_rows_without_key_all_stay(rows: list[dict[str, object]]) -> None:
    kept = latest(parcels(*rows)).to_dicts()
    keyed = [row for row in rows if row["parcel_id"] is not None]
    newest: dict[object, object] = {}
    for row in keyed:
        newest[row["parcel_id"]] = max(newest.get(row["parcel_id"], row["updated_at"]), row["updated_at"])  # type: ignore[type-var]
    assert {row["parcel_id"]: row["updated_at"] for row in kept if row["parcel_id"] is not None} == newest
    assert sum(row["parcel_id"] is None for row in kept) == len(rows) - len(keyed)
    assert len(kept) == len(newest) + len(rows) - len(keyed)


@given(st.lists(VERSION, max_size=12))
@settings(deadline=None)
def test_deduplicating_twice_is_deduplicating_once(rows: list[dict[str, object]]) -> None:
    once = latest(parcels(*rows))
    twice = once.lazy().pipe(latest_per_key, Parcels).collect()
    assert_frame_equal(twice, once)


def test_equal_times_are_settled_by_content() -> None:
    rows = [parcel(1, weight=300), parcel(1, weight=200)]
    assert latest(parcels(*rows))["weight"].to_list() == latest(parcels(*rows[::-1]))["weight"].to_list()


def test_a_version_without_time_gives_way_to_any_other() -> None:
    assert latest(parcels(parcel(1, updated_at=None, weight=9), parcel(1, weight=5)))["weight"].to_list() == [5]


def test_the_same_key_on_two_days_is_two_rows() -> None:
    assert len(latest(parcels(parcel(1), parcel(1, dt=DAY + timedelta(days=1))))) == 2


# ---- surrogate keys --------------------------------------------------------------------------------------------


def test_surrogate_keys_are_md5_of_values_and_microseconds() -> None:
    changed = datetime(2026, 1, 10, 8, 0, 0, 123456, tzinfo=UTC)
    frame = pl.DataFrame(
        {"id": [42, None], "updated_at": [changed, changed]}, schema_overrides={"updated_at": pl.Datetime("us", "UTC")}
    )
    keys = frame.select(surrogate_key("id", "updated_at")).to_series().to_list()
    assert keys == ["2ac29e9de5adce2d226258d34df48d1f", None]
    assert keys[0] == md5(b"42|1768032000123456").hexdigest()


@given(st.lists(st.tuples(st.integers(0, 2**63 - 1), st.integers(0, 10**6)), min_size=1, unique=True, max_size=20))
@settings(deadline=None)
def test_different_versions_have_different_keys(versions: list[tuple[int, int]]) -> None:
    frame = pl.DataFrame(
        {
            "id": [number for number, _ in versions],
            "updated_at": [NOON + timedelta(microseconds=us) for _, us in versions],
        },
        schema={"id": pl.Int64(), "updated_at": pl.Datetime("us", "UTC")},
    )
    assert frame.select(surrogate_key("id", "updated_at")).to_series().n_unique() == len(versions)
