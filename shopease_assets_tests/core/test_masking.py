"""What of a personal value, and of an error that quotes one, may be seen."""

import polars as pl
import pyarrow as pa
import pytest

from shopease_assets.core.errors import NotPublished, QueryError, StepError
from shopease_assets.core.masking import masked, masked_row, redacted, values_withheld

_PERSONAL = [
    "ada@example.com",
    "Ada Rao",
    "+1 (555) 123-4567",
    "555 123 456",
    "12 Main Street",
    "1980-02-03",
    "10.1.2.3",
]


@pytest.mark.parametrize(
    ("value", "shape"),
    [
        ("Ada.Rao@example.com", "Xxx.Xxx@xxxxxxx.xxx"),
        ("ada at home", "xxx xx xxxx"),
        ("+1 (555) 0100", "+9 (999) 9999"),
        ("१२ आ", "99 x"),
        ("", ""),
        (None, None),
        (1066, "9999"),
    ],
)
def test_a_masked_value_keeps_its_shape_only(value: object, shape: str | None) -> None:
    assert masked(value) == shape


def test_a_masked_row_hides_personal_columns_wherever_they_are_kept() -> None:
    row = {"id": "7", "email": "ada@x.in", "_unreadable": '{"price": "NaN", "phone": "555"}', "phone": None}
    hidden = masked_row(row, {"email", "phone"})
    assert hidden == {"id": "7", "email": "xxx@x.xx", "_unreadable": '{"price": "NaN", "phone": "999"}', "phone": None}


@pytest.mark.parametrize("value", _PERSONAL)
@pytest.mark.parametrize(
    "said",
    [
        "Could not convert string '{}' to INT32",
        'invalid input syntax for type date: "{}"',
        "Key (email)=({}) already exists.",
        "Failed to parse string: '{}' as a scalar of type int64",
        "no such customer: {}",
        "{} is unknown",
    ],
)
def test_a_redacted_text_holds_no_part_of_a_personal_value(said: str, value: str) -> None:
    told = redacted(said.format(value), ["email"])
    words = [word.strip("()") for word in value.replace("-", " ").split()]
    longer = [word for word in words if len(word) > 3 or word.isalpha()]
    assert value not in told
    assert not [word for word in longer if word in told]


def test_a_redacted_text_still_says_what_went_wrong_and_where() -> None:
    said = (
        "conversion from `str` to `i64` failed in column 'phone' for 1 out of 2 values: [\"Ada Rao\"]\n\nin shop.orders"
    )
    assert redacted(said, ["phone", "shop", "orders"]) == (
        "conversion from `str` to `i64` failed in column 'phone' for 1 out of 2 values: [\"…\"] in shop.orders"
    )


def test_a_foreign_error_is_told_by_type_table_and_column_without_its_values() -> None:
    frame = pl.DataFrame({"phone": ["Ada Rao"]})
    with (
        pytest.raises(StepError, match=r"silver\.customers: InvalidOperationError: .* column 'phone'") as raised,
        values_withheld("silver.customers", frame.columns, passing=KeyError),
    ):
        frame.select(pl.col("phone").cast(pl.Int64))
    assert "Ada" not in str(raised.value)
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__
    assert any("frame.select" in str(entry.statement) for entry in raised.traceback)


def test_what_an_engine_said_is_redacted_also_in_an_error_of_ours() -> None:
    with pytest.raises(StepError) as raised, values_withheld("gold.t", ["nickname"], passing=KeyError):
        raise QueryError("column 'nickname': Ada Rao would be rounded")
    assert str(raised.value) == "gold.t: QueryError: column 'nickname': … would be rounded"


def test_errors_of_ours_and_those_that_may_pass_are_left_alone() -> None:
    for error in (NotPublished("silver.orders 2026-01-03 is not published"), KeyError("Ada")):
        with pytest.raises(type(error)) as raised, values_withheld("t", [], passing=KeyError):
            raise error
        assert raised.value is error


def test_an_arrow_error_that_is_also_a_value_error_is_redacted() -> None:
    with pytest.raises(StepError) as raised, values_withheld("t", [], passing=KeyError):
        pa.array(["ada@example.com"]).cast(pa.int64())
    assert str(raised.value) == "t: ArrowInvalid: Failed to parse string: '…' as a scalar of type int64"
