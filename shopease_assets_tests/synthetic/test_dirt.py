"""The ledger says what was planted: no fault without a row in it, no row without a fault."""

import json
from datetime import datetime

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from shopease_assets.core.errors import SourceError
from shopease_assets.synthetic import TABLES, Dataset, Dirt, cascades, generate
from shopease_assets.synthetic.dataset import KEYS, business_day
from shopease_assets_tests.synthetic.conftest import START


def keyed(dataset: Dataset, table: str) -> pl.DataFrame:
    """The table's rows by key and column, as text: `key`, `column`, `value`."""
    frame = dataset.frames[table].unique(KEYS[table], maintain_order=True)
    return frame.select(
        pl.struct(KEYS[table]).struct.json_encode().alias("key"), pl.exclude(KEYS[table]).cast(pl.String)
    ).unpivot(index="key", variable_name="column")


@pytest.fixture(scope="session")
def before() -> Dataset:
    return generate("tiny", start=START)


@pytest.mark.parametrize("table", [table for table in TABLES if table != "inventory"])  # orphans change its key
def test_the_ledger_lists_exactly_what_changed(before: Dataset, full: Dataset, table: str) -> None:
    changed = keyed(before, table).join(keyed(full, table), on=["key", "column"], suffix="_now")
    changed = changed.filter(pl.col("value").ne_missing(pl.col("value_now")))
    # A negative shipping cost goes with a total that still adds up: one fault.
    listed = full.ledger.filter((pl.col("table") == table) & (pl.col("rule") != "key|unique"))
    compensated = listed.filter(pl.col("rule") == "shipping_cost|min")["key"].implode()
    changed = changed.filter(~((pl.col("column") == "total_amount") & pl.col("key").is_in(compensated)))
    assert_frame_equal(
        changed.select("key", "column", original="value", planted="value_now"),
        listed.select("key", "column", "original", "planted"),
        check_row_order=False,
    )


def test_duplicates_are_listed_once_each(full: Dataset) -> None:
    for table in TABLES:
        listed = full.ledger.filter((pl.col("table") == table) & (pl.col("rule") == "key|unique"))
        frame = full.frames[table]
        assert frame.height - frame.n_unique(KEYS[table]) == listed.height
        assert frame.height - frame.unique().height == listed.height  # they are copies in every column


def test_every_fault_has_a_row_of_its_own(full: Dataset, light: Dataset) -> None:
    for dataset in (full, light):
        assert dataset.ledger.select("table", "key").is_unique().all()


def test_the_ledger_knows_the_business_day(full: Dataset) -> None:
    orders = full.frames["orders"].select(
        pl.struct("order_id").struct.json_encode().alias("key"), business_day("orders").alias("expected")
    )
    listed = full.ledger.filter(pl.col("table") == "orders").join(orders.unique(), on="key")
    assert (listed["day"] == listed["expected"]).all()


@pytest.mark.parametrize(
    ("table", "kind", "share"),
    [("orders", "nullability", 0.05), ("order_items", "nullability", 0.05), ("web_events", "listed", 0.02)],
)
def test_rates_are_shares_of_rows(full: Dataset, table: str, kind: str, share: float) -> None:
    listed = full.ledger.filter((pl.col("table") == table) & pl.col("rule").str.ends_with(kind)).height
    assert listed == pytest.approx(share * full.frames[table].height, rel=0.05)


def test_every_kind_of_fault_is_planted_even_in_tiny(full: Dataset) -> None:
    rules = set(full.ledger["rule"])
    assert {"email|format", "total_adds_up", "line_total_adds_up", "metadata|json", "noise"} <= rules
    assert {"customer_id|exists", "product_id|exists", "quantity|min", "key|unique"} <= rules
    assert set(full.ledger["dimension"]) == {"completeness", "consistency", "validity", "accuracy"}


def test_broken_json_does_not_parse_and_malformed_emails_do_not_match(full: Dataset) -> None:
    planted = full.ledger.filter(pl.col("rule").str.ends_with("|json"))["planted"]
    for text in planted:
        with pytest.raises(json.JSONDecodeError):
            json.loads(text)
    emails = full.ledger.filter(pl.col("rule") == "email|format")["planted"].str.strip_chars().str.to_lowercase()
    assert not emails.str.contains(r"^[^@\s]+@[^@\s]+\.[^@\s]+$").any()


def test_wrong_totals_are_wrong_and_outliers_still_add_up(full: Dataset) -> None:
    total = pl.col("subtotal") + pl.col("tax_amount") + pl.col("shipping_cost") - pl.col("discount_amount")
    wrong = full.frames["orders"].filter(pl.col("total_amount") != total)
    keys = wrong.select(pl.struct("order_id").struct.json_encode()).to_series()
    listed = full.ledger.filter(pl.col("rule") == "total_adds_up")["key"]
    assert set(keys) == set(listed)


def test_a_negative_shipping_cost_breaks_no_other_rule(full: Dataset) -> None:
    orders = full.frames["orders"].filter(pl.col("shipping_cost") < 0)
    assert not orders.is_empty()
    assert (orders["total_amount"] >= 0).all()


def test_faulty_parents_are_childless_except_orders(full: Dataset) -> None:
    faulty = full.ledger.filter(~pl.col("rule").is_in(["noise", "key|unique"]))
    for parent, key, children in (
        ("customers", "customer_id", ("orders", "web_events", "subscriptions", "invoices")),
        ("products", "product_id", ("order_items", "inventory", "web_events")),
    ):
        ids = faulty.filter(pl.col("table") == parent)["key"].str.json_path_match(f"$.{key}").cast(pl.Int64)
        for child in children:
            assert not full.frames[child][key].is_in(ids.implode()).any()


def test_cascades_are_the_sound_items_of_faulty_orders(full: Dataset) -> None:
    followers = cascades(full)
    listed = full.ledger.filter(pl.col("table") == "order_items")
    assert not followers.is_empty()
    assert followers.join(listed, on="key", how="semi").is_empty()


def test_light_dirt_fits_the_strict_schema_and_is_all_repaired_but_a_few_emails(light: Dataset) -> None:
    assert not light.relaxed
    assert set(light.ledger["rule"]) == {"noise", "email|format"}
    emails = light.ledger.filter(pl.col("rule") == "email|format")
    assert emails.height == 6  # 1 % of the 600 customers registered before the start
    assert (emails["day"] < light.window.start).all()


def test_noise_is_gone_after_trimming_and_lower_casing(light: Dataset) -> None:
    noise = light.ledger.filter(pl.col("rule") == "noise")
    assert (noise["original"] != noise["planted"]).all()
    cleaned = noise["planted"].str.strip_chars().str.to_lowercase()
    assert (cleaned == noise["original"].str.to_lowercase()).all()


def test_light_noise_hits_about_two_rows_in_a_hundred(light: Dataset) -> None:
    noise = light.ledger.filter((pl.col("rule") == "noise") & (pl.col("table") == "orders"))
    assert noise.height == pytest.approx(0.02 * light.frames["orders"].height, rel=0.05)


def test_planted_counts_per_table_day_and_rule(full: Dataset) -> None:
    planted = full.planted()
    assert planted["faults"].sum() == full.ledger.height
    assert planted.select("table", "day", "rule").is_unique().all()


def test_a_rate_beyond_one_cannot_be_built() -> None:
    with pytest.raises(SourceError, match="nulls"):
        Dirt(nulls=5)


def test_business_times_are_never_hit(full: Dataset) -> None:
    for table in TABLES:
        assert full.frames[table]["updated_at"].null_count() == 0
        assert isinstance(full.frames[table]["created_at"].min(), datetime)
