"""Which months were made of days that have been published anew since."""

from collections.abc import Sequence
from dataclasses import dataclass

from shopease_assets.automation.stale_scores import SCORES
from shopease_assets.storage.log import PublicationLog


@dataclass(frozen=True)
class StaleMonths:
    """The months to make again, and the newest publication of a day they do not hold yet."""

    first: str
    last: str
    publication: int


def stale_months(log: PublicationLog, months: Sequence[str]) -> StaleMonths | None:
    """From the first month that lags behind its days to the current one: a later state holds those days too.

    A month lags when the oldest of its tables was published before the newest day of the month in silver or gold:
    invoices and subscriptions have no daily gold. Quality scores are written last, and no month is made of them.
    """
    days: dict[str, int] = {}
    states: list[dict[str, int]] = []
    for ref in log.tables():
        published = {key: pointer.publication for key, pointer in log.pointers(ref).items()}
        if ref.partition_by == "month":
            states.append(published)
        elif ref.layer in {"silver", "gold"} and ref != SCORES:
            for day, publication in published.items():
                month = f"{day[:7]}-01"
                days[month] = max(publication, days.get(month, 0))
    lagging = [
        month
        for month in months
        if month in days and (not states or min(state.get(month, 0) for state in states) < days[month])
    ]
    return StaleMonths(lagging[0], months[-1], max(days[month] for month in lagging)) if lagging else None
