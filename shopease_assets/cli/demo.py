"""`shopease demo`: the main job from nothing: a source, every partition of every asset, and what came of it."""

import os
import sys
from datetime import UTC, date, datetime, timedelta
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from shopease_assets.cli.console import console
from shopease_assets.cli.demo_aws import demo_aws
from shopease_assets.cli.lake import answer, print_result
from shopease_assets.cli.run import print_failures, refresh_lake
from shopease_assets.core.layout import LAYERS
from shopease_assets.settings import Settings, settings
from shopease_assets.sources.dsn import describe_dsn, source_dsn
from shopease_assets.storage.open import open_lake

_PRESET, _DAYS = "dev", 90
_REPORTS = {
    "the newest days, all tenants": """
        select sales_date, sum(total_transactions) as orders, sum(total_items_sold) as items,
               sum(total_revenue) as revenue, sum(gross_margin) as gross_margin, sum(cancelled_orders) as cancelled
        from gold.daily_sales_summary group by sales_date order by sales_date desc limit 7""",
    "top products": """
        select tenant_id, product_name, category, total_quantity_sold, total_revenue,
               round(gross_margin_pct, 1) as gross_margin_pct
        from gold.product_performance
        where month = (select max(month) from gold.product_performance)
        order by total_revenue desc, product_id limit 5""",
    "top customers": """
        select tenant_id, customer_id, customer_segment, total_purchases, total_spent, customer_status
        from gold.customer_analytics
        where month = (select max(month) from gold.customer_analytics)
        order by total_spent desc, customer_id limit 5""",
}


def demo(
    aws: Annotated[bool, typer.Option("--aws", help="On S3, Glue and SNS, played by a moto server here")] = False,
) -> None:
    """Build the lake from a synthetic shop, or refresh it, and show what is in it."""
    if aws:
        demo_aws()
        return
    out = console()
    today = datetime.now(settings().zone).date()
    chosen = _with_start(settings(), today)
    dsn = source_dsn(chosen)
    out.print(f"[bold]source[/] {describe_dsn(dsn)}")
    if chosen.source_dsn is None:
        _fill(dsn, chosen, today, out)
    print_failures(refresh_lake())
    _print_built(out)
    for title, sql in _REPORTS.items():
        out.print(f"\n[bold]{title}[/]")
        print_result(answer(sql))
    _print_next(out, chosen)


def _with_start(current: Settings, today: date) -> Settings:
    """The settings, with the demo's first day remembered for the commands that follow."""
    if current.source_dsn is not None or "start_date" in current.model_fields_set:
        return current
    current.home_folder.mkdir(parents=True, exist_ok=True)
    current.demo_env.write_text(f"SHOPEASE_START_DATE={today - timedelta(days=_DAYS - 1)}\n")
    settings.cache_clear()
    return settings()


def _fill(dsn: str, chosen: Settings, today: date, out: Console) -> None:
    """Generate the shop on the first run; later, play the days that have passed since."""
    from shopease_assets import synthetic

    newest = synthetic.newest_day(dsn)
    if newest is None:
        with out.status(f"generating the {_PRESET} shop"):
            days = (today - chosen.start_date).days + 1
            dataset = synthetic.generate(
                _PRESET, start=chosen.start_date, days=days, now=datetime.now(UTC), dirt=synthetic.Dirt.LIGHT
            )
            synthetic.ensure_empty(dsn, relaxed=dataset.relaxed)
            synthetic.load(dsn, dataset)
        rows, planted = sum(dataset.rows.values()), len(dataset.ledger)
        out.print(f"[bold]generated[/] {rows:,} rows in {len(dataset.rows)} tables, {planted:,} of them soiled")
    elif newest < today:
        synthetic.advance(dsn, days=(today - newest).days)
        out.print(f"[bold]advanced[/] from {newest} to {today}")


def _print_built(out: Console) -> None:
    lake = open_lake(settings())
    shown = Table("layer", "tables", "partitions", "rows", "checks passed", "failed", title="what is published")
    for column in shown.columns[1:]:
        column.justify = "right"
    for layer in LAYERS:
        tables = [ref for ref in lake.log.tables() if ref.layer == layer]
        pointers = [pointer for ref in tables for pointer in lake.log.pointers(ref).values()]
        checks = [result.passed for ref in tables for result in lake.log.quality(ref)]
        shown.add_row(
            layer,
            str(len(tables)),
            f"{len(pointers):,}",
            f"{sum(pointer.rows for pointer in pointers):,}",
            f"{sum(checks):,}",
            f"[red]{failed}[/]" if (failed := len(checks) - sum(checks)) else "0",
        )
    out.print(shown)


def _print_next(out: Console, chosen: Settings) -> None:
    out.print(f"\n[bold]the lake[/] {chosen.lake_address}")
    out.print("[bold]try next[/]")
    shopease = os.path.relpath(sys.argv[0])
    question = '"select * from gold.daily_sales_summary order by dt desc limit 10"'
    for command, what in (
        ("make dev", "the asset graph, its checks and its backfills in the Dagster UI"),
        (f"{shopease} status", "how far every table is"),
        (f"{shopease} query {question}", "ask it something"),
    ):
        out.print(f"  [green]{command}[/]  [dim]{what}[/]")
