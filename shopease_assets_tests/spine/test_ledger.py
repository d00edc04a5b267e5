"""The generator's ledger is the judge: the quarantine holds what was planted, nothing missing, nothing extra."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import psycopg
import pytest

from shopease_assets import synthetic
from shopease_assets.automation.planning import Chunk, Work, waves
from shopease_assets.automation.released import run_with_released
from shopease_assets.automation.replay import days_to_replay, replay_work
from shopease_assets.core.layout import TableRef
from shopease_assets.core.quality import Dimension
from shopease_assets.definitions import assets, source_tables
from shopease_assets.settings import settings
from shopease_assets.sources.embedded import create_database, drop_database
from shopease_assets.sources.postgres import PostgresSnapshot
from shopease_assets.storage.quarantine import rows_per_rule
from shopease_assets.synthetic.dataset import KEYS, TABLES
from shopease_assets.synthetic.load import connection_to, copy_rows
from shopease_assets_tests.platform import LAST_DAY, START, Platform
from shopease_assets_tests.spine.compare import KEYS as GOLD
from shopease_assets_tests.spine.compare import gold_differences
from shopease_assets_tests.spine.independent import remember

Refusal = tuple[str, str, str]  # day, key, rule
_DAYS = (LAST_DAY - START).days + 1
_SILVER = [f"{layer}/{table}" for layer in ("bronze", "silver") for table in TABLES]
_JSON = {
    "tenants": "settings",
    "customers": "metadata",
    "products": "attributes",
    "orders": "metadata",
    "web_events": "event_data",
}
_MENDED_BY_CLEANING = ("noise", "key|unique")


@dataclass(frozen=True)
class Dirty:
    """A lake over a shop with every kind of dirt, all days of which were let through, and what had been planted."""

    platform: Platform
    dataset: synthetic.Dataset

    def refused(self, table: str) -> list[Refusal]:
        """A line for each rule each row in quarantine broke."""
        rows = self.platform.rows(f"quarantine.{table}").select("dt", "row_key", "rules").iter_rows()
        return sorted((day.isoformat(), _key(key), rule) for day, key, rules in rows for rule in rules.split(", "))

    def planted(self, table: str) -> list[Refusal]:
        """A line for each fault that cleaning cannot mend, and for what follows from it."""
        mine = self.dataset.ledger.filter((pl.col("table") == table) & ~pl.col("rule").is_in(_MENDED_BY_CLEANING))
        found = [(_shown_day(row["day"]), _key(row["key"]), row["rule"]) for row in mine.iter_rows(named=True)]
        if (
            table == "order_items"
        ):  # lines of no or negative pieces cannot add up; a refused order takes its lines along
            found += [(day, key, "line_total_adds_up") for day, key, rule in found if rule == "quantity|min"]
            found += [(day, key, "order_id|exists") for day, key in self._lines_of_refused_orders()]
        return sorted(found)

    def _lines_of_refused_orders(self) -> set[tuple[str, str]]:
        refused = {int(json.loads(key)["order_id"]): day for day, key, _ in self.planted("orders")}
        lines = self.dataset.frames["order_items"].filter(pl.col("order_id").is_in(list(refused)))
        return {
            (refused[order], _key(json.dumps({"order_item_id": item})))
            for order, item in lines.select("order_id", "order_item_id").iter_rows()
        }


@pytest.fixture(scope="module")
def lenient() -> Iterator[None]:
    """Thresholds of nought: every day is published without the rows it refused."""
    with pytest.MonkeyPatch.context() as patch:
        for dimension in Dimension:
            patch.setenv(f"SHOPEASE_LEAST_{dimension.upper()}", "0")
        settings.cache_clear()
        yield
    settings.cache_clear()


@pytest.fixture(scope="module")
def dirty(server: str, lenient: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dirty]:
    dataset = synthetic.generate("tiny", start=START, days=_DAYS, dirt=synthetic.Dirt.FULL)
    dsn = create_database(server, "ledger")
    synthetic.create(dsn, relaxed=True)
    synthetic.load(dsn, dataset)
    with Platform(dsn, tmp_path_factory.mktemp("ledger") / "lake") as platform:
        outcome = platform.run(START, LAST_DAY, tables=_SILVER)
        assert outcome.success, outcome.failures
        yield Dirty(platform, dataset)
    drop_database(server, "ledger")


def test_every_kind_of_dirt_was_planted(dirty: Dirty) -> None:
    kinds = {rule.split("|")[-1] for rule in dirty.dataset.ledger["rule"].unique()}
    assert kinds >= {"nullability", "format", "listed", "min", "json", "exists", "unique", "noise", "plausible"}
    assert kinds >= {"total_adds_up", "line_total_adds_up", "shipped_after_ordered", "ends_after_start"}


@pytest.mark.parametrize("table", TABLES)
def test_the_quarantine_is_the_ledger_row_by_row(dirty: Dirty, table: str) -> None:
    assert dirty.refused(table) == dirty.planted(table)


@pytest.mark.parametrize("table", TABLES)
def test_every_row_in_quarantine_is_the_row_as_the_source_has_it(dirty: Dirty, table: str) -> None:
    held = dirty.platform.rows(f"quarantine.{table}")
    originals = [json.loads(text) for text in held["original_row"]]
    assert len({_identity(row, table) for row in originals}) == len(originals)
    columns = dirty.dataset.frames[table].columns
    at_source = {
        _identity(row, table): row
        for row in dirty.platform.rows(f"bronze.{table}").cast(pl.String).iter_rows(named=True)
    }
    for row in originals:
        assert {name: row[name] for name in columns} == {
            name: at_source[_identity(row, table)][name] for name in columns
        }


@pytest.mark.parametrize("table", TABLES)
def test_rows_in_are_published_set_aside_or_repeated_exactly(dirty: Dirty, table: str) -> None:
    repeated = dirty.dataset.ledger.filter((pl.col("table") == table) & (pl.col("rule") == "key|unique"))
    rows = {layer: len(dirty.platform.rows(f"{layer}.{table}")) for layer in ("bronze", "silver", "quarantine")}
    assert rows["bronze"] == rows["silver"] + rows["quarantine"] + len(repeated)
    assert rows["bronze"] == len(dirty.dataset.frames[table])
    checks = dirty.platform.log.quality(TableRef("silver", table))
    assert all(result.passed for result in checks if result.check == "row_conservation")


@pytest.fixture(scope="module")
def sound_part(server: str, dirty: Dirty, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """Gold over a copy of the lake, beside a copy of the shop without the rows that were refused or repeated."""
    folder = tmp_path_factory.mktemp("sound_part") / "lake"
    dirty.platform.log.close()
    shutil.copytree(dirty.platform.lake.location.root, folder)
    dsn = create_database(server, "sound_part", template="ledger")
    with psycopg.connect(dsn) as connection:
        for table, key in KEYS.items():
            columns = ", ".join(key)
            connection.execute(f"""delete from shop.{table} where ctid not in (
                select distinct on ({columns}) ctid from shop.{table} order by {columns}, updated_at desc)""")  # type: ignore[call-overload]
            for row in dirty.platform.rows(f"quarantine.{table}")["row_key"]:
                held = " and ".join(f"{name} = {json.loads(row)[name]}" for name in key)
                connection.execute(f"delete from shop.{table} where {held}")  # type: ignore[call-overload]
        for table, column in _JSON.items():  # a relaxed schema holds it as text
            connection.execute(f"alter table shop.{table} alter {column} type jsonb using {column}::jsonb")  # type: ignore[call-overload]
    remember(dsn)
    with Platform(dsn, folder) as platform:
        outcome = platform.run(START, LAST_DAY, tables=[name for name in _names() if name.startswith("gold/")])
        assert outcome.success, outcome.failures
        yield platform
    drop_database(server, "sound_part")


@pytest.mark.slow
@pytest.mark.parametrize("table", GOLD)
def test_gold_of_a_dirty_source_is_what_its_sound_rows_give_in_postgresql(sound_part: Platform, table: str) -> None:
    assert gold_differences(sound_part, table, LAST_DAY) == []


def test_repaired_at_the_source_and_replayed_silver_is_that_of_a_clean_load_byte_by_byte(
    dirty: Dirty, built: Platform
) -> None:
    _repair(dirty)
    platform = dirty.platform
    for table in TABLES:
        days = days_to_replay(platform.lake, table, START, LAST_DAY)
        with PostgresSnapshot(platform.dsn) as snapshot:
            work = replay_work(platform.lake, snapshot, assets, source_tables, table, days)
        outcome = run_with_released(platform.lake, assets, work, lambda work: platform.execute(_chunks(work)))
        assert outcome.success, outcome.failures
    # A version that was once read under a key that never was stays what it was: refused history.
    assert rows_per_rule(dirty.platform.lake) == {("inventory", "product_id|exists"): 1}
    for table in TABLES:
        ours, theirs = _bytes(dirty.platform, table), _bytes(built, table)
        assert ours.keys() == theirs.keys()
        assert [day for day in ours if ours[day] != theirs[day]] == [], table


def _names() -> list[str]:
    return [asset.key.to_user_string() for asset in assets]


def _repair(dirty: Dirty) -> None:
    """Put the sound rows in the place of the soiled ones, with the times they had: nobody could tell."""
    sound = synthetic.generate("tiny", start=START, days=_DAYS)
    with connection_to(dirty.platform.dsn) as connection:
        connection.execute("set session_replication_role = replica")
        for table in TABLES:
            keys = KEYS[table]
            planted = dirty.dataset.ledger.filter(table=table).select("key").unique()
            soiled = planted.select(
                pl.col("key").str.json_path_match(f"$.{key}").cast(pl.Int64).alias(key) for key in keys
            )
            for row in soiled.rows():
                held = " and ".join(f"{key} = {value}" for key, value in zip(keys, row, strict=True))
                connection.execute(f"delete from shop.{table} where {held}")  # type: ignore[call-overload]
            asked = f"select {', '.join(keys)} from shop.{table}"
            left = connection.execute(asked).fetchall()  # type: ignore[call-overload]
            there = pl.DataFrame(left, schema=soiled.schema, orient="row")
            copy_rows(connection, f"shop.{table}", sound.frames[table].join(there, on=keys, how="anti"))


def _bytes(platform: Platform, table: str) -> dict[str, list[bytes]]:
    """The content of the published files of each day of silver."""
    ref = TableRef("silver", table)
    return {
        day: [Path(path).read_bytes() for path in platform.lake.files(ref, [day])] for day in platform.log.pointers(ref)
    }


def _chunks(work: Work) -> list[Chunk]:
    return [chunk for wave in waves(work, assets, _DAYS) for chunk in wave]


def _shown_day(day: object) -> str:
    return max(str(day), START.isoformat())


def _key(text: str) -> str:
    """The same key, written the same way; the version a row is of is not part of the ledger's."""
    values = {name: None if value is None else str(value) for name, value in json.loads(text).items()}
    return json.dumps({name: value for name, value in sorted(values.items()) if name != "updated_at"})


def _identity(row: dict[str, object], table: str) -> tuple[object, ...]:
    return tuple(row[name] for name in KEYS[table])
