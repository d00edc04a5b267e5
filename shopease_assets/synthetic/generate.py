"""A whole synthetic ShopEase in memory: `generate` puts the parts together. No database here."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Final

import polars as pl

from shopease_assets.synthetic.billing import draw_subscriptions, invoices
from shopease_assets.synthetic.catalog import draw_products
from shopease_assets.synthetic.dataset import TABLES, Dataset
from shopease_assets.synthetic.dirt import Dirt, soil
from shopease_assets.synthetic.draws import stream
from shopease_assets.synthetic.people import draw_customers, stores, tenants
from shopease_assets.synthetic.sales import draw_sales
from shopease_assets.synthetic.scale import Scale, scale_named
from shopease_assets.synthetic.stock import draw_movements, inventory
from shopease_assets.synthetic.web import draw_events, visit_count
from shopease_assets.synthetic.window import Window, window_of

Progress = Callable[[str, int, int], None]  # what was done, how many of how many
_STEPS: Final = 6


def generate(
    preset: str | Scale,
    *,
    seed: int = 7,
    start: date | None = None,
    days: int | None = None,
    now: datetime | None = None,
    dirt: Dirt | None = None,
    progress: Progress | None = None,
) -> Dataset:
    """A synthetic ShopEase: the same seed, start, days and now give the same bytes.

    Without `start` the last day is today (UTC) and nothing happens after this moment; with `start` the last day is
    played to its end, or up to `now` if that comes first. Raises SourceError for unknown presets and empty windows.
    """
    scale = scale_named(preset) if isinstance(preset, str) else preset
    window = window_of(start, scale.days if days is None else days, now)
    dataset = Dataset(_frames(scale, window, seed, progress or _silent), window, seed)
    return soil(dataset, dirt) if dirt else dataset


def _silent(what: str, done: int, of: int) -> None:
    """Nobody watches."""


def _frames(scale: Scale, window: Window, seed: int, progress: Progress) -> dict[str, pl.DataFrame]:
    frames = {"tenants": tenants(scale, window), "stores": stores(scale, window)}
    frames["customers"], people = draw_customers(scale, window, seed)
    progress("customers", 1, _STEPS)
    frames["products"], catalog = draw_products(scale, window, seed)
    progress("products", 2, _STEPS)
    rng = stream(seed, "orders")
    sales = draw_sales(
        rng,
        ordered_at=window.draw_times(rng, scale.orders),
        items=scale.order_items,
        people=people,
        catalog=catalog,
        tenant_count=scale.tenants,
        now=window.now_micros,
    )
    frames["orders"], frames["order_items"] = sales.orders, sales.order_items
    progress("orders", 3, _STEPS)
    frames["inventory_movements"] = draw_movements(sales, catalog, window, seed)
    frames["inventory"] = inventory(frames["inventory_movements"])
    progress("inventory", 4, _STEPS)
    rng = stream(seed, "web events")
    frames["web_events"] = draw_events(
        rng,
        visited_at=window.draw_times(rng, visit_count(scale.web_events)),
        events=scale.web_events,
        people=people,
        catalog=catalog,
        tenant_count=scale.tenants,
        earliest=window.start_micros,
        now=window.now_micros,
    )
    progress("web events", 5, _STEPS)
    frames["subscriptions"] = draw_subscriptions(
        stream(seed, "subscriptions"), people.pool, scale.subscriptions, now=window.now_micros
    )
    registered = frames["customers"].select("customer_id", "tenant_id", "registered_at")
    frames["invoices"] = invoices(frames["subscriptions"], registered, since=window.start_micros, now=window.now_micros)
    progress("invoices", 6, _STEPS)
    return {table: frames[table] for table in TABLES}
