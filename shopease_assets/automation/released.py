"""Runs work, and then what it releases: rows that were refused for want of rows which are there now.

What `shopease refresh` and `shopease replay` have in common; progress and printing are the caller's.
"""

from collections.abc import Callable, Collection, Sequence

import dagster as dg

from shopease_assets.automation.planning import Work
from shopease_assets.automation.runner import Outcome
from shopease_assets.automation.stale_work import work_after
from shopease_assets.storage.lake import ParquetLake

Execute = Callable[[Work], Outcome]


def run_with_released(
    lake: ParquetLake, assets: Sequence[dg.AssetsDefinition], work: Work, execute: Execute
) -> Outcome:
    """Execute the work, then what it releases, as long as that holds a partition that was not tried yet."""
    outcome = execute(work)
    tried: set[tuple[str, str]] = set()
    while released := _untried(of_built(lake, work_after(lake, assets)), tried):
        tried |= {(table, key) for table, keys in released.items() for key in keys}
        again = execute(released)
        outcome = Outcome(outcome.runs + again.runs, (*outcome.failures, *again.failures))
    return outcome


def of_built(lake: ParquetLake, work: Work, also: Collection[str] = ()) -> dict[str, set[str]]:
    """The work on tables that were ever published, and on those in `also`."""
    built = {ref.path for ref in lake.log.tables()} | {*also}
    return {table: set(keys) for table, keys in work.items() if table in built}


def _untried(work: Work, tried: Collection[tuple[str, str]]) -> Work:
    return work if any((table, key) not in tried for table, keys in work.items() for key in keys) else {}
