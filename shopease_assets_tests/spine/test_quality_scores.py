"""Quality as data: scores of every audited day, blocked ones too, as a table, a picture and a scoreboard."""

import json
from collections.abc import Iterator
from datetime import date, timedelta

import dagster as dg
import polars as pl
import pytest

from shopease_assets.automation.stale_scores import stale_scores
from shopease_assets.core.layout import TableRef
from shopease_assets.core.quality import THRESHOLDS, Dimension
from shopease_assets.sources.embedded import create_database, drop_database
from shopease_assets.synthetic import create
from shopease_assets.synthetic.dataset import TABLES
from shopease_assets_tests.faults.good_day import DAY, both_layers, fill
from shopease_assets_tests.platform import LAST_DAY, START, Platform

_SCORES = "gold/data_quality_scores"


@pytest.fixture(scope="module")
def half_blocked(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """Two days of a small shop; on the second, 5 of 100 orders have a status nobody knows."""
    dsn = create_database(server, "quality_scores")
    create(dsn, relaxed=True)
    with Platform(dsn, tmp_path_factory.mktemp("scores") / "lake") as platform:
        fill(dsn, rows=100)
        fill(dsn, rows=100, day=DAY + timedelta(days=1), first=101, tables=["orders", "order_items"])
        platform.sql("update shop.orders set status = 'lost' where order_id between 101 and 105")
        platform.run(DAY, DAY + timedelta(days=1), tables=[*both_layers(), _SCORES])
        yield platform
    drop_database(server, "quality_scores")


def test_every_silver_table_has_a_score_per_dimension_and_day(built: Platform) -> None:
    scores = built.rows("gold.data_quality_scores")
    days = (LAST_DAY - START).days + 1
    assert set(scores["table_name"]) == {f"silver.{table}" for table in TABLES}
    assert len(scores) == len(TABLES) * len(Dimension) * days
    assert scores["passed"].all()
    rows = {table: len(built.rows(f"bronze.{table}")) for table in TABLES}
    validity = scores.filter(dimension="validity").group_by("table_name").agg(pl.col("rows").sum())
    assert dict(validity.iter_rows()) == {f"silver.{table}": seen for table, seen in rows.items()}


def test_a_blocked_day_has_its_failed_score(half_blocked: Platform) -> None:
    day = DAY + timedelta(days=1)
    assert day.isoformat() not in half_blocked.log.pointers(TableRef("silver", "orders"))
    (score,) = (
        half_blocked.rows("gold.data_quality_scores", day)
        .filter(table_name="silver.orders", dimension="validity")
        .to_dicts()
    )
    assert score == {
        "dt": day,
        "table_name": "silver.orders",
        "dimension": "validity",
        "rows": 100,
        "failed_rows": 5,
        "score": pytest.approx(0.95),
        "threshold": THRESHOLDS[Dimension.VALIDITY],
        "passed": False,
    }


def test_scores_are_stale_once_a_day_was_audited_again(half_blocked: Platform) -> None:
    assert stale_scores(half_blocked.log) == {}
    half_blocked.run(DAY, tables=["silver/orders"])
    assert list(stale_scores(half_blocked.log)) == [DAY.isoformat()]
    half_blocked.run(DAY, tables=[_SCORES])
    assert stale_scores(half_blocked.log) == {}


def test_the_newest_day_s_materialisation_shows_the_trend(half_blocked: Platform) -> None:
    half_blocked.run(DAY + timedelta(days=1), tables=[_SCORES])  # one day: the days before it come from the lake
    record = half_blocked.instance.get_latest_materialization_event(dg.AssetKey(_SCORES.split("/")))
    assert record is not None
    assert record.asset_materialization is not None
    trend = str(record.asset_materialization.metadata["trend"].value)
    assert trend.startswith(f"![Quality of silver, {DAY} to {DAY + timedelta(days=1)}](data:image/svg+xml;base64,")


def test_a_failed_check_names_rules_with_counts_and_up_to_five_keys(half_blocked: Platform) -> None:
    day = (DAY + timedelta(days=1)).isoformat()
    (result,) = [
        result
        for result in half_blocked.log.quality(TableRef("silver", "orders"), [day])
        if result.check == Dimension.VALIDITY
    ]
    assert result.details["broken_rules"] == {"status|listed": 5}
    assert result.details["sample_keys"] == {"status|listed": ["101", "102", "103", "104", "105"]}


def test_customers_for_analysts_name_nobody(built: Platform) -> None:
    told, named = built.rows("gold.customers_pseudonymised"), built.rows("silver.customers")
    assert not set(named.columns) & set(told.columns) & {"email", "first_name", "last_name", "phone", "address_line1"}
    assert len(told) == len(named)
    both = told.join(named, on="customer_key", validate="1:1")
    assert both["email_domain"].to_list() == [email.split("@")[1] for email in both["email"]]
    assert both["birth_year"].to_list() == [born and born.year for born in both["date_of_birth"]]
    per_email = both.group_by("email").agg(pl.col("email_hash").n_unique())["email_hash"]
    assert per_email.unique().to_list() == [1]
    assert both["email_hash"].n_unique() == both["email"].n_unique()
    text = json.dumps([[str(value) for value in row] for row in told.rows()])
    for column in ("email", "phone", "address_line1"):
        assert not [value for value in named[column].drop_nulls() if value in text]


def test_a_pseudonym_depends_on_the_key() -> None:
    from shopease_assets.core.pseudonyms import pseudonym

    emails = pl.DataFrame({"email": ["ada@example.com", None]})
    hashes = [emails.select(pseudonym(pl.col("email"), key)).to_series().to_list() for key in (b"one", b"two")]
    # RFC 2104, as any other implementation computes it: printf ada@example.com | openssl dgst -sha256 -hmac one
    assert hashes[0][0] == "bcca1cb929bf24f39a9f8e8a9c41bb564f8c61aed643d37be691ce5d1c51cc03"
    assert hashes[0][0] != hashes[1][0]
    assert [pair[1] for pair in hashes] == [None, None]


def test_scores_of_a_day_nobody_audited_are_none(half_blocked: Platform) -> None:
    assert half_blocked.run(date(2026, 2, 1), tables=[_SCORES]).success
    assert half_blocked.rows("gold.data_quality_scores", date(2026, 2, 1)).is_empty()
