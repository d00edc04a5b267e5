"""Brings some days up to date, as production does: the days a change touched, then every month that holds them."""

from collections.abc import Iterable
from datetime import date, timedelta

from shopease_assets.kit.partitions import MONTHLY
from shopease_assets_tests.platform import Platform


def refresh(platform: Platform, days: Iterable[date], last_day: date) -> None:
    """Run the days, nothing else, and then the months from the first of them to `last_day`'s."""
    from shopease_assets.definitions import assets

    monthly = [asset.key.to_user_string() for asset in assets if asset.partitions_def == MONTHLY]
    daily = [name for asset in assets if (name := asset.key.to_user_string()) not in monthly]
    touched = sorted(days)
    for first, last in _ranges(touched):
        outcome = platform.run(first, last, tables=daily)
        assert outcome.success, outcome.failures
    outcome = platform.run(touched[0], last_day, tables=monthly)
    assert outcome.success, outcome.failures


def _ranges(days: list[date]) -> list[tuple[date, date]]:
    ranges: list[tuple[date, date]] = []
    for day in days:
        if ranges and ranges[-1][1] + timedelta(days=1) == day:
            ranges[-1] = (ranges[-1][0], day)
        else:
            ranges.append((day, day))
    return ranges
