"""How far a table looks back, and that of many months only one is held at a time."""

from collections.abc import Iterator

import dagster as dg
import pyarrow as pa
import pytest

from shopease_assets.core.errors import QueryError
from shopease_assets.kit.month_state import in_turn
from shopease_assets.kit.partitions import HISTORY_OF_DAY, HISTORY_OF_MONTH

_DAYS = dg.DailyPartitionsDefinition("1996-02-01", end_date="2026-02-01")
_MONTHS = dg.MonthlyPartitionsDefinition("1996-02-01", end_date="2026-02-01")
_SCHEMA = pa.schema({"customer_id": pa.int64()})


@pytest.mark.parametrize(
    ("history", "partitions", "newest"),
    [(HISTORY_OF_DAY, _DAYS, "2026-01-31"), (HISTORY_OF_MONTH, _MONTHS, "2026-01-01")],
)
def test_history_is_thirty_years_of_days(
    history: dg.TimeWindowPartitionMapping, partitions: dg.TimeWindowPartitionsDefinition, newest: str
) -> None:
    asked = partitions.empty_subset().with_partition_keys([newest])
    seen = history.get_upstream_mapped_partitions_result_for_partitions(asked, partitions, _DAYS)
    assert list(seen.partitions_subset.get_partition_keys()) == _DAYS.get_partition_keys()


def test_a_month_is_made_when_the_one_before_was_read() -> None:
    made = []

    def states() -> Iterator[pa.Table]:
        for customers in ([1, 2], [], [1, 2, 3]):
            made.append(len(customers))
            yield pa.table({"customer_id": customers}, _SCHEMA)

    rows = in_turn(states())
    assert rows.read_next_batch().num_rows == 2
    assert made == [2]
    assert rows.read_next_batch().num_rows == 3
    assert made == [2, 0, 3]


def test_months_without_rows_still_have_their_columns() -> None:
    empty = _SCHEMA.empty_table()
    assert in_turn([empty, empty]).read_all() == empty


def test_a_month_that_cannot_be_made_says_why() -> None:
    def states() -> Iterator[pa.Table]:
        yield pa.table({"customer_id": [1]}, _SCHEMA)
        raise QueryError("customer_360: column 'city' is missing")

    with pytest.raises(QueryError, match="column 'city' is missing"):
        in_turn(states()).read_all()
