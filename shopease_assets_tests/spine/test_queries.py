"""The weekly questions: each runs in Athena's dialect on the built lake, and answers what its first line says."""

from typing import Any

import pytest
import sqlglot

from shopease_assets.cli.lake import PublishedLake
from shopease_assets.core.errors import QueryError
from shopease_assets.engines import trino
from shopease_assets.queries import named_queries, named_query
from shopease_assets_tests.platform import Platform

_QUERIES = named_queries()
_MAY_BE_EMPTY = {"customers_at_risk", "low_stock"}  # 45 days are short for losing customers or selling out


@pytest.mark.parametrize("name", _QUERIES)
def test_a_query_is_athena_s_and_says_what_it_answers(name: str) -> None:
    (statement,) = sqlglot.parse(_QUERIES[name].sql, dialect="athena")
    assert isinstance(statement, sqlglot.exp.Select)
    assert _QUERIES[name].answers.endswith(".")


@pytest.mark.parametrize("name", _QUERIES)
def test_a_query_finds_an_answer_in_the_built_lake(built: Platform, name: str) -> None:
    answer = trino.answer(_QUERIES[name].sql, PublishedLake(built.lake), environment="dev")
    assert len(answer) or name in _MAY_BE_EMPTY


def test_an_unknown_query_is_told_the_known_ones() -> None:
    with pytest.raises(QueryError, match=r"no query is called 'nonsense'; there are: acquisition_trend, "):
        named_query("nonsense")


def test_the_executive_summary_is_what_the_daily_sales_sum_to(built: Platform) -> None:
    sql = named_query("executive_summary").sql
    rows = trino.answer(sql, PublishedLake(built.lake), environment="dev").to_pylist()
    for row in rows:
        (theirs,) = built.sql(
            """select sum(case when o.ordered_at::date > date '2026-02-14' - 30 then i.line_total end),
                      sum(case when o.ordered_at::date <= date '2026-02-14' - 30 then i.line_total end)
               from shop.orders o join shop.order_items i using (order_id)
               where o.status in ('processing', 'shipped', 'delivered') and o.tenant_id = %s
                 and o.ordered_at::date > date '2026-02-14' - 60""",
            row["tenant_id"],
        )
        assert (row["revenue"], row["revenue_before"]) == theirs


def test_the_views_of_glue_answer_here_too(built: Platform) -> None:
    latest = _asked(built, "select distinct month from shopease_dev_gold.customer_analytics_latest as newest")
    assert [str(row["month"]) for row in latest] == ["2026-02-01"]
    (row,) = _asked(
        built,
        """select count(*) as orders, count(d.customer_key) as with_customer
           from silver.orders o left join gold.dim_customer_versions d
             on d.customer_id = o.customer_id and o.ordered_at >= d.valid_from and o.ordered_at < d.valid_to
           where o.dt < date '2026-02-01'""",
    )
    assert row["orders"] == row["with_customer"] > 0


def _asked(built: Platform, sql: str) -> list[dict[str, Any]]:
    return list(trino.answer(sql, PublishedLake(built.lake), environment="dev").to_pylist())
