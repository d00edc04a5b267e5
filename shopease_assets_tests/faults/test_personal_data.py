"""No personal value of the source leaves it but in the lake: not in events, metadata, checks, errors, logs or output.

Everything a run writes down is searched: the files of a Dagster instance, the publication log, what was printed.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from shopease_assets import synthetic
from shopease_assets.automation.planning import plan
from shopease_assets.automation.runner import Outcome, run_chunks
from shopease_assets.core.contract import Contract, integer
from shopease_assets.core.layout import TableRef
from shopease_assets.definitions import assets
from shopease_assets.kit import publishing
from shopease_assets.kit.bronze import SOURCE_TABLES
from shopease_assets.kit.columns import CONTRACTS
from shopease_assets.kit.partitions import DAILY
from shopease_assets.kit.silver import silver
from shopease_assets.kit.sql_table import sql_table
from shopease_assets.silver.customers import Customers
from shopease_assets.sources.embedded import create_database, drop_database
from shopease_assets_tests.faults.good_day import DAY, fill
from shopease_assets_tests.platform import START, Platform

_MARKED = {
    "email": "zebulonia@quack.example",
    "first_name": "Zebulonia",
    "last_name": "Quackenbush",
    "phone": "+1-555-0199-778",
    "date_of_birth": "1931-07-09",
    "address_line1": "17 Secretgarden Lane",
    "postal_code": "QX99ZZ",
}
#: Each on a row of its own: personal values where they break a rule, or stand in the wrong column.
_AWFUL = [
    ("customers", "email = 'zebulonia at quack.example'"),
    ("customers", "email = 'zebulonia@quack.example', customer_segment = 'Quackenbush'"),
    ("customers", "date_of_birth = '1831-07-09'"),
    ("customers", "date_of_birth = 'infinity', phone = '+1-555-0199-778'"),
    ("customers", """metadata = '{"note": "call Quackenbush, +1-555-0199-778"'"""),
    ("customers", """metadata = '{"loyalty_tier": {"name": "Quackenbush"}, "email": "zebulonia@quack.example"}'"""),
    ("customers", "first_name = null, last_name = 'Quackenbush', address_line1 = '17 Secretgarden Lane'"),
    ("customers", "country = null, city = '17 Secretgarden Lane', postal_code = 'QX99ZZ'"),
    ("customers", "customer_id = null, email = 'zebulonia@quack.example'"),
    ("customers", "tenant_id = 999999, email = 'zebulonia@quack.example', updated_at = 'infinity'"),
    ("stores", "manager_name = 'Zebulonia Quackenbush', opened_on = '1800-01-01'"),
    ("orders", "status = 'zebulonia@quack.example'"),
    ("orders", "shipping_postal_code = 'QX99ZZ', currency = 'Quackenbush'"),
    ("orders", 'metadata = \'{"to": "Zebulonia Quackenbush"\''),
    ("web_events", "ip_address = '203.0.113.77', event_type = 'zebulonia@quack.example'"),
]
_LOOKED_FOR = [*_MARKED.values(), "1831-07-09", "203.0.113.77", "zebulonia at quack"]


@dataclass(frozen=True)
class Watched:
    """A platform over a real Dagster instance, and everything it has written down."""

    platform: Platform
    home: Path

    def written(self) -> bytes:
        """The files of the instance (events, runs, captured output) and of the publication log."""
        self.platform.log.close()
        catalog = Path(self.platform.lake.location.root).glob("_catalog.sqlite*")
        files = [*(path for path in self.home.rglob("*") if path.is_file()), *catalog]
        return b"\n".join(path.read_bytes() for path in files)


@pytest.fixture
def watched(tmp_path: Path, empty_shop: str) -> Iterator[Watched]:
    """Over a shop of a test's own rows."""
    instance = _instance(tmp_path / "dagster")
    with Platform(empty_shop, tmp_path / "lake", instance) as platform:
        yield Watched(platform, tmp_path / "dagster")


@pytest.mark.slow
def test_a_run_over_the_dirtiest_shop_writes_no_personal_value_down(
    server: str, tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    dsn = create_database(server, "personal")
    synthetic.create(dsn, relaxed=True)
    dataset = synthetic.generate("tiny", start=START, days=10, dirt=synthetic.Dirt.FULL)
    synthetic.load(dsn, dataset)
    instance = _instance(tmp_path / "dagster")
    with Platform(dsn, tmp_path / "lake", instance) as platform:
        _make_awful(platform)
        outcome = platform.run(START, START + timedelta(days=9))
        assert not outcome.success
        refused = platform.rows("quarantine.customers")["original_row"].str.join().item()
        assert "Quackenbush" in refused  # the lake has them
        written = Watched(platform, tmp_path / "dagster").written()
    drop_database(server, "personal")
    printed = capfd.readouterr()
    told = b"\n".join([written, *(text.encode() for text in (printed.out, printed.err, caplog.text, str(outcome)))])
    assert b"email|format" in told  # what is searched does hold the checks
    assert _found([*_LOOKED_FOR, *_personal_values(dataset)], told) == []


def test_the_search_finds_what_an_unguarded_step_lets_out(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publishing, "values_withheld", lambda *_, **__: nullcontext())
    outcome = _failing(watched, _silver_that(_raise_with_the_row))
    assert "Quackenbush" in _found(_LOOKED_FOR, watched.written() + str(outcome).encode())


def _raise_with_the_row(frame: pl.LazyFrame) -> pl.LazyFrame:
    raise ValueError(f"cannot clean {frame.collect().row(0, named=True)}")


def _cast_text(frame: pl.LazyFrame) -> pl.LazyFrame:
    return frame.with_columns(pl.col("email").cast(pl.Int64))


def _fail_within_polars(frame: pl.LazyFrame) -> pl.LazyFrame:
    def refuse(column: pl.Series) -> pl.Series:
        raise RuntimeError(f"what is {column.to_list()}?")

    return frame.with_columns(pl.col("last_name").map_batches(refuse, return_dtype=pl.String))


def _fail_twice(frame: pl.LazyFrame) -> pl.LazyFrame:
    try:
        return _cast_text(frame).collect().lazy()
    except pl.exceptions.PolarsError as error:
        raise KeyError(frame.collect()["last_name"][0]) from error


@pytest.mark.parametrize("fails", [_raise_with_the_row, _cast_text, _fail_within_polars, _fail_twice])
def test_a_silver_function_that_fails_on_a_row_does_not_tell_it(
    watched: Watched, fails: Callable[[pl.LazyFrame], pl.LazyFrame], capfd: pytest.CaptureFixture[str]
) -> None:
    outcome = _failing(watched, _silver_that(fails))
    (failure,) = outcome.failures
    assert "silver.customers: " in failure.reason
    printed = capfd.readouterr()
    told = watched.written() + f"{outcome} {printed.out} {printed.err}".encode()
    assert b"in refine" in told  # the traceback is kept
    assert _found(_LOOKED_FOR, told) == []


def test_an_error_still_names_its_type_its_table_and_the_column(watched: Watched) -> None:
    (failure,) = _failing(watched, _silver_that(_cast_text)).failures
    assert "silver.customers: InvalidOperationError: conversion from `str` to `i64` failed in column 'email'" in (
        failure.reason
    )


@pytest.mark.parametrize(
    "expression", ["cast(email as bigint)", "cast(cast(date_of_birth as varchar) as bigint)", "cast(phone as bigint)"]
)
def test_a_gold_model_that_fails_on_a_value_does_not_tell_it(watched: Watched, tmp_path: Path, expression: str) -> None:
    (tmp_path / "numbers.sql").write_text(f"select dt, customer_id, {expression} as number from silver.customers")
    outcome = _failing(watched, sql_table(str(tmp_path / "numbers.py"), _Numbers, partitions=DAILY))
    assert "gold.numbers: QueryError: " in outcome.failures[-1].reason
    assert _found(_LOOKED_FOR, watched.written() + str(outcome).encode()) == []


def test_a_gold_result_that_does_not_fit_its_contract_does_not_tell_the_value(watched: Watched, tmp_path: Path) -> None:
    (tmp_path / "numbers.sql").write_text("select dt, customer_id, phone as number from silver.customers")
    outcome = _failing(watched, sql_table(str(tmp_path / "numbers.py"), _Numbers, partitions=DAILY))
    assert "column 'number'" in outcome.failures[-1].reason
    assert _found(_LOOKED_FOR, watched.written() + str(outcome).encode()) == []


@pytest.mark.parametrize("broken", ["phone::date", "email::date", "('17 Secretgarden Lane' || phone)::date"])
def test_a_value_the_source_itself_cannot_read_is_not_told(watched: Watched, broken: str) -> None:
    _fill(watched.platform)
    columns = ", ".join(
        f"{broken} as {name}" if name == "date_of_birth" else name for name in SOURCE_TABLES["customers"].types
    )
    watched.platform.sql("alter table shop.customers rename to people")
    watched.platform.sql(f"create view shop.customers as select {columns} from shop.people")
    outcome = watched.platform.run(DAY, tables=["bronze/customers"])
    (failure,) = outcome.failures
    assert "shop.customers could not be read" in failure.reason
    assert "invalid input syntax for type date" in failure.reason
    assert _found(_LOOKED_FOR, watched.written() + str(outcome).encode()) == []


def _instance(home: Path) -> dg.DagsterInstance:
    home.mkdir()
    return dg.DagsterInstance.local_temp(str(home))


class _Numbers(Contract):
    """Grain: one customer."""

    customer_id = integer()
    number = integer(nullable=True)


def _silver_that(fails: Callable[[pl.LazyFrame], pl.LazyFrame]) -> dg.AssetsDefinition:
    def customers(bronze_customers: pl.LazyFrame) -> pl.LazyFrame:
        return fails(bronze_customers)

    try:
        return silver(Customers)(customers)
    finally:
        CONTRACTS[TableRef("silver", "customers")] = Customers


def _failing(watched: Watched, asset: dg.AssetsDefinition) -> Outcome:
    """The customers' day with this asset in the place of the one it is named as."""
    _fill(watched.platform)
    wanted = {f"{layer}/{table}" for layer in ("bronze", "silver") for table in ("tenants", "customers")}
    all_assets = [*(other for other in assets if other.key != asset.key), asset]
    selected = [one for one in all_assets if one is asset or one.key.to_user_string() in wanted]
    chunks = plan(selected, DAY, DAY, today=DAY, days_per_run=1)
    outcome = run_chunks(chunks, all_assets, resources=watched.platform.resources, instance=watched.platform.instance)
    assert not outcome.success
    return outcome


def _fill(platform: Platform) -> None:
    fill(platform.dsn, rows=100, tables=["tenants", "customers"])
    values = ", ".join(f"{column} = '{value}'" for column, value in _MARKED.items())
    platform.sql(f"update shop.customers set {values}")


def _make_awful(platform: Platform) -> None:
    key = {"customers": "customer_id", "stores": "store_id", "orders": "order_id", "web_events": "event_id"}
    for number, (table, change) in enumerate(_AWFUL, start=1):
        where = f"{key[table]} = (select {key[table]} from shop.{table} order by 1 offset {number % 5} limit 1)"
        rows = platform.sql(f"update shop.{table} set {change} where {where} returning 1")
        assert rows, (table, change)


def _personal_values(dataset: synthetic.Dataset) -> list[str]:
    """Every e-mail, phone, birthday and street of the customers as they were loaded, long enough to be no accident."""
    customers = dataset.frames["customers"]
    texts = [
        *(customers[column].cast(pl.String).str.strip_chars() for column in ("email", "phone", "address_line1")),
        customers.filter(pl.col("date_of_birth") < date(2010, 1, 1))["date_of_birth"].cast(pl.String),
        customers.select(pl.concat_str("first_name", "last_name", separator=" ")).to_series(),
        dataset.frames["stores"]["manager_name"],
        dataset.frames["web_events"]["ip_address"],
    ]
    return sorted({text for column in texts for text in column.drop_nulls() if len(text) > 6})


def _found(values: list[str], told: bytes) -> list[str]:
    return [value for value in values if value.encode() in told]
