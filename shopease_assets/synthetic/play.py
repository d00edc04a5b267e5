"""What happens on further days, as a pure function of what is known: rows to insert, to update, to delete."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import polars as pl

from shopease_assets.synthetic import vocabulary as v
from shopease_assets.synthetic.billing import draw_subscriptions, invoices
from shopease_assets.synthetic.catalog import Catalog
from shopease_assets.synthetic.draws import (
    DAY,
    Ints,
    Pool,
    choose,
    dates,
    money,
    percent_of,
    stream,
    timestamps,
)
from shopease_assets.synthetic.fates import (
    OPEN_ORDER_STATUSES,
    ORDER_STATUSES,
    SUBSCRIPTION_STATUSES,
    invoice_fate,
    order_fate,
    subscription_fate,
)
from shopease_assets.synthetic.known import Known, ids, micros
from shopease_assets.synthetic.people import NEVER, People, customer_pool, customer_rows, place_columns, tenant_weights
from shopease_assets.synthetic.sales import Sales, draw_sales
from shopease_assets.synthetic.scale import SUBSCRIBED_SHARE
from shopease_assets.synthetic.stock import inventory, lot_sizes, movements_of, number_movements, sales_movements
from shopease_assets.synthetic.web import draw_events, visit_count
from shopease_assets.synthetic.window import Window

_REPRICED_A_DAY: Final = 0.01
_MOVED_A_DAY: Final = 0.003
_DELETED_A_DAY: Final = 1
_LATE_VISITS: Final = 0.03
_LATEST_VISIT: Final = 3 * DAY


@dataclass(frozen=True)
class Changes:
    """What to write, per table: new rows; new values with their key and business time; rows to delete, likewise."""

    inserted: dict[str, pl.DataFrame]
    updated: dict[str, pl.DataFrame]
    deleted: dict[str, pl.DataFrame]


def play(known: Known, window: Window, seed: int) -> Changes:
    """The days of the window, played on what is known. The same known, window and seed give the same changes."""
    rng = stream(seed, f"advance {window.start}")
    now, since = window.now_micros, window.start_micros
    catalog, repriced = _reprice(rng, known.catalog, window)
    movers, moved = _move(rng, known.people, window)
    people, customers = _register(rng, movers, known, window)
    sales = _sell(rng, people, catalog, known, window)
    deleted, deleted_items = _delete(rng, known, window)
    orders, came_back = _progress_orders(known, deleted, window)
    movements = _move_stock(sales, came_back, catalog, known, window)
    subscribed, subscriptions = _subscribe(rng, people, customers, known, window)
    next_invoice = known.last_ids["invoices"] + 1
    new_customers = customers.select("customer_id", "tenant_id", "registered_at")
    inserted = {
        "customers": customers,
        "subscriptions": subscribed,
        "inventory_movements": movements,
        "orders": sales.orders,
        "order_items": sales.order_items,
        "web_events": _visit(rng, people, catalog, known, window),
        "invoices": invoices(
            _all_subscriptions(known.subscriptions, subscriptions, subscribed),
            new_customers,
            since=since,
            now=now,
            first_id=next_invoice,
        ),
    }
    updated = {
        "customers": moved,
        "products": repriced,
        "subscriptions": subscriptions,
        "inventory": _restock(known.stock, movements),
        "orders": orders,
        "invoices": _progress_invoices(known.open_invoices, window),
    }
    return Changes(_not_empty(inserted), _not_empty(updated), {"orders": deleted, "order_items": deleted_items})


def _not_empty(frames: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    return {table: frame for table, frame in frames.items() if frame.height}


def _further(status: pl.Series, than: pl.Series, order: tuple[str, ...]) -> pl.Series:
    """Whether a status lies beyond the one the source shows; what somebody else changed by hand is never undone."""
    steps = pl.Enum(order)
    return (status.cast(steps) > than.cast(steps, strict=False)).fill_null(value=False)


def _seen_since(changed_at: Ints, window: Window) -> pl.Series:
    """When the source records a change that happened since it was last played: in the window, or it would be missed."""
    return timestamps(np.maximum(changed_at, window.start_micros))


def _reprice(rng: np.random.Generator, catalog: Catalog, window: Window) -> tuple[Catalog, pl.DataFrame]:
    """A product in a hundred changes its price every day."""
    size = len(catalog.pool.ids)
    count = min(size, max(1, round(size * _REPRICED_A_DAY * window.days)))
    hit = np.sort(rng.permutation(size)[:count])
    at = np.sort(window.draw_times(rng, count))
    prices, changed_at = catalog.prices.copy(), catalog.changed_at.copy()
    prices[hit, 1] = np.maximum(1, percent_of(prices[hit, 0], rng.integers(85, 121, count).astype(np.int64)))
    changed_at[hit, 0] = at
    rows = pl.DataFrame(
        {"product_id": catalog.pool.ids[hit], "price": money(prices[hit, 1]), "updated_at": timestamps(at)}
    )
    return replace(catalog, prices=prices, changed_at=changed_at), rows


def _move(rng: np.random.Generator, people: People, window: Window) -> tuple[People, pl.DataFrame]:
    """Three customers in a thousand move house every day."""
    size = len(people.pool.ids)
    count = min(size, max(1, round(size * _MOVED_A_DAY * window.days)))
    hit = np.sort(rng.permutation(size)[:count])
    at = window.draw_times(rng, count)
    places, moved_at = people.places.copy(), people.moved_at.copy()
    places[hit] = choose(rng.random(count), v.PLACE_WEIGHTS)
    moved_at[hit] = at
    rows = pl.DataFrame(
        {
            "customer_id": people.pool.ids[hit],
            "address_line1": pl.Series(rng.integers(1, 999, count)).cast(pl.String) + " " + v.STREETS[0],
            **place_columns(places[hit], rng),
            "updated_at": timestamps(at),
        }
    )
    return replace(people, places=places, moved_at=moved_at), rows


def _register(rng: np.random.Generator, people: People, known: Known, window: Window) -> tuple[People, pl.DataFrame]:
    """New customers, at the rate of late but at least one."""
    at = window.draw_times(rng, max(1, int(rng.poisson(known.rates.customers * window.days))))
    first = known.last_ids["customers"] + 1
    new_ids = np.arange(first, first + len(at), dtype=np.int64)
    tenants = choose(rng.random(len(at)), list(tenant_weights(known.tenant_count))) + 1
    places = choose(rng.random(len(at)), v.PLACE_WEIGHTS)
    arrivals = People(customer_pool(new_ids, tenants, at), places, places, np.full(len(at), NEVER, dtype=np.int64))
    return _together(people, arrivals), customer_rows(arrivals, at, rng)


def _together(first: People, second: People) -> People:
    one, two = first.pool, second.pool
    pool = Pool(
        np.concatenate([one.ids, two.ids]),
        np.concatenate([one.tenants, two.tenants]),
        np.concatenate([one.since, two.since]),
        np.concatenate([one.weights, two.weights]),
    )
    return People(
        pool,
        np.concatenate([first.places, second.places]),
        np.concatenate([first.places_before, second.places_before]),
        np.concatenate([first.moved_at, second.moved_at]),
    )


def _sell(rng: np.random.Generator, people: People, catalog: Catalog, known: Known, window: Window) -> Sales:
    """New orders, at the rate of late but at least one a day."""
    orders = max(window.days, int(rng.poisson(known.rates.orders * window.days)))
    return draw_sales(
        rng,
        ordered_at=_one_a_day(rng, orders, window),
        items=max(orders, round(orders * known.rates.items_per_order)),
        people=people,
        catalog=catalog,
        tenant_count=known.tenant_count,
        now=window.now_micros,
        first_order_id=known.last_ids["orders"] + 1,
        first_item_id=known.last_ids["order_items"] + 1,
    )


def _one_a_day(rng: np.random.Generator, size: int, window: Window) -> Ints:
    """Times with at least one on every day, so that the next `advance` starts where this one ended."""
    starts = window.start_micros + DAY * np.arange(window.days, dtype=np.int64)
    lengths = np.minimum(window.now_micros - starts, DAY - 1)
    once = starts + (rng.random(window.days) * lengths).astype(np.int64)
    return np.sort(np.concatenate([once, window.draw_times(rng, size - window.days)]))


def _visit(rng: np.random.Generator, people: People, catalog: Catalog, known: Known, window: Window) -> pl.DataFrame:
    """New visits at the rate of late, and some of the days before whose events only arrive now."""
    events = max(window.days, int(rng.poisson(known.rates.events * window.days)))
    visits = visit_count(events)
    late = min(visits, max(1, round(visits * _LATE_VISITS)))
    before = window.start_micros - 1 - (rng.random(late) * _LATEST_VISIT).astype(np.int64)
    return draw_events(
        rng,
        visited_at=np.sort(np.concatenate([before, window.draw_times(rng, visits - late)])),
        events=events,
        people=people,
        catalog=catalog,
        tenant_count=known.tenant_count,
        earliest=window.start_micros,
        now=window.now_micros,
        first_event_id=known.last_ids["web_events"] + 1,
        session_prefix=f"s{window.start:%Y%m%d}-",
    )


def _delete(rng: np.random.Generator, known: Known, window: Window) -> tuple[pl.DataFrame, pl.DataFrame]:
    """One order a day is deleted from the source without a trace, with its items."""
    count = min(_DELETED_A_DAY * window.days, known.orders.height // 10)
    hit = np.sort(rng.permutation(known.orders.height)[:count])
    orders = known.orders[hit].select("order_id", "ordered_at")
    items = known.order_items.join(orders, on="order_id", how="semi", maintain_order="left")
    return orders, items.select("order_item_id", "created_at")


def _progress_orders(known: Known, deleted: pl.DataFrame, window: Window) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Orders whose status moved on, and among them those whose goods came back (with where and when)."""
    kept = known.orders.join(deleted, on="order_id", how="anti", maintain_order="left")
    ordered_at = micros(kept, "ordered_at")
    fate = order_fate(ids(kept, "order_id"), ordered_at, kept["in_store"].to_numpy(), window.now_micros)
    changed = _further(fate.status, kept["status"], ORDER_STATUSES) & kept["status"].is_in(OPEN_ORDER_STATUSES)
    rows = pl.DataFrame(
        {
            "order_id": kept["order_id"],
            "ordered_at": kept["ordered_at"],
            "store_id": kept["store_id"],
            "came_back": fate.came_back,
            "status": fate.status,
            "payment_status": fate.payment_status,
            "shipped_at": timestamps(np.where(fate.is_shipped, fate.shipped_at, 0), fate.is_shipped),
            "delivered_at": timestamps(np.where(fate.is_delivered, fate.delivered_at, 0), fate.is_delivered),
            "updated_at": _seen_since(fate.changed_at, window),
        }
    ).filter(changed)
    came_back = rows.filter("came_back").select("order_id", "store_id", "updated_at")
    return rows.drop("store_id", "came_back"), came_back


def _move_stock(sales: Sales, came_back: pl.DataFrame, catalog: Catalog, known: Known, window: Window) -> pl.DataFrame:
    """Movements of new sales, of goods that came back, and of deliveries for what ran low."""
    back = known.order_items.join(came_back, on="order_id", how="inner", maintain_order="left")
    back = back.join(known.stock, on=["product_id", "store_id"], how="semi", maintain_order="left")
    returned = movements_of(
        ids(back, "product_id"), ids(back, "store_id"), ids(back, "quantity"), "return", micros(back, "updated_at")
    )
    moved = pl.concat([sales_movements(sales, catalog), returned])
    levels = pl.DataFrame({"product_id": catalog.pool.ids, "level": catalog.reorder_levels})
    low = (
        inventory(moved)
        .select("product_id", "store_id", pl.col("stock_quantity").alias("delta"))
        .join(known.stock, on=["product_id", "store_id"], how="inner", maintain_order="left")
        .join(levels, on="product_id", how="inner", maintain_order="left")
        .filter(pl.col("stock_quantity") + pl.col("delta") < pl.col("level"))
    )
    arrived_at = np.full(low.height, window.now_micros, dtype=np.int64)
    lots = lot_sizes(ids(low, "level"))
    missing = np.maximum(-(ids(low, "stock_quantity") + ids(low, "delta")), 0)
    delivered = movements_of(ids(low, "product_id"), ids(low, "store_id"), lots + missing, "receipt", arrived_at)
    return number_movements(pl.concat([moved, delivered]), first_id=known.last_ids["inventory_movements"] + 1)


def _restock(stock: pl.DataFrame, movements: pl.DataFrame) -> pl.DataFrame:
    """New stock of what was moved."""
    moved = inventory(movements).select("product_id", "store_id", pl.col("stock_quantity").alias("delta"), "updated_at")
    return stock.join(moved, on=["product_id", "store_id"], how="inner", maintain_order="left").select(
        "product_id", "store_id", pl.col("stock_quantity") + pl.col("delta"), "updated_at"
    )


def _subscribe(
    rng: np.random.Generator, people: People, customers: pl.DataFrame, known: Known, window: Window
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """New subscriptions of new customers, and old ones that became active or ended."""
    pool = people.pool
    new_customers = pool.ids > known.last_ids["customers"]
    newcomers = Pool(
        pool.ids[new_customers], pool.tenants[new_customers], pool.since[new_customers], pool.weights[new_customers]
    )
    subscribed = draw_subscriptions(
        rng,
        newcomers,
        round(customers.height * SUBSCRIBED_SHARE),
        now=window.now_micros,
        first_id=known.last_ids["subscriptions"] + 1,
    )
    old = known.subscriptions
    state = subscription_fate(ids(old, "subscription_id"), micros(old, "created_at"), window.now_micros)
    progressed = pl.DataFrame(
        {
            "subscription_id": old["subscription_id"],
            "status": state.status,
            "end_date": dates(np.where(state.has_ended, state.ended_at // DAY, 0), state.has_ended),
            "updated_at": _seen_since(state.changed_at, window),
        }
    ).filter(_further(state.status, old["status"], SUBSCRIPTION_STATUSES) & old["status"].is_in(("trial", "active")))
    return subscribed, progressed


def _all_subscriptions(old: pl.DataFrame, progressed: pl.DataFrame, new: pl.DataFrame) -> pl.DataFrame:
    """Subscriptions as they stand after the window, as far as billing needs them."""
    ended = progressed.select("subscription_id", pl.col("end_date").alias("ended"))
    needed = (
        "subscription_id",
        "tenant_id",
        "customer_id",
        "start_date",
        "end_date",
        "monthly_amount",
        "billing_cycle",
    )
    current = old.join(ended, on="subscription_id", how="left", maintain_order="left").with_columns(
        pl.coalesce("ended", "end_date").alias("end_date")
    )
    return pl.concat([current.select(needed), new.select(needed)])


def _progress_invoices(open_invoices: pl.DataFrame, window: Window) -> pl.DataFrame:
    """Invoices that were sent, paid, cancelled or fell overdue."""
    state = invoice_fate(ids(open_invoices, "invoice_id"), micros(open_invoices, "created_at"), window.now_micros)
    return pl.DataFrame(
        {
            "invoice_id": open_invoices["invoice_id"],
            "issue_date": open_invoices["issue_date"],
            "status": state.status,
            "paid_date": dates(np.where(state.is_paid, state.paid_day, 0), state.is_paid),
            "updated_at": _seen_since(state.changed_at, window),
        }
    ).filter(state.status != open_invoices["status"])
