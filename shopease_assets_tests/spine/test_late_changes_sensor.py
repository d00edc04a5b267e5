"""The sensor, asked as the daemon asks it; the runs it requests are executed here, in its order."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

from shopease_assets import synthetic
from shopease_assets.automation import late_changes_sensor as module
from shopease_assets.automation.planning import Chunk
from shopease_assets.definitions import assets, late_changes
from shopease_assets.settings import settings
from shopease_assets_tests.platform import LAST_DAY, Platform
from shopease_assets_tests.spine.compare import gold_differences
from shopease_assets_tests.spine.conftest import Copy
from shopease_assets_tests.spine.independent import remember
from shopease_assets_tests.spine.test_refresh import predicted

_DAY = "2026-01-07"
_A_SALE = "(select min(order_id) from shop.orders where status = 'delivered' and ordered_at::date = '2026-01-07')"
_CHANGE = f"update shop.orders set coupon_code = coalesce(coupon_code, '') || 'X' where order_id = {_A_SALE}"
Ask = Callable[[str | None], dg.SensorResult | dg.SkipReason]


@pytest.fixture
def copy(built: Platform, copy_of: Copy) -> Platform:
    """A built platform that the test may change."""
    return copy_of(built)


@pytest.fixture
def ask(copy: Platform, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Evaluates the sensor over that platform, from a stored cursor, in a context of its own."""
    chosen = settings().model_copy(update={"lake_uri": str(copy.lake.location.root), "source_dsn": copy.dsn})
    monkeypatch.setattr(module, "settings", lambda: chosen)

    def evaluated(cursor: str | None = None) -> dg.SensorResult | dg.SkipReason:
        with dg.build_sensor_context(instance=copy.instance, cursor=cursor) as context:
            result = late_changes(context)
        assert isinstance(result, dg.SensorResult | dg.SkipReason)
        return result

    return evaluated


def test_after_an_advance_it_requests_the_predicted_days_and_then_nothing(copy: Platform, ask: Ask) -> None:
    advance = synthetic.advance(copy.dsn, days=2)
    remember(copy.dsn)
    requested: dict[str, set[str]] = {}
    result = _result(ask(None))
    while requests := _requests(result):
        for request in requests:
            for key in request.asset_selection or ():
                requested.setdefault(".".join(key.path), set()).update(_chunk(request).keys)
            execute(copy, [request])
        result = _result(ask(result.cursor))
    expected = {name: {day.isoformat() for day in days} for name, days in predicted(advance).items() if days}
    assert requested == {
        name: days for name, days in expected.items() if name in _daily_names() - {"gold.data_quality_scores"}
    }  # has a sensor of its own
    assert "nothing was touched" in str(result.skip_reason)
    assert gold_differences(copy, "daily_sales_summary", advance.last_day) == []


def test_its_cursor_survives_a_restart_and_comes_before_what_the_lake_lacks(copy: Platform, ask: Ask) -> None:
    quiet = _result(ask(None))
    assert not _requests(quiet)
    copy.sql(_CHANGE)
    asked = _result(ask(quiet.cursor))
    [request] = _requests(asked)
    assert (_chunk(request).first, _chunk(request).last) == (_DAY, _DAY)
    assert request.tags[module.LATE_CHANGES] == "true"
    execute(copy, [request])
    done = _result(ask(asked.cursor))
    assert not _requests(done)
    before, after = (json.loads(str(cursor))["since"]["orders"] for cursor in (quiet.cursor, done.cursor))
    assert before < after


def test_a_failed_run_is_asked_for_again_but_once_an_hour(
    copy: Platform, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    quiet = _result(ask(None))
    copy.sql(_CHANGE)
    asked = _result(ask(quiet.cursor))  # and nobody runs it
    again = _result(ask(asked.cursor))
    assert not _requests(again)
    assert "failed" in str(again.skip_reason)
    hour_ago = json.loads(str(again.cursor))
    hour_ago["asked"] = [f"2026-01-01T00{key[13:]}" for key in hour_ago["asked"]]
    [retried] = _requests(_result(ask(json.dumps(hour_ago))))
    assert _chunk(retried).first == _DAY


def test_what_a_run_published_before_it_failed_is_not_asked_for_again(copy: Platform, ask: Ask) -> None:
    quiet = _result(ask(None))
    copy.sql(_CHANGE)
    asked = _result(ask(quiet.cursor))
    copy.run(LAST_DAY.fromisoformat(_DAY), tables=["bronze/orders", "bronze/order_items"])
    [request] = _requests(_result(ask(asked.cursor)))
    layers = {key.path[0] for key in request.asset_selection or ()}
    assert layers == {"silver", "gold"}


def test_it_waits_for_the_runs_it_asked_for(copy: Platform, ask: Ask) -> None:
    copy.sql(_CHANGE)
    copy.instance.create_run_for_job(_nothing, status=dg.DagsterRunStatus.STARTED, tags={module.LATE_CHANGES: "true"})
    answer = ask(None)
    assert isinstance(answer, dg.SkipReason)
    assert "at work" in str(answer.skip_message)


def test_a_source_that_cannot_be_reached_is_a_reason_without_a_password(
    copy: Platform, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = module.settings().model_copy(update={"source_dsn": "postgresql://reader:hunter2@127.0.0.1:1/shop"})
    monkeypatch.setattr(module, "settings", lambda: gone)
    answer = ask(None)
    assert isinstance(answer, dg.SkipReason)
    assert "cannot be reached" in str(answer.skip_message)
    assert "hunter2" not in str(answer.skip_message)


def test_an_empty_lake_waits_for_its_first_load(
    copy: Platform, ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = module.settings().model_copy(update={"lake_uri": str(tmp_path / "empty")})
    monkeypatch.setattr(module, "settings", lambda: empty)
    assert not _requests(_result(ask(None)))


@dg.job
def _nothing() -> None: ...


def execute(platform: Platform, requests: Sequence[dg.RunRequest]) -> None:
    """Run what was requested."""
    assert platform.execute([_chunk(request) for request in requests]).success


def _chunk(request: dg.RunRequest) -> Chunk:
    chosen = tuple(asset for asset in assets if asset.key in (request.asset_selection or ()))
    return Chunk(chosen, request.tags[ASSET_PARTITION_RANGE_START_TAG], request.tags[ASSET_PARTITION_RANGE_END_TAG])


def _result(answer: dg.SensorResult | dg.SkipReason) -> dg.SensorResult:
    assert isinstance(answer, dg.SensorResult), answer
    return answer


def _requests(result: dg.SensorResult) -> Sequence[dg.RunRequest]:
    return result.run_requests or ()


def _daily_names() -> set[str]:
    return {".".join(asset.key.path) for asset in assets if asset.tags_by_key[asset.key]["shopease/cadence"] == "daily"}
