from datetime import UTC, datetime
from decimal import Decimal

import pyarrow as pa
import pytest

from shopease_assets.core.errors import QueryError
from shopease_assets.engines.arrow_types import cast_to, duckdb_type


@pytest.mark.parametrize(
    ("arrow", "name"),
    [
        (pa.int64(), "BIGINT"),
        (pa.decimal128(12, 2), "DECIMAL(12, 2)"),
        (pa.large_string(), "VARCHAR"),
        (pa.dictionary(pa.uint32(), pa.large_string()), "VARCHAR"),
        (pa.timestamp("us", "UTC"), "TIMESTAMPTZ"),
        (pa.timestamp("us"), "TIMESTAMP"),
        (pa.list_(pa.int64()), "BIGINT[]"),
        (pa.struct([("a b", pa.date32())]), 'STRUCT("a b" DATE)'),
    ],
)
def test_an_arrow_type_has_its_duckdb_name(arrow: pa.DataType, name: str) -> None:
    assert duckdb_type(arrow) == name


def test_a_type_without_a_duckdb_name_is_refused() -> None:
    with pytest.raises(QueryError, match="cast the column in its contract"):
        duckdb_type(pa.month_day_nano_interval())


def test_the_contract_gives_order_and_types() -> None:
    result = pa.table(
        {
            "revenue": pa.array([Decimal("1.50"), None], pa.decimal128(38, 2)),
            "orders": pa.array([Decimal(7), None], pa.decimal128(38, 0)),
            "rate": pa.array([0.1, None]),
        }
    )
    contract = pa.schema([("orders", pa.int64()), ("revenue", pa.decimal128(18, 2)), ("rate", pa.decimal128(5, 2))])
    assert cast_to(result, contract).schema == contract
    assert cast_to(result, contract).to_pylist() == [
        {"orders": 7, "revenue": Decimal("1.50"), "rate": Decimal("0.10")},
        {"orders": None, "revenue": None, "rate": None},
    ]


NOW = datetime(2025, 3, 1, 12, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("column", "target"),
    [
        (pa.array([2**40]), pa.int32()),
        (pa.array([2**63], pa.uint64()), pa.int64()),
        (pa.array([2.5]), pa.int64()),
        (pa.array([0.125]), pa.decimal128(18, 2)),
        (pa.array([0.1]), pa.float32()),
        (pa.array([Decimal("0.125")]), pa.decimal128(18, 2)),
        (pa.array([Decimal("12345.00")]), pa.decimal128(4, 2)),
        (pa.array([Decimal(2**70)], pa.decimal128(38, 0)), pa.int64()),
        (pa.array([2**60 + 1]), pa.float64()),
        (pa.array(["12.7"]), pa.int64()),
        (pa.array([NOW], pa.timestamp("us", "UTC")), pa.date32()),
        (pa.array([NOW], pa.timestamp("us", "UTC")), pa.bool_()),
        (pa.array([float("nan")]), pa.int64()),
    ],
)
def test_a_value_that_would_change_is_refused_by_name(column: pa.Array, target: pa.DataType) -> None:
    with pytest.raises(QueryError, match=r"column 'measure' is .* and does not fit the contract's .*: "):
        cast_to(pa.table({"measure": column}), pa.schema([("measure", target)]))


@pytest.mark.parametrize(
    ("names", "message"),
    [(["a"], "'b' of the contract is missing"), (["a", "b", "c"], "'c' is not in the"), (["a", "b", "b"], "twice")],
)
def test_columns_other_than_the_contract_s_are_refused(names: list[str], message: str) -> None:
    result = pa.Table.from_arrays([pa.array([1]) for _ in names], names=names)
    with pytest.raises(QueryError, match=message):
        cast_to(result, pa.schema([("a", pa.int64()), ("b", pa.int64())]))


def test_an_empty_result_takes_the_contract_s_types() -> None:
    contract = pa.schema([("a", pa.decimal128(18, 2))])
    assert cast_to(pa.schema([("a", pa.decimal128(38, 2))]).empty_table(), contract).schema == contract
