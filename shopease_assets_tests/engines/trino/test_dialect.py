"""A SELECT of Athena's gives Athena's answer on DuckDB, or is refused by name: a third outcome is a bug."""

from collections.abc import Collection
from pathlib import Path

import pyarrow as pa
import pytest

from shopease_assets.core.errors import QueryError
from shopease_assets.engines import trino
from shopease_assets.engines.duckdb import InputRelation
from shopease_assets.engines.trino.functions import FUNCTIONS, KNOWN_REFUSED
from shopease_assets.engines.trino.reference import page
from shopease_assets_tests.engines.trino.probes import NOW, REFUSED, ROWS, VALUES, Probe, same


class NoTables:
    """A lake in which nothing is published."""

    def table(self, layer: str, name: str) -> trino.PublishedTable:
        raise QueryError(f"there is no published table {layer}.{name}")

    def view(self, layer: str, name: str) -> str | None:
        return None

    def relation(self, layer: str, name: str, partitions: Collection[str]) -> InputRelation:
        raise AssertionError(f"{layer}.{name} is not there to be read")


def ask(sql: str) -> pa.Table:
    return trino.answer(sql, NoTables(), environment="dev", now=NOW)


@pytest.mark.parametrize("probe", VALUES, ids=lambda probe: probe.sql)
def test_a_value_is_what_athena_says(probe: Probe) -> None:
    answer = ask(f"select {probe.sql}")
    (value,) = answer.column(0).to_pylist()
    assert same(value, probe.value), value
    assert probe.type is None or answer.schema.types[0] == probe.type


@pytest.mark.parametrize("sql", ROWS)
def test_rows_are_what_athena_says(sql: str) -> None:
    answer = ask(sql)
    assert list(zip(*[column.to_pylist() for column in answer.columns], strict=True)) == ROWS[sql]


@pytest.mark.parametrize("sql", REFUSED)
def test_what_athena_refuses_or_we_cannot_equal_is_refused_by_name(sql: str) -> None:
    with pytest.raises(QueryError) as refusal:
        ask(f"select {sql}")
    assert REFUSED[sql] in str(refusal.value)
    assert str(refusal.value).startswith("query: ")


def test_a_value_without_a_name_is_called_as_in_athena() -> None:
    assert ask("select 1, 2 as two, 3").column_names == ["_col0", "two", "_col2"]


def test_the_page_says_what_the_code_does() -> None:
    written = Path(__file__).parents[3] / "docs" / "athena_dialect.md"
    assert written.read_text() == page(), (
        "run: python -m shopease_assets.engines.trino.reference > docs/athena_dialect.md"
    )
    assert not FUNCTIONS.keys() & KNOWN_REFUSED.keys()


@pytest.mark.parametrize("name", sorted(KNOWN_REFUSED))
def test_a_function_without_an_equal_is_refused_with_what_to_write_instead(name: str) -> None:
    with pytest.raises(QueryError, match=f"query: {name} is not translated; "):
        ask(f"select {name}(x) from (values 1) as t (x)")
