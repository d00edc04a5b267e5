from datetime import date
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pytest
import sqlglot

from shopease_assets.engines.duckdb import run
from shopease_assets_tests.gold.shop import SCHEMAS, load, stock

MODELS = [
    "fact_sales",
    "daily_sales_summary",
    "daily_product_sales",
    "daily_customer_sales",
    "daily_channel_sales",
    "daily_geographic_sales",
    "fact_web_events",
    "daily_web_funnel",
    "product_performance",
    "customer_analytics",
    "clv_by_segment",
    "customer_360",
    "monthly_sales_trends",
    "cohort_retention",
    "market_basket",
    "customer_segments",
    "customer_acquisition",
    "category_performance",
    "geographic_sales",
    "store_performance",
    "revenue_attribution",
    "seasonal_sales",
    "price_elasticity",
    "tenant_summary",
    "subscription_metrics",
    "invoice_aging",
    "inventory_position",
]
AS_OF = date(2025, 3, 31)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("dialect", ["athena", "spark"])
def test_every_model_speaks_to_athena_and_spark(name: str, dialect: Literal["athena", "spark"]) -> None:
    text = load(name).transpile(dialect, as_of=AS_OF)
    (statement,) = sqlglot.parse(text, dialect=dialect)
    assert statement is not None
    assert statement.sql(dialect=dialect, pretty=True) == text
    assert "as_of" not in text


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("dialect", ["athena", "spark"])
def test_what_is_sent_to_another_engine_changes_only_on_purpose(name: str, dialect: Literal["athena", "spark"]) -> None:
    """A new sqlglot may translate otherwise: read the difference, then delete the file to accept it."""
    text = load(name).transpile(dialect, as_of=AS_OF) + "\n"
    sent = Path(__file__).parent / "sent" / dialect / f"{name}.sql"
    if not sent.exists():
        sent.parent.mkdir(parents=True, exist_ok=True)
        sent.write_text(text, encoding="utf-8")
        pytest.fail(f"{sent} did not exist; it was written: read it, then run the test again")
    assert sent.read_text(encoding="utf-8") == text


@pytest.mark.parametrize("name", MODELS)
def test_every_model_says_its_grain(name: str) -> None:
    assert load(name).docs.startswith("Grain: ")


@pytest.mark.parametrize("name", MODELS)
def test_every_measure_has_a_type_that_parquet_keeps(name: str) -> None:
    """HUGEINT would be written as DOUBLE; money of any other scale is money that was never rounded."""
    types = load(name).output_types(SCHEMAS)
    assert set(types.values()) <= {
        "BIGINT", "VARCHAR", "DATE", "BOOLEAN", "DOUBLE", "DECIMAL(12,2)", "DECIMAL(18,2)", "TIMESTAMP WITH TIME ZONE",
    }  # fmt: skip


@pytest.mark.parametrize("name", MODELS)
def test_every_model_gives_an_empty_typed_table_from_empty_inputs(name: str, tmp_path: Path) -> None:
    result = run(load(name), stock(tmp_path, {}), as_of=AS_OF)
    assert result.num_rows == 0
    load(name).check(SCHEMAS, pa.schema(result.schema))


@pytest.mark.parametrize("name", MODELS)
def test_every_column_comes_from_the_inputs_or_is_a_count(name: str) -> None:
    lineage = load(name).lineage(SCHEMAS)
    counts = {column for column, origins in lineage.items() if not origins}
    assert counts <= {
        "total_transactions", "cancelled_orders", "returned_orders", "orders", "orders_together", "cohort_size",
        "months_since", "confidence_ab", "confidence_ba", "transactions", "sessions", "new_customers",
        "first_purchases", "days_with_sales", "observations", "active_subscriptions", "bucket", "invoices",
        "customers", "web_events_30_days",
    }  # fmt: skip


def test_the_revenue_of_a_product_is_traced_to_its_day() -> None:
    lineage = load("product_performance").lineage(SCHEMAS)
    assert lineage["total_revenue"] == [("gold", "daily_product_sales", "revenue")]
    assert ("silver", "inventory", "stock_quantity") in lineage["current_stock"]
