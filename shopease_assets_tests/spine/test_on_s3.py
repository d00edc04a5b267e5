"""`shopease` over a lake on S3, from the first run to vacuum."""

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from shopease_assets import aws as clients
from shopease_assets.parity.certificate import is_unchanged
from shopease_assets_tests.aws import make_bucket
from shopease_assets_tests.faults.good_day import DAY, fill
from shopease_assets_tests.faulty_proxy import FaultyProxy
from shopease_assets_tests.spine.shell import Shell, shell_with

BUCKET = "shopease-shop"
URI = f"s3://{BUCKET}/lake"
_LAST = date(2026, 1, 7)
_SPAN = ("--from", DAY.isoformat(), "--to", _LAST.isoformat())


@pytest.fixture
def shopease(
    empty_shop: str,
    proxy: FaultyProxy,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Shell]:
    """A shop of three days, some of its rows bad, and an empty bucket."""
    make_bucket(BUCKET)
    fill(empty_shop, rows=150)
    for number, day in enumerate((date(2026, 1, 6), _LAST), start=1):
        fill(empty_shop, rows=100, day=day, first=1000 * number, tables=["orders", "order_items"])
    _sql(empty_shop, "update shop.orders set currency = 'x' where order_id in (5, 1005)")
    yield from shell_with(monkeypatch, capsys, lake_uri=URI, source_dsn=empty_shop, home=str(tmp_path / "home"))


@pytest.mark.slow
def test_every_verb_works_on_s3_and_only_vacuum_lists_it(
    shopease: Shell, empty_shop: str, proxy: FaultyProxy, tmp_path: Path
) -> None:
    assert URI in shopease("status", exits=1)
    proxy.watch()
    shopease("run", *_SPAN)
    assert proxy.actions["PutObject"] > 100
    assert not any("List" in action for action in proxy.actions)
    assert _count(shopease, "silver.orders") == 348
    assert "silver/orders" in shopease("status")
    assert "validity" in shopease("quality")
    refused = json.loads(shopease("quarantine", "summary", "--table", "orders", "--format", "json"))
    assert [(row["rule"], row["rows"]) for row in refused] == [("currency|format", 2)]
    assert "currency" in shopease("quarantine", "show", "orders")

    _sql(empty_shop, "update shop.orders set currency = 'INR', updated_at = now() where order_id in (5, 1005)")
    proxy.watch()
    assert "currency|format" in shopease("replay", "orders")
    assert "source and lake agree" in _flat(shopease("verify", *_SPAN))
    assert not any("List" in action for action in proxy.actions)
    assert is_unchanged(_certificate())

    _sql(empty_shop, "delete from shop.web_events where event_id = 7")
    assert "bronze/web_events" in shopease("refresh")
    assert shopease("refresh").strip() == "the lake holds what the source holds"

    before = _count(shopease, "bronze.web_events")
    first = shopease("history", "bronze/web_events").splitlines()[-2].split()[1]
    assert f"back at {first}" in shopease("rollback", "bronze/web_events", "--to", first)
    assert (before, _count(shopease, "bronze.web_events")) == (149, 150)

    assert "vacuum done" in shopease("vacuum", "--keep", "1", "--grace-hours", "0")
    assert _count(shopease, "silver.orders") == 350
    assert not list(tmp_path.rglob("*.parquet"))


def _sql(dsn: str, statement: str) -> None:
    import psycopg

    with psycopg.connect(dsn) as connection:
        connection.execute(statement)


def _count(shopease: Shell, table: str) -> int:
    (row,) = json.loads(shopease("query", f"select count(*) as n from {table}", "--format", "json"))
    return int(row["n"])


def _certificate() -> dict[str, object]:
    s3 = clients.client("s3")
    (stored,) = s3.list_objects_v2(Bucket=BUCKET, Prefix="lake/_certificates/")["Contents"]
    found: dict[str, object] = json.loads(s3.get_object(Bucket=BUCKET, Key=stored["Key"])["Body"].read())
    return found


def _flat(told: str) -> str:
    return " ".join(told.split())
