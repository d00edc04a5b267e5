"""Datasets in a real PostgreSQL, and in files."""

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import psycopg
import pytest
from polars.testing import assert_frame_equal

from shopease_assets.core.errors import SourceError
from shopease_assets.synthetic import TABLES, Dataset, create, drop, export, load
from shopease_assets.synthetic.dataset import KEYS


def rows_of(dsn: str, table: str, like: pl.DataFrame) -> pl.DataFrame:
    """A table as loaded, in the generator's types."""
    as_text = {name: f"{name}::text" for name, dtype in like.schema.items() if dtype in (pl.String, pl.Decimal)}
    columns = ", ".join((as_text | {"ip_address": "host(ip_address)"}).get(name, name) for name in like.columns)
    with psycopg.connect(dsn, options="-c timezone=UTC") as connection:
        rows = connection.execute(f"select {columns} from shop.{table}").fetchall()
    schema = {name: pl.String if dtype == pl.Decimal else dtype for name, dtype in like.schema.items()}
    return pl.DataFrame(rows, schema=schema, orient="row").cast(like.schema)


def test_every_row_arrives_unchanged_under_the_strict_schema(shop: str, clean: Dataset) -> None:
    for table in TABLES:
        frame = clean.frames[table].drop("settings", "metadata", "attributes", "event_data", strict=False)
        assert_frame_equal(rows_of(shop, table, frame).sort(KEYS[table]), frame.sort(KEYS[table]))


def test_dirty_rows_arrive_unchanged_under_the_relaxed_schema(database: str, full: Dataset) -> None:
    create(database, relaxed=True)
    loaded = load(database, full)
    assert loaded.rows == full.rows
    assert loaded.planted["faults"].sum() == full.ledger.height
    for table in ("orders", "order_items", "customers"):
        assert_frame_equal(rows_of(database, table, full.frames[table]), full.frames[table], check_row_order=False)


def test_light_dirt_loads_under_the_strict_schema(database: str, light: Dataset) -> None:
    create(database)
    assert load(database, light).rows == light.rows


def test_planted_faults_are_refused_by_the_strict_schema(database: str, full: Dataset) -> None:
    create(database)
    with pytest.raises(SourceError, match="relaxed=True"):
        load(database, full)


@pytest.mark.parametrize(
    "statement",
    [
        "insert into shop.orders select * from shop.orders limit 1",
        "update shop.orders set customer_id = 999999999",
        "update shop.orders set total_amount = total_amount + 1",
        "update shop.order_items set quantity = 0",
        "update shop.web_events set event_type = 'teleport'",
        "update shop.customers set email = null",
        "delete from shop.orders",
    ],
)
def test_the_strict_schema_keeps_its_rules(shop: str, statement: str) -> None:
    with psycopg.connect(shop) as connection, pytest.raises(psycopg.errors.IntegrityError):
        connection.execute(statement)


def test_an_update_moves_updated_at_unless_it_says_when(shop: str) -> None:
    past = datetime(2020, 1, 1, tzinfo=UTC)
    with psycopg.connect(shop) as connection:
        touched = connection.execute(
            "update shop.customers set city = 'Oslo' where customer_id = 1 returning updated_at, now()"
        ).fetchone()
        told = connection.execute(
            "update shop.customers set updated_at = %s where customer_id = 2 returning updated_at", [past]
        ).fetchone()
    assert touched is not None
    assert touched[0] == touched[1]
    assert told == (past,)


def test_business_days_and_changes_are_indexed(shop: str) -> None:
    with psycopg.connect(shop) as connection:
        rows = connection.execute("select tablename, indexdef from pg_indexes where schemaname = 'shop'").fetchall()
    for table in TABLES:
        assert any(name == table and definition.endswith("(updated_at)") for name, definition in rows), table
    for table, column in (("orders", "ordered_at"), ("web_events", "occurred_at"), ("invoices", "issue_date")):
        assert any(name == table and definition.endswith(f"({column})") for name, definition in rows), table


def test_creating_twice_and_loading_nowhere_name_the_cure(database: str, clean: Dataset) -> None:
    with pytest.raises(SourceError, match="create it first"):
        load(database, clean)
    create(database)
    with pytest.raises(SourceError, match="exists already; drop it"):
        create(database)
    drop(database)
    drop(database)
    create(database)


def test_a_server_that_does_not_answer_is_named() -> None:
    with pytest.raises(SourceError, match="does not answer"):
        create("postgresql://postgres@/postgres?host=%2Fnowhere")


def test_progress_of_a_load_ends_at_the_last_step(database: str, clean: Dataset) -> None:
    steps: list[tuple[str, int, int]] = []
    create(database)
    load(database, clean, progress=lambda *step: steps.append(step))
    assert steps[0] == ("tenants", 1, steps[-1][2])
    assert steps[-1][1] == steps[-1][2]


def test_exports_read_back_as_they_were(clean: Dataset, tmp_path: Path) -> None:
    files = export(clean, tmp_path)
    assert len(files) == 3 * len(TABLES)
    for table, frame in clean.frames.items():
        assert_frame_equal(pl.read_parquet(tmp_path / f"{table}.parquet"), frame)
        text = dict.fromkeys(frame.columns, pl.String)
        read = {
            "csv": pl.read_csv(tmp_path / f"{table}.csv", schema=text),
            "json": pl.read_ndjson(tmp_path / f"{table}.json", schema=text),
        }
        for name, rows in read.items():
            assert rows.height == frame.height, (table, name)
            assert rows.null_count().row(0) == frame.null_count().row(0), (table, name)
    money = pl.read_ndjson(tmp_path / "orders.json", schema={"total_amount": pl.String}).to_series()
    assert money.cast(pl.Decimal(12, 2)).sum() == clean.frames["orders"]["total_amount"].sum()


def test_an_unknown_format_is_refused(clean: Dataset, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="choose csv, json or parquet"):
        export(clean, tmp_path, formats=("xml",))  # type: ignore[arg-type]
