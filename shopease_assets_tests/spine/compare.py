"""Compares what the lake publishes with what PostgreSQL computes, row by row and column by column."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from hashlib import sha256
from math import isclose

import polars as pl

from shopease_assets.core.layout import TableRef, partition_date
from shopease_assets_tests.platform import Platform
from shopease_assets_tests.spine.independent import figures
from shopease_assets_tests.spine.independent_daily import DAILY

KEYS = {
    "fact_sales": ("order_item_id",),
    "daily_sales_summary": ("dt", "tenant_id"),
    "daily_product_sales": ("dt", "tenant_id", "product_id"),
    "daily_customer_sales": ("dt", "tenant_id", "customer_id"),
    "daily_channel_sales": ("dt", "tenant_id", "sales_channel", "payment_method", "store_id"),
    "daily_geographic_sales": ("dt", "tenant_id", "country", "state", "city"),
    "fact_web_events": ("event_id",),
    "daily_web_funnel": ("dt", "tenant_id", "device_type"),
    "fact_inventory": ("dt", "product_id", "store_id"),
    "product_performance": ("tenant_id", "product_id"),
    "customer_analytics": ("tenant_id", "customer_id"),
    "customer_lifetime_value": ("tenant_id", "customer_id"),
    "clv_by_segment": ("tenant_id", "customer_segment"),
    "customer_360": ("tenant_id", "customer_id"),
    "monthly_sales_trends": ("tenant_id",),
    "cohort_retention": ("tenant_id", "cohort_month", "months_since"),
    "market_basket": ("tenant_id", "product_a", "product_b"),
    "dim_customer": ("customer_key",),
    "dim_product": ("product_key",),
    "dim_store": ("store_id",),
    "dim_tenant": ("tenant_id",),
    "dim_geography": ("geography_key",),
    "dim_date": ("date_key",),
    "customer_segments": ("tenant_id", "customer_id"),
    "customer_acquisition": ("tenant_id",),
    "category_performance": ("tenant_id", "category"),
    "geographic_sales": ("tenant_id", "country", "state", "city"),
    "store_performance": ("tenant_id", "store_id"),
    "revenue_attribution": ("tenant_id", "sales_channel", "campaign", "device"),
    "seasonal_sales": ("tenant_id", "month_of_year", "iso_weekday"),
    "price_elasticity": ("tenant_id", "product_id"),
    "tenant_summary": ("tenant_id",),
    "subscription_metrics": ("tenant_id",),
    "invoice_aging": ("tenant_id", "bucket"),
    "inventory_position": ("tenant_id", "product_id", "store_id"),
}
#: Columns that a model estimates: PostgreSQL cannot say what they should be.
ESTIMATED = {
    "predicted_12m_value", "predicted_alive_probability", "method", "method_source", "backtest_error", "baseline_error",
}  # fmt: skip
_MOST = 5


def gold_differences(platform: Platform, table: str, last_day: date) -> list[str]:
    """Where a gold table differs from PostgreSQL's figures; empty when nowhere. Months end at `last_day`."""
    if table in DAILY:
        return differences(platform.rows(f"gold.{table}").to_dicts(), figures(platform.dsn, table), KEYS[table])
    published = platform.rows(f"gold.{table}")
    months = sorted(published["month"].unique())
    found = []
    for month in months:
        end = (month.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
        ours = (
            published.filter(pl.col("month") == month).drop({"month", *ESTIMATED} & set(published.columns)).to_dicts()
        )
        theirs = figures(platform.dsn, table, min(end, last_day))
        found += [f"{month}: {line}" for line in differences(ours, theirs, KEYS[table])]
    return found


def differences(
    ours: Iterable[Mapping[str, object]], theirs: Iterable[Mapping[str, object]], key: Sequence[str]
) -> list[str]:
    """What differs, the first few; rows are found by key, and every column of either side counts."""
    return [line for line, _ in zip(_differences(_by_key(ours, key), _by_key(theirs, key)), range(_MOST), strict=False)]


def _differences(
    ours: Mapping[tuple[object, ...], Mapping[str, object]], theirs: Mapping[tuple[object, ...], Mapping[str, object]]
) -> Iterator[str]:
    for name in ours.keys() ^ theirs.keys():
        yield f"{name} is only {'in the lake' if name in ours else 'at the source'}"
    for name in ours.keys() & theirs.keys():
        mine, other = ours[name], theirs[name]
        if mine.keys() != other.keys():
            yield f"columns {mine.keys() ^ other.keys()} are only on one side"
            return
        for column, value in mine.items():
            if not _same(value, other[column]):
                yield f"{name} {column}: the lake says {value!r}, PostgreSQL {other[column]!r}"


def _by_key(rows: Iterable[Mapping[str, object]], key: Sequence[str]) -> dict[tuple[object, ...], Mapping[str, object]]:
    rows = list(rows)
    found = {tuple(row[name] for name in key): row for row in rows}
    assert len(found) == len(rows), f"{key} is no key"
    return found


def _same(mine: object, other: object) -> bool:
    if isinstance(mine, float) and other is not None:
        return isclose(mine, float(other), rel_tol=1e-12, abs_tol=1e-15)  # type: ignore[arg-type]
    if isinstance(other, Decimal) and other == other.to_integral_value() and isinstance(mine, int):
        return mine == int(other)  # PostgreSQL sums integers as numeric
    return type(mine) is type(other) and mine == other


def digest(platform: Platform, table: TableRef, partitions: Sequence[str] | None = None) -> dict[str, str]:
    """Per partition, a hash of its sorted rows without what names the run: its time and its id."""
    return {
        key: _digest(platform.lake.scan(table, [key]).collect()) for key in partitions or platform.log.pointers(table)
    }


def _digest(rows: pl.DataFrame) -> str:
    content = rows.drop({"_extracted_at", "run_id", "quarantined_at"} & set(rows.columns))
    if "original_row" in content.columns:
        content = content.with_columns(pl.col("original_row").str.replace(r'"_extracted_at":"[^"]*"', ""))
    told = sorted(map(repr, content.rows()))
    return sha256(f"{content.schema}\n{told}".encode()).hexdigest()


def versions(platform: Platform) -> dict[TableRef, dict[str, str]]:
    """The version each partition of each table shows."""
    return {
        ref: {key: pointer.version for key, pointer in platform.log.pointers(ref).items()}
        for ref in platform.log.tables()
    }


def moved(
    before: Mapping[TableRef, Mapping[str, str]], after: Mapping[TableRef, Mapping[str, str]]
) -> dict[str, set[date]]:
    """The partitions per table that show another version than before."""
    return {
        str(ref): {partition_date(key) for key, version in shown.items() if before.get(ref, {}).get(key) != version}
        for ref, shown in after.items()
    }
