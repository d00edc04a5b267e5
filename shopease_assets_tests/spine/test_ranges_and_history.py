"""However a range is cut into runs, the same rows come out; what was published can be read again and brought back."""

from datetime import UTC, date, datetime, timedelta

import pytest

from shopease_assets.core.layout import TableRef
from shopease_assets_tests.platform import Platform
from shopease_assets_tests.spine.compare import digest, versions
from shopease_assets_tests.spine.conftest import Copy

_FIRST, _LAST = date(2026, 1, 30), date(2026, 2, 2)
_DAYS = [(_FIRST + timedelta(days=n)).isoformat() for n in range(4)]
_MONTHS = ["2026-01-01", "2026-02-01"]


@pytest.fixture(scope="module")
def rerun(built: Platform, copy_of: Copy) -> Platform:
    return copy_of(built)


@pytest.mark.slow
@pytest.mark.parametrize("days_per_run", [1, 3])
def test_shorter_runs_publish_the_same_rows(built: Platform, rerun: Platform, days_per_run: int) -> None:
    before = versions(rerun)
    outcome = rerun.run(_FIRST, _LAST, days_per_run=days_per_run)
    assert outcome.success, outcome.failures
    for ref in built.log.tables():
        keys = [key for key in (_MONTHS if ref.partition_by == "month" else _DAYS) if key in built.log.pointers(ref)]
        if ref.name == "fact_inventory":  # the stock of later days holds these days
            keys = [key for key in built.log.pointers(ref) if key >= _DAYS[0]]
        assert digest(rerun, ref, keys) == digest(built, ref, keys), ref
        if ref.layer != "quarantine":
            now = versions(rerun)[ref]
            assert {key for key in now if now[key] != before[ref][key]} == set(keys)


def test_an_earlier_state_can_be_read_rolled_back_to_and_rolled_forward_again(built: Platform, rerun: Platform) -> None:
    orders, sales = TableRef("silver", "orders"), TableRef("gold", "daily_sales_summary")
    day = "2026-01-30"
    then, moment = rerun.log.position(), datetime.now(UTC)
    before = {ref: digest(rerun, ref, [day]) for ref in (orders, sales)}
    others = {ref: {key: shown for key, shown in at.items() if key != day} for ref, at in versions(rerun).items()}
    rerun.sql("update shop.orders set status = 'cancelled' where ordered_at::date = %s", day)
    daily = ["bronze/orders", "bronze/order_items", "silver/orders", "silver/order_items"]
    daily += ["gold/fact_sales", "gold/daily_sales_summary"]
    assert rerun.run(_FIRST, tables=daily).success

    changed = digest(rerun, sales, [day])
    assert changed != before[sales]
    assert rerun.rows("gold.daily_sales_summary", _FIRST)["total_transactions"].to_list() == [0, 0]
    assert rerun.rows("gold.daily_sales_summary", _FIRST)["total_revenue"].sum() == 0
    for at in (then, moment):
        earlier = rerun.lake.scan(sales, [day], as_of=at).collect()
        assert sorted(earlier.rows()) == sorted(built.rows("gold.daily_sales_summary", _FIRST).rows())
    newest, *_ = rerun.lake.history(sales, day)
    assert (newest.kind, set(newest.partitions)) == ("publish", {day})

    back = rerun.lake.rollback(sales, then, partitions=[day])
    assert digest(rerun, sales, [day]) == before[sales]
    assert rerun.lake.history(sales, day)[0].id == back
    rerun.lake.rollback(sales, back - 1, partitions=[day])
    assert digest(rerun, sales, [day]) == changed
    now = {ref: {key: shown for key, shown in at.items() if key != day} for ref, at in versions(rerun).items()}
    assert now == others


def test_a_whole_table_rolled_back_before_its_first_publication_is_empty_again(rerun: Platform) -> None:
    baskets = TableRef("gold", "market_basket", "month")
    first = rerun.lake.history(baskets)[-1].id
    rerun.lake.rollback(baskets, first - 1)
    assert rerun.lake.scan(baskets).collect().is_empty()
    rerun.lake.rollback(baskets, first)
    assert not rerun.lake.scan(baskets).collect().is_empty()
