"""`shopease alerts`: who is told of troubles, and which there are now."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from shopease_assets.cli.console import console, print_error
from shopease_assets.core.alerts import Alert, Kind, alerts, described
from shopease_assets.core.errors import SettingsError, ShopEaseError
from shopease_assets.settings import settings

app = typer.Typer(no_args_is_help=True, help="Blocked partitions, failed runs, stale tables: told and listed.")


@app.command()
def test() -> None:
    """Send a test alert to everyone configured; say where it went, or what is wrong."""
    from shopease_assets.automation.channels import channels

    listeners = channels(settings())
    if not listeners:
        raise SettingsError("nobody is to be told of troubles; set SHOPEASE_ALERTS_TOPIC or SHOPEASE_SLACK_WEBHOOK")
    text = (
        f"This is a test of {datetime.now(UTC):%Y-%m-%d %H:%M} UTC. Nothing is wrong.\n\nrun: {settings().run_link('')}"
    )
    failures = 0
    for channel in listeners:
        try:
            channel.send(Alert("test", "test", (), "ShopEase, test", text, {}))
        except ShopEaseError as error:  # the others are told all the same
            print_error(f"{channel.name}: {error}")
            failures += 1
        else:
            console().print(f"sent to {channel.name}")
    if failures:
        raise typer.Exit(1)


@app.command("list")
def list_(
    tell: Annotated[bool, typer.Option("--tell", help="Send them too, whatever was told before")] = False,
) -> None:
    """Print the troubles there are now, as an alert would tell them; exits with 1 when there are any."""
    with console().status("loading the asset graph"):
        from shopease_assets import definitions
        from shopease_assets.automation.alerts_sensor import troubles_now
        from shopease_assets.automation.channels import channels
        from shopease_assets.cli.run import dagster_instance
    chosen, now = settings(), datetime.now(UTC)
    with dagster_instance() as instance:
        troubles = troubles_now(chosen, instance, definitions.assets, now)
    for kind in Kind:
        if of_kind := [trouble for trouble in troubles if trouble.key.kind is kind]:
            console().print(f"[bold]{kind}[/]")
            console().print(described(of_kind, chosen.run_link), markup=False)
    for channel in channels(chosen) if tell else ():
        remind_after = timedelta(hours=chosen.remind_after_hours)
        for alert in alerts({}, troubles, now, remind_after=remind_after, link=chosen.run_link):
            channel.send(alert)
    if troubles:
        raise typer.Exit(1)
    console().print("no trouble")
