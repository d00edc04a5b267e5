"""What is told of troubles: a set of them is compared with what was told, and the difference is said."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from shopease_assets.core.alerts import Alert, Key, Kind, News, Told, Trouble, alerts, remembered
from shopease_assets.core.layout import TableRef

NOON = datetime(2026, 2, 1, 12, tzinfo=UTC)
ORDERS = TableRef("silver", "orders")
_DAY, _TICK = timedelta(days=1), timedelta(minutes=1)


def _blocked(table: TableRef = ORDERS, day: str = "2026-01-06", **changed: object) -> Trouble:
    usual: dict[str, object] = {
        "since": datetime(2026, 1, 7, 1, 3, tzinfo=UTC),
        "reason": "validity 0.0% is below 97%: status|listed (200 rows)",
        "cause": str(table),
        "run_id": "run-1",
    }
    return Trouble(Key(Kind.BLOCKED, table, day), **{**usual, **changed})  # type: ignore[arg-type]


def _say(told: Mapping[Key, Told], troubles: Sequence[Trouble], now: datetime = NOON) -> list[Alert]:
    return alerts(told, troubles, now, remind_after=_DAY, link=lambda run: f"http://dagster/runs/{run}")


def _after(told: Mapping[Key, Told], said: Sequence[Alert]) -> dict[Key, Told]:
    for alert in said:
        told = remembered(told, alert)
    return dict(told)


def _days(count: int, table: TableRef = ORDERS) -> list[Trouble]:
    return [_blocked(table, (date(2026, 1, 1) + timedelta(days=day)).isoformat()) for day in range(count)]


def test_a_blocked_day_is_told_with_its_reason_its_beginning_its_cure_and_its_run() -> None:
    [alert] = _say({}, [_blocked()])
    assert alert.subject == "ShopEase, blocked: silver.orders 2026-01-06"
    assert alert.text.splitlines() == [
        "Blocked by an audit: readers keep the last good version, where there is one.",
        "",
        "silver.orders 2026-01-06",
        "  why: validity 0.0% is below 97%: status|listed (200 rows)",
        "  since: 2026-01-07 01:03 UTC",
        (
            "  cure: look with: shopease quarantine show orders; mend the source or the rule, then: "
            "shopease replay orders --from 2026-01-06 --to 2026-01-06"
        ),
        "  run: http://dagster/runs/run-1",
    ]


def test_a_trouble_is_told_once_reminded_of_daily_and_told_when_it_is_over() -> None:
    said = _say({}, [_blocked()])
    told = _after({}, said)
    assert [alert.news for alert in said] == [News.NEW]
    assert _say(told, [_blocked()], NOON + _DAY - _TICK) == []
    [reminder] = _say(told, [_blocked()], NOON + _DAY)
    assert reminder.subject == "ShopEase, still blocked: silver.orders 2026-01-06"
    told = _after(told, [reminder])
    assert _say(told, [_blocked()], NOON + 2 * _DAY - _TICK) == []
    [over] = _say(told, [], NOON + 2 * _DAY)
    assert (over.news, over.subject) == (
        News.RECOVERED,
        "ShopEase, recovered, no longer blocked: silver.orders 2026-01-06",
    )
    assert over.text.endswith("silver.orders 2026-01-06, since 2026-01-07 01:03 UTC")
    assert _after(told, [over]) == {}


def test_a_month_of_blocked_days_of_one_table_is_one_message_with_one_cure() -> None:
    [alert] = _say({}, _days(31))
    assert alert.subject == "ShopEase, blocked: silver.orders 2026-01-01..2026-01-31 (31 partitions)"
    assert alert.text.count("cure:") == 1
    assert "--from 2026-01-01 --to 2026-01-31" in alert.text


def test_one_more_blocked_day_is_told_alone() -> None:
    told = _after({}, _say({}, _days(3)))
    [alert] = _say(told, _days(4))
    assert [key.partition for key in alert.remember] == ["2026-01-04"]


def test_a_day_that_recovers_leaves_the_others_in_trouble() -> None:
    told = _after({}, _say({}, _days(3)))
    [over] = _say(told, _days(3)[1:])
    assert over.subject.endswith("silver.orders 2026-01-01")
    assert _say(_after(told, [over]), _days(3)[1:]) == []


def test_what_one_run_left_undone_is_one_message() -> None:
    tables = [TableRef("silver", f"t{number}") for number in range(9)]
    [alert] = _say(
        {}, [Trouble(Key(Kind.FAILED, table, "2026-01-06"), NOON, "killed", "run-1", "run-1") for table in tables]
    )
    assert alert.tables == tuple(map(str, tables))
    assert alert.text.count("http://dagster/runs/run-1") == 9


def test_a_flood_of_causes_is_told_by_kind() -> None:
    many = [_blocked(TableRef("silver", f"t{number:02}")) for number in range(30)]
    [alert] = _say({}, many)
    assert len(alert.remember) == len(alert.tables) == 30
    assert "and 10 more tables; see: shopease alerts list" in alert.text


def test_the_cure_of_a_blocked_gold_month_is_to_run_it() -> None:
    [alert] = _say({}, [_blocked(TableRef("gold", "customer_360", "month"), "2026-01-01")])
    assert "then: shopease run --table gold/customer_360 --from 2026-01-01 --to 2026-01-01" in alert.text


_TABLES = [TableRef("silver", name) for name in ("orders", "customers", "products", "stores", "invoices", "tenants")]
_KEYS = st.one_of(
    st.builds(
        Key,
        st.sampled_from([Kind.BLOCKED, Kind.FAILED]),
        st.sampled_from(_TABLES),
        st.dates(date(2026, 1, 1), date(2026, 1, 20)).map(date.isoformat),
    ),
    st.builds(Key, st.just(Kind.STALE), st.sampled_from(_TABLES)),
)
_CAUSES = st.sampled_from(["run-1", "run-2", "run-3", "run-4", "run-5"])
_SETS = st.sets(_KEYS, max_size=40)


@st.composite
def _troubles(draw: st.DrawFn) -> list[Trouble]:
    return [Trouble(key, NOON, draw(st.text(max_size=9)), draw(_CAUSES)) for key in sorted(draw(_SETS))]


@given(st.lists(st.tuples(_troubles(), st.integers(0, 12)), max_size=12))
def test_nothing_is_lost_or_told_twice_however_often_the_channel_breaks(
    ticks: Sequence[tuple[list[Trouble], int]],
) -> None:
    told: dict[Key, Told] = {}
    for troubles, delivered in ticks:  # all within a day, so that nothing is reminded of
        said = _say(told, troubles)
        assert len(said) <= 10
        assert all(len(alert.subject) <= 100 and alert.subject.isascii() for alert in said)
        there = {trouble.key for trouble in troubles}
        assert _each_once(said, News.NEW) == there - set(told)
        assert _each_once(said, News.RECOVERED) == set(told) - there
        told = _after(told, said[:delivered])
    final = ticks[-1][0] if ticks else []
    told = _after(told, _say(told, final))
    assert set(told) == {trouble.key for trouble in final}
    assert _say(told, final) == []


@given(_troubles())
def test_whatever_lasts_is_told_again_within_the_next_day(troubles: list[Trouble]) -> None:
    told = _after({}, _say({}, troubles))
    reminders = _say(told, troubles, NOON + _DAY)
    assert _each_once(reminders, News.LASTING) == set(told)
    assert _say(_after(told, reminders), troubles, NOON + _DAY + _TICK) == []


def _each_once(said: Sequence[Alert], news: News) -> Collection[Key]:
    keys = [key for alert in said if alert.news == news for key in alert.remember]
    assert len(keys) == len(set(keys))
    return set(keys)
