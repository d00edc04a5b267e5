"""What a lake table is called and how it is partitioned. No storage here: `storage` turns this into paths."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal, get_args

Layer = Literal["bronze", "silver", "gold", "quarantine"]
LAYERS: tuple[Layer, ...] = get_args(Layer)
"""In the order of the flow."""
GLUE_CATALOG = "awsdatacatalog"
"""What Athena calls the catalog our databases are in."""
PartitionColumn = Literal["dt", "month"]


@dataclass(frozen=True, order=True)
class TableRef:
    """A lake table. Its partitions are ISO dates: a day in `dt`, or a month's first day in `month`."""

    layer: Layer
    name: str
    partition_by: PartitionColumn = "dt"

    def __str__(self) -> str:
        return f"{self.layer}.{self.name}"

    @property
    def path(self) -> str:
        """The folder of the table below the lake's root: `silver/orders`."""
        return f"{self.layer}/{self.name}"

    @property
    def quarantine(self) -> "TableRef":
        """Where the rows this table refused are kept, partitioned like it."""
        return TableRef("quarantine", self.name, self.partition_by)


def glue_database(environment: str, layer: str) -> str:
    """The database in Glue that holds a layer's tables: `shopease_dev_gold`."""
    return f"shopease_{environment}_{layer}"


def partition_date(key: str) -> date:
    """The date a partition key stands for: `2025-03-01` → date(2025, 3, 1)."""
    return date.fromisoformat(key)


def last_day_of_month(month: date) -> date:
    """The last day of the month that starts on `month`."""
    return (month.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


def day_ranges(keys: Iterable[str], most: int) -> list[tuple[str, str]]:
    """Days as (first, last) of at most `most` consecutive ones, ascending.

    >>> day_ranges(["2026-01-31", "2026-02-01", "2026-02-03"], 31)
    [('2026-01-31', '2026-02-01'), ('2026-02-03', '2026-02-03')]
    """
    runs: list[list[str]] = []
    for key in sorted(set(keys)):
        follows = runs and partition_date(key) - partition_date(runs[-1][-1]) == timedelta(days=1)
        if follows and len(runs[-1]) < most:
            runs[-1].append(key)
        else:
            runs.append([key])
    return [(run[0], run[-1]) for run in runs]
