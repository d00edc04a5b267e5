"""What a monthly table sees of its inputs: every day up to the end of its month, none after; and month after month.

A state holds every customer again, so months are made, written and audited one at a time.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import date
from itertools import chain
from typing import TypeVar

import pyarrow as pa

from shopease_assets.core.layout import last_day_of_month, partition_date
from shopease_assets.storage.lake import Relation

NameT = TypeVar("NameT")


def at_end_of_month(
    key: str, relations: Mapping[NameT, Relation], every_version: Collection[NameT] = ()
) -> tuple[dict[NameT, Relation], date]:
    """The inputs without the days after the month, and its last day: of the current month, the newest published one.

    Of the inputs named in `every_version` all days stay.
    """
    last = last_day_of_month(partition_date(key))
    visible = {
        name: relation if name in every_version else _until(relation, last) for name, relation in relations.items()
    }
    days = [max(relation.files) for relation in visible.values() if relation.files]
    return visible, min(last, partition_date(max(days))) if days else last


def in_turn(states: Iterable[pa.Table]) -> pa.RecordBatchReader:
    """The rows of the states, each of which is made when the one before is read."""
    made = iter(states)
    first = next(made)
    return pa.RecordBatchReader.from_batches(
        first.schema, (batch for state in chain([first], made) for batch in state.to_batches())
    )


def _until(relation: Relation, day: date) -> Relation:
    return replace(relation, files={key: files for key, files in relation.files.items() if partition_date(key) <= day})
