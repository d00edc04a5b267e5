"""How work becomes runs: consecutive days of the same tables are one, and whatever others wait for comes first."""

from shopease_assets.automation.planning import coalesced, name_of, waves
from shopease_assets.definitions import assets

_ORDERS, _ITEMS, _STORES = "bronze/orders", "bronze/order_items", "bronze/stores"


def test_consecutive_days_of_the_same_tables_are_one_run() -> None:
    work = {_ORDERS: ["2026-01-31", "2026-02-01", "2026-02-03"], _ITEMS: ["2026-02-01", "2026-01-31", "2026-02-03"]}
    tables = [_ORDERS, _ITEMS]
    assert coalesced(work) == [(tables, "2026-01-31", "2026-02-01"), (tables, "2026-02-03", "2026-02-03")]


def test_a_day_of_other_tables_is_a_run_of_its_own() -> None:
    work = {_ORDERS: ["2026-01-01", "2026-01-02", "2026-01-03"], _STORES: ["2026-01-02"]}
    assert coalesced(work) == [
        ([_ORDERS], "2026-01-01", "2026-01-01"),
        ([_ORDERS, _STORES], "2026-01-02", "2026-01-02"),
        ([_ORDERS], "2026-01-03", "2026-01-03"),
    ]


def test_a_run_takes_no_more_days_than_it_may() -> None:
    days = [f"2026-01-0{day}" for day in range(1, 8)]
    assert [run[1:] for run in coalesced({_ORDERS: days}, 3)] == [
        ("2026-01-01", "2026-01-03"),
        ("2026-01-04", "2026-01-06"),
        ("2026-01-07", "2026-01-07"),
    ]


def test_nothing_to_do_is_no_run() -> None:
    assert coalesced({}) == coalesced({_ORDERS: []}) == []
    assert waves({}, assets, 31) == []


def test_what_others_look_at_as_a_whole_is_run_before_them_and_months_last() -> None:
    days = {"2026-01-01", "2026-01-05"}
    months = {"2026-01-01"}
    work = {
        name_of(asset): months if asset.tags_by_key[asset.key]["shopease/cadence"] == "monthly" else days
        for asset in assets
    }
    planned = waves(work, assets, 31)
    order = {name_of(asset): number for number, wave in enumerate(planned) for chunk in wave for asset in chunk.assets}
    assert order["silver/tenants"] < order["silver/customers"] < order["silver/orders"] == order["bronze/orders"]
    assert order["silver/products"] < order["gold/fact_sales"] < order["gold/market_basket"]


def test_days_of_one_run_need_no_waves() -> None:
    work = {name: {"2026-01-05", "2026-01-06"} for name in ("bronze/customers", "silver/customers", "silver/orders")}
    [[chunk]] = waves(work, assets, 31)
    assert {name_of(asset) for asset in chunk.assets} == set(work)
