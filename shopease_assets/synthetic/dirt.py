"""Plant faults as real sources have them, and keep a ledger of every one. Pure: frames in, frames out.

Every fault gets a row of its own (a duplicated or noisy row is otherwise sound), so that what a quarantine catches
can be compared with the ledger row by row. Rows that others refer to are spared, with one exception: every order
has items, so the items of a faulty order are orphans of it wherever faulty orders are taken out.
"""

from collections import Counter
from dataclasses import dataclass, replace
from typing import ClassVar, Final

import numpy as np
import polars as pl

from shopease_assets.core.errors import SourceError
from shopease_assets.synthetic.dataset import KEYS, LEDGER_SCHEMA, TABLES, Dataset, business_day
from shopease_assets.synthetic.draws import Ints, Mask, stream
from shopease_assets.synthetic.faults import FAULTS, NOISE, Fault, planted_in

_REFERENCES: Final[tuple[tuple[str, str, str], ...]] = (  # parent, its key, where it is referred to
    ("customers", "customer_id", "subscriptions"),
    ("customers", "customer_id", "orders"),
    ("customers", "customer_id", "web_events"),
    ("customers", "customer_id", "invoices"),
    ("products", "product_id", "inventory"),
    ("products", "product_id", "inventory_movements"),
    ("products", "product_id", "order_items"),
    ("products", "product_id", "web_events"),
    ("subscriptions", "subscription_id", "invoices"),
)
_ALWAYS_REFERRED_TO: Final = ("tenants", "stores")
_SMALL_TABLE: Final = 50
_NOISE_KIND: Final = "noise"
_EMAILS_KIND: Final = "malformed_emails"


@dataclass(frozen=True)
class Dirt:
    """How much of what is planted, as shares of each table's rows (where it applies).

    `before_start` keeps malformed emails to customers last changed before the first day, as a share of those.
    """

    nulls: float = 0.0
    duplicates: float = 0.0
    outliers: float = 0.0
    malformed_emails: float = 0.0
    wrong_totals: float = 0.0
    broken_json: float = 0.0
    orphans: float = 0.0
    noise: float = 0.0
    before_start: bool = False

    FULL: ClassVar["Dirt"]
    LIGHT: ClassVar["Dirt"]

    def __post_init__(self) -> None:
        for kind, rate in self.rates.items():
            if not 0 <= rate <= 1:
                raise SourceError(f"a rate of {rate} for {kind} is no share; give a number from 0 to 1")

    @property
    def rates(self) -> dict[str, float]:
        """The share per kind of fault."""
        kinds = ("nulls", "duplicates", "outliers", _EMAILS_KIND, "wrong_totals", "broken_json", "orphans", _NOISE_KIND)
        return {kind: getattr(self, kind) for kind in kinds}

    @property
    def fits_strict_schema(self) -> bool:
        """Whether a database with all its constraints would take these faults."""
        return not any(rate for kind, rate in self.rates.items() if kind not in (_EMAILS_KIND, _NOISE_KIND))


Dirt.FULL = Dirt(
    nulls=0.05,
    duplicates=0.01,
    outliers=0.02,
    malformed_emails=0.01,
    wrong_totals=0.01,
    broken_json=0.005,
    orphans=0.005,
    noise=0.02,
)
Dirt.LIGHT = Dirt(malformed_emails=0.01, noise=0.02, before_start=True)


def soil(dataset: Dataset, dirt: Dirt) -> Dataset:
    """The dataset with faults planted at the given rates, and the ledger of them."""
    frames: dict[str, pl.DataFrame] = {}
    ledgers = [dataset.ledger]
    for table in TABLES:
        frames[table], planted = _soil_table(dataset, table, dirt)
        ledgers.append(planted)
    ledger = pl.concat(ledgers).sort("table", "day", "rule", "key")
    return replace(dataset, frames=frames, ledger=ledger, relaxed=not dirt.fits_strict_schema)


def _soil_table(dataset: Dataset, table: str, dirt: Dirt) -> tuple[pl.DataFrame, pl.DataFrame]:
    clean = dataset.frames[table]
    rng = stream(dataset.seed, f"dirt in {table}")
    spared = _referred_to(dataset, table)
    free = np.ones(clean.height, dtype=np.bool_)
    soiled, ledger = clean, [pl.DataFrame(schema=LEDGER_SCHEMA)]
    planned = (*FAULTS.get(table, ()), *NOISE.get(table, ()))
    kinds = Counter(fault.kind for fault in planned)
    for fault in planned:
        eligible = free if fault.kind == _NOISE_KIND else free & ~spared
        basis = clean.height
        if fault.kind == _EMAILS_KIND and dirt.before_start:
            eligible = eligible & _before_start(dataset, clean, "updated_at")
            basis = int(_before_start(dataset, clean, "created_at").sum())
        rows = _choose(rng, eligible, fault, clean, dirt.rates[fault.kind] / kinds[fault.kind] * basis)
        free[rows] = False
        soiled = fault.plant(soiled, rows, rng)
        ledger.append(planted_in(table, clean, soiled, rows, fault))
    rows = _choose(rng, free, None, clean, dirt.duplicates * clean.height)
    ledger.append(_duplicates_in(table, clean, rows))
    return pl.concat([soiled, soiled[rows]]), pl.concat(ledger)


def _before_start(dataset: Dataset, frame: pl.DataFrame, column: str) -> Mask:
    return frame.select(pl.col(column).cast(pl.Date) < dataset.window.start).to_series().to_numpy()


def _choose(
    rng: np.random.Generator, eligible: Mask, fault: Fault | None, clean: pl.DataFrame, expected: float
) -> Ints:
    """Ascending positions of the rows to hit: about `expected`, in all but small tables at least one if possible."""
    if not expected:
        return np.zeros(0, dtype=np.int64)
    least = 1 if clean.height >= _SMALL_TABLE else 0
    fits = eligible if fault is None else eligible & fault.fits(clean)
    candidates = np.flatnonzero(fits)
    return np.sort(rng.permutation(candidates)[: max(least, round(expected))])


def _referred_to(dataset: Dataset, table: str) -> Mask:
    """Which rows other tables refer to."""
    frame = dataset.frames[table]
    referred = np.full(frame.height, table in _ALWAYS_REFERRED_TO)
    for parent, key, child in _REFERENCES:
        if parent == table:
            used = dataset.frames[child][key].drop_nulls().unique()
            referred |= frame[key].is_in(used.implode()).to_numpy()
    return referred


def _duplicates_in(table: str, clean: pl.DataFrame, rows: Ints) -> pl.DataFrame:
    key = pl.struct(KEYS[table]).struct.json_encode()
    return clean[rows].select(
        pl.lit(table).alias("table"),
        business_day(table).alias("day"),
        pl.lit("key|unique").alias("rule"),
        pl.lit("consistency").alias("dimension"),
        key.alias("key"),
        pl.lit(",".join(KEYS[table])).alias("column"),
        key.alias("original"),
        key.alias("planted"),
    )


def cascades(dataset: Dataset) -> pl.DataFrame:
    """Sound items whose order holds a fault (table, day, key): what a quarantine of orders may take along."""
    faulty = dataset.ledger.filter((pl.col("table") == "orders") & ~pl.col("rule").is_in(["noise", "key|unique"]))
    order_ids = faulty.select(pl.col("key").str.json_path_match("$.order_id").cast(pl.Int64).alias("order_id"))
    items = dataset.frames["order_items"].join(order_ids, on="order_id", how="semi")
    hit = dataset.ledger.filter(pl.col("table") == "order_items").select("key")
    return (
        items.select(
            pl.lit("order_items").alias("table"),
            business_day("order_items").alias("day"),
            pl.struct("order_item_id").struct.json_encode().alias("key"),
        )
        .join(hit, on="key", how="anti")
        .unique(maintain_order=True)
    )
