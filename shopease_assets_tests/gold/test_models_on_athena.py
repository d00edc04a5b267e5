"""Every model as it is sent to Athena gives DuckDB's rows. The stand-in runs the text; Athena itself is not here."""

from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pyarrow as pa

from shopease_assets.core.layout import TableRef
from shopease_assets.engines.athena import Athena
from shopease_assets.engines.duckdb import run
from shopease_assets.storage.lake import ParquetLake
from shopease_assets.storage.location import Location
from shopease_assets.storage.log import PublicationLog
from shopease_assets_tests.athena_stand_in import StandInAthena
from shopease_assets_tests.aws import make_bucket
from shopease_assets_tests.gold import shop
from shopease_assets_tests.gold.test_models import MODELS
from shopease_assets_tests.mirrored import ENVIRONMENT, mirror

DAY, NEXT, AS_OF = date(2025, 2, 3), date(2025, 3, 4), date(2025, 3, 31)
START = shop.at(date(2025, 1, 1))


def test_every_model_gives_the_rows_of_duckdb(athena: StandInAthena, tmp_path: Path) -> None:
    tables = shop.add_gold(tmp_path, shop.stock(tmp_path, _frames()), *_DAILY)
    make_bucket("shopease-lake")
    log = PublicationLog.open(f"sqlite:///{tmp_path}/log.db")
    lake = ParquetLake(Location.s3("s3://shopease-lake/lake"), log)
    for (layer, name), table in tables.items():
        key = "month" if "month" in table.schema.names else "dt"
        rows = pa.concat_tables(
            [_rows(path, table.schema, key) for path in table.paths] or [table.schema.empty_table()]
        )
        days = sorted({str(day) for day in rows[key].to_pylist()}) or ["2025-03-01"]
        ref = TableRef(layer, name, key)  # type: ignore[arg-type]
        lake.publish(lake.stage(ref, rows, partitions=days, run_id="run"))
    mirror(lake)
    log.close()

    client = Athena(ENVIRONMENT, "primary", poll_seconds=0.01)
    empty = set()
    for name in MODELS:
        model = shop.load(name)
        expected = run(model, tables, as_of=AS_OF)
        answer = client.query(model.transpile("athena", as_of=AS_OF))
        assert answer.column_names == expected.column_names, name
        assert _sorted(answer) == _sorted(expected), name
        empty |= {name} if not len(expected) else set()
    assert empty == set()


_DAILY = [
    "fact_sales", "daily_sales_summary", "daily_product_sales", "daily_customer_sales", "daily_channel_sales",
    "daily_geographic_sales", "fact_web_events", "daily_web_funnel",
]  # fmt: skip


def _frames() -> dict[str, list[shop.Row]]:
    """Two months of a shop in which every model finds something."""
    sales = dict(enumerate([*(DAY + timedelta(n) for n in range(8)), *(NEXT + timedelta(n) for n in range(4))]))
    orders = [shop.order(n, day, customer_id=1 + n % 2, store_id=n % 2 or None) for n, day in sales.items()]
    lines = [(n, day, product) for n, day in sales.items() for product in (1, 2)]
    return {
        "silver.orders": [*orders, shop.order(90, NEXT, status="cancelled")],
        "silver.order_items": [shop.item(10 * n + p, n, day, f"{n}.0{p}", product_id=p) for n, day, p in lines],
        "silver.products": [shop.product(p, START) for p in (1, 2)],
        "silver.customers": [shop.customer(c, START) for c in (1, 2)],
        "silver.inventory": [shop.level(1, 1, 3, START), shop.level(2, 1, 30, START)],
        "silver.web_events": [shop.visit(1, 1, DAY), shop.visit(2, None, NEXT, "s2")],
        "silver.stores": [shop.store(1, START)],
        "silver.tenants": [shop.tenant(1, START)],
        "silver.subscriptions": [shop.subscription(1, DAY, START)],
        "silver.invoices": [shop.invoice(1, DAY, DAY + timedelta(14))],
        "gold.customer_analytics": [shop.buyer(c, date(2025, 3, 1)) for c in (1, 2)],
        "gold.customer_segments": [shop.segmented(c, date(2025, 3, 1)) for c in (1, 2)],
        "gold.customer_lifetime_value": [shop.worth(c, date(2025, 3, 1)) for c in (1, 2)],
    }  # fmt: skip


def _rows(path: str, schema: pa.Schema, key: str) -> pa.Table:
    day = date.fromisoformat(path.split(f"/{key}=")[1][:10])
    frame = pl.read_parquet(path, hive_partitioning=False).with_columns(pl.lit(day).alias(key))
    return frame.select(schema.names).to_arrow().cast(schema)


def _sorted(table: pa.Table) -> list[list[str]]:
    return sorted([str(value) for value in row.values()] for row in table.to_pylist())
