"""What only a lake on S3 can get right or wrong: objects, parts, keys, requests, and what goes wrong on the way."""

import multiprocessing
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path
from random import Random

import polars as pl
import pyarrow as pa
import pytest

from shopease_assets import aws as clients
from shopease_assets.core.errors import SettingsError
from shopease_assets.engines import duckdb
from shopease_assets.storage.lake import ParquetLake
from shopease_assets.storage.location import Location
from shopease_assets.storage.log import PublicationLog
from shopease_assets_tests.aws import REGION, free_port, make_bucket
from shopease_assets_tests.faulty_proxy import SLOW_DOWN, Call, Fault, FaultyProxy, Loss, Refusal, nth, slow, storm
from shopease_assets_tests.storage.scenario import MONDAY, ORDERS, TUESDAY, order_ids, orders, publish

BUCKET = "shopease-lake"
URI = f"s3://{BUCKET}/some/prefix"
DAYS = [(date(2025, 1, 1) + timedelta(days=day)).isoformat() for day in range(20)]


@pytest.fixture
def log(tmp_path: Path) -> Iterator[PublicationLog]:
    opened = PublicationLog.open(f"sqlite:///{tmp_path}/log.db")
    yield opened
    opened.close()


@pytest.fixture
def s3_lake(proxy: FaultyProxy, log: PublicationLog) -> ParquetLake:
    """An empty lake behind the proxy."""
    make_bucket(BUCKET)
    lake = ParquetLake(Location.s3(URI), log)
    proxy.watch()
    return lake


def keys() -> dict[str, int]:
    """Every object of the bucket, with its size."""
    pages = clients.client("s3").get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
    return {item["Key"]: item["Size"] for page in pages for item in page.get("Contents", ())}


def published_keys(lake: ParquetLake) -> set[str]:
    return {path.removeprefix(f"s3://{BUCKET}/") for path in lake.files(ORDERS)}


def asked(lake: ParquetLake, sql: str) -> list[tuple[object, ...]]:
    """The answer of DuckDB."""
    return [tuple(row.values()) for row in duckdb.query(sql, lambda *_: lake.relation(ORDERS)).to_pylist()]


def test_a_lake_asks_for_each_object_once_a_step_and_never_lists(s3_lake: ParquetLake, proxy: FaultyProxy) -> None:
    staged = s3_lake.stage(ORDERS, orders(*enumerate(DAYS)), partitions=DAYS, run_id="run")
    assert proxy.actions == {"PutObject": len(DAYS)}
    proxy.watch()
    s3_lake.publish(staged)
    assert proxy.actions == {"HeadObject": len(DAYS)}
    proxy.watch()
    assert order_ids(s3_lake) == list(range(20))
    assert proxy.actions == {"GetObject": len(DAYS)}
    proxy.watch()
    assert asked(s3_lake, f"select order_id from silver.orders where dt = '{DAYS[3]}'") == [(3,)]
    assert proxy.actions.keys() == {"HeadObject", "GetObject"}
    assert len({call.path for call in proxy.calls}) == 1


def test_a_bucket_holds_the_published_files_and_nothing_else(s3_lake: ParquetLake) -> None:
    publish(s3_lake, orders((1, MONDAY), (2, TUESDAY)))
    s3_lake.stage(ORDERS, orders((3, MONDAY)), partitions=[MONDAY], run_id="abandoned")
    publish(s3_lake, orders((4, MONDAY)), TUESDAY, MONDAY)

    def breaking() -> Iterator[pa.RecordBatch]:
        yield from orders((5, MONDAY)).to_arrow().to_batches()
        raise RuntimeError("the source went away")

    with pytest.raises(RuntimeError, match="the source went away"):
        s3_lake.stage(ORDERS, breaking(), partitions=[MONDAY], run_id="broken")
    assert len(keys()) == 5
    s3_lake.vacuum(ORDERS, keep=1, grace=timedelta(0))
    assert keys().keys() == published_keys(s3_lake)
    assert all(keys().values())


def test_a_large_object_goes_in_parts_with_the_key_and_is_read_by_ranges(
    s3_lake: ParquetLake, proxy: FaultyProxy
) -> None:
    key = clients.client("kms").create_key()["KeyMetadata"]["Arn"]
    lake = ParquetLake(Location.s3(URI, key), s3_lake.log)
    numbers = Random(1)
    noise = [numbers.getrandbits(63) for _ in range(1_500_000)]  # does not compress
    frame = pl.DataFrame({"order_id": noise}).with_columns(small=1, dt=date(2025, 3, 3))
    proxy.watch()
    publish(lake, pl.concat([frame, orders((1, TUESDAY), small=1).select(frame.columns)]))
    assert proxy.actions == {
        "CreateMultipartUpload": 1, "UploadPart": 2, "CompleteMultipartUpload": 1, "PutObject": 1, "HeadObject": 2,
    }  # fmt: skip
    for name in published_keys(lake):
        found = clients.client("s3").head_object(Bucket=BUCKET, Key=name)
        assert (found["ServerSideEncryption"], found["SSEKMSKeyId"]) == ("aws:kms", key)
    assert lake.scan(ORDERS).select(pl.len()).collect().item() == len(noise) + 1
    proxy.watch(storm(0.3, seed=2))
    assert asked(lake, "select sum(order_id) from silver.orders") == [(sum(noise) + 1,)]


@pytest.mark.parametrize("fault", [SLOW_DOWN, Loss.REQUEST, Loss.ANSWER, Loss.HALF_ANSWER], ids=str)
def test_a_storm_in_which_a_fifth_of_all_requests_fails_changes_nothing(
    s3_lake: ParquetLake, proxy: FaultyProxy, fault: Fault
) -> None:
    days = DAYS[:9]
    # Arrow's reader does not survive the refusal of a range that is shorter than the refusal, so notes are long.
    note = pl.concat_str(pl.col("order_id").hash(seed) for seed in range(9))
    first = orders(*((number, day) for number in range(20) for day in days), note=note, amount=pl.lit(1, pl.Int32))
    proxy.watch(storm(0.2, seed=3, fault=fault))
    publish(s3_lake, first)
    publish(s3_lake, orders((99, DAYS[9]), note=note, amount=pl.lit(1, pl.Int64)))  # wider: all others are rewritten
    assert order_ids(s3_lake) == sorted([*range(20)] * 9 + [99])
    assert asked(s3_lake, "select count(distinct note) from silver.orders") == [(21,)]
    assert sum(proxy.actions.values()) > 80
    proxy.watch()
    assert len(keys()) == 9 + 10
    s3_lake.vacuum(ORDERS, keep=1, grace=timedelta(0))
    assert keys().keys() == published_keys(s3_lake)


def test_an_upload_whose_answer_was_lost_is_one_object_and_one_publication(
    s3_lake: ParquetLake, proxy: FaultyProxy
) -> None:
    proxy.watch(nth(1, Loss.ANSWER, "PutObject"))
    publish(s3_lake, orders((1, MONDAY)))
    assert proxy.actions["PutObject"] == 2
    assert keys().keys() == published_keys(s3_lake)
    assert len(s3_lake.history(ORDERS)) == 1


@pytest.mark.parametrize("action", ["PutObject", "HeadObject", "GetObject"])
def test_a_call_that_hangs_is_given_up_and_made_again(
    s3_lake: ParquetLake, proxy: FaultyProxy, monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    monkeypatch.setattr(clients, "READ_SECONDS", 1)
    clients.client.cache_clear()
    lake = ParquetLake(Location.s3(URI), s3_lake.log)
    hangs = nth(1, Loss.REQUEST, action)

    def plan(number: int, call: Call) -> Fault | None:
        fault = hangs(number, call)
        if fault:
            time.sleep(4)
        return fault

    proxy.watch(plan)
    publish(lake, orders((1, MONDAY)))
    assert asked(lake, "select order_id from silver.orders") == [(1,)]
    assert proxy.actions[action] >= 2
    hangs = nth(1, Loss.REQUEST, action)
    proxy.watch(plan)
    assert order_ids(lake) == [1]
    assert proxy.actions["GetObject"] == (2 if action == "GetObject" else 1)


@pytest.mark.parametrize("publications", [20, pytest.param(200, marks=pytest.mark.slow)])
def test_a_reader_never_sees_a_mix_of_two_publications(s3_lake: ParquetLake, publications: int) -> None:
    days = DAYS[:4]
    seen = []

    def write() -> None:
        for number in range(1, publications + 1):
            publish(s3_lake, orders(*((number, day) for day in days)))

    publish(s3_lake, orders(*((0, day) for day in days)))
    with ThreadPoolExecutor(1) as writer:
        writing = writer.submit(write)
        while not writing.done():
            numbers = order_ids(s3_lake)
            assert numbers == [numbers[0]] * len(days)
            seen.append(numbers[0])
        writing.result()
    assert seen == sorted(seen)
    assert len(set(seen)) > publications / 10
    assert order_ids(s3_lake) == [publications] * len(days)


def test_slow_answers_are_waited_for(s3_lake: ParquetLake, proxy: FaultyProxy) -> None:
    proxy.watch(slow(0.2))
    publish(s3_lake, orders((1, MONDAY)))
    assert order_ids(s3_lake) == [1]
    assert proxy.actions == {"PutObject": 1, "HeadObject": 1, "GetObject": 1}


def test_a_refused_upload_is_named_and_leaves_nothing(s3_lake: ParquetLake, proxy: FaultyProxy) -> None:
    proxy.watch(nth(5, Refusal(403, "AccessDenied", "no"), "PutObject"))
    with pytest.raises(OSError, match=rf"s3://{BUCKET}/some/prefix/silver/orders/dt=.*PutObject.*AccessDenied no"):
        publish(s3_lake, orders(*enumerate(DAYS)))
    assert keys() == {}
    assert s3_lake.log.position() == 0


@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_fork_opens_its_own_connections(s3_lake: ParquetLake) -> None:
    publish(s3_lake, orders((1, MONDAY)))
    (path,) = s3_lake.files(ORDERS)
    fork = multiprocessing.get_context("fork")
    parent = clients.client("s3")
    child = fork.Process(target=lambda: os._exit(parent is clients.client("s3") or not _size(s3_lake, path)))
    child.start()
    child.join(30)
    assert child.exitcode == 0
    assert _size(s3_lake, path)


def _size(lake: ParquetLake, path: str) -> int | None:
    return lake.location.filesystem.get_file_info(path.removeprefix("s3://")).size


@pytest.mark.parametrize(
    ("refusal", "told"),
    [
        (Refusal(403, "AccessDenied", "no"), "AccessDenied no.; let this role list, get, put and delete there"),
        (Refusal(400, "ExpiredToken", "too old"), "ExpiredToken too old.; log in again"),
        (Refusal(403, "InvalidAccessKeyId", "who?"), "InvalidAccessKeyId who.*AWS_ACCESS_KEY_ID"),
    ],
    ids=lambda value: value.code if isinstance(value, Refusal) else "",
)
def test_a_bucket_that_refuses_us_says_why_and_what_to_do(proxy: FaultyProxy, refusal: Refusal, told: str) -> None:
    proxy.watch(lambda *_: refusal)
    with pytest.raises(SettingsError, match=rf"the lake in {URI} cannot be opened .*{told}"):
        Location.s3(URI)


def test_a_bucket_that_is_not_there_is_named(aws: str) -> None:
    with pytest.raises(SettingsError, match=rf"the lake in {URI} .*NoSuchBucket.*; make the bucket, or correct"):
        Location.s3(URI)


def test_a_lake_without_credentials_says_how_to_log_in(
    aws: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    clients.forget()
    with pytest.raises(SettingsError, match=r"the lake in s3://.*credentials.*run under a role, or set AWS_PROFILE"):
        Location.s3(URI)
    clients.forget()


def test_a_lake_without_a_region_asks_for_one(aws: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    monkeypatch.setenv("HOME", str(tmp_path))
    clients.forget()
    with pytest.raises(SettingsError, match="no AWS region is set; set AWS_DEFAULT_REGION"):
        Location.s3(URI)


def test_a_bucket_in_another_region_names_it(aws: str, monkeypatch: pytest.MonkeyPatch) -> None:
    make_bucket(BUCKET)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    clients.client.cache_clear()
    with pytest.raises(
        SettingsError, match=rf"the lake in {URI} is in {REGION}, not eu-west-1; set AWS_DEFAULT_REGION={REGION}"
    ):
        Location.s3(URI)


def test_an_endpoint_that_is_down_is_named(aws: str, monkeypatch: pytest.MonkeyPatch) -> None:
    endpoint = f"http://127.0.0.1:{free_port()}"
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    monkeypatch.setattr(clients, "ATTEMPTS", 1)
    clients.client.cache_clear()
    with pytest.raises(
        SettingsError, match=rf"{endpoint}.*; check the network, AWS_DEFAULT_REGION and AWS_ENDPOINT_URL"
    ):
        Location.s3(URI)
