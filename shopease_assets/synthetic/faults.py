"""The catalogue of faults: what can be wrong in which table, which rule it breaks, and how to break it.

A fault breaks one rule, with one exception: a line whose quantity is not positive cannot add up either.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import numpy as np
import polars as pl

from shopease_assets.synthetic.dataset import KEYS, business_day
from shopease_assets.synthetic.draws import Ints, Mask

_NO_SUCH_ID: Final = 2_000_000_000  # beyond every id, within int
_WELL_ABOVE_SHIPPING: Final = Decimal("50.00")
_LONG_AGO: Final = pl.date(1066, 10, 14)


@dataclass(frozen=True)
class Fault:
    """One way a column can be wrong. `kind` names the rate in `Dirt`; `broken` makes the wrong value.

    `also` changes further columns so that no second rule breaks; `where` says which rows the fault fits.
    """

    kind: str
    column: str
    rule: str
    dimension: str
    broken: tuple[pl.Expr, ...]
    where: pl.Expr | None = None
    also: tuple[pl.Expr, ...] = ()

    def fits(self, frame: pl.DataFrame) -> Mask:
        """Rows where the fault makes sense: the value is there, and planting would change it."""
        there = pl.col(self.column).is_not_null()
        fits = there if self.where is None else there & self.where
        return frame.select(fits.fill_null(value=False)).to_series().to_numpy()

    def plant(self, frame: pl.DataFrame, rows: Ints, rng: np.random.Generator) -> pl.DataFrame:
        """The frame with the fault in the given rows."""
        if not len(rows):
            return frame
        variant = np.full(frame.height, -1, dtype=np.int64)
        variant[rows] = rng.integers(0, len(self.broken), len(rows))
        chosen = pl.lit(pl.Series(variant))
        dtype = frame.schema[self.column]
        value = pl.col(self.column)
        for number, broken in enumerate(self.broken):
            value = pl.when(chosen == number).then(broken.cast(dtype)).otherwise(value)
        return frame.with_columns(
            value.alias(self.column),
            *(
                pl.when(chosen >= 0)
                .then(expr)
                .otherwise(pl.col(expr.meta.output_name()))
                .alias(expr.meta.output_name())
                for expr in self.also
            ),
        )


def planted_in(table: str, before: pl.DataFrame, after: pl.DataFrame, rows: Ints, fault: Fault) -> pl.DataFrame:
    """The ledger rows of one fault."""
    return after[rows].select(
        pl.lit(table).alias("table"),
        business_day(table).alias("day"),
        pl.lit(fault.rule).alias("rule"),
        pl.lit(fault.dimension).alias("dimension"),
        pl.struct(KEYS[table]).struct.json_encode().alias("key"),
        pl.lit(fault.column).alias("column"),
        before[rows][fault.column].cast(pl.String).alias("original"),
        pl.col(fault.column).cast(pl.String).alias("planted"),
    )


def _null(column: str) -> Fault:
    return Fault("nulls", column, f"{column}|nullability", "completeness", (pl.lit(None),))


def _nulls(*columns: str) -> tuple[Fault, ...]:
    return tuple(_null(column) for column in columns)


def _negative(column: str, *also: pl.Expr, where: pl.Expr | None = None) -> Fault:
    """An outlier below zero."""
    broken = -(pl.col(column) + pl.lit(Decimal("1.00")))
    return Fault("outliers", column, f"{column}|min", "validity", (broken,), where, also)


def _broken_json(column: str) -> Fault:
    broken = (
        pl.concat_str(pl.lit('{"cut": "of'), pl.col(column).str.slice(2, 10).str.replace_all('"', "")),
        pl.lit("{'a': 1}"),
        pl.lit("not json"),
    )
    return Fault("broken_json", column, f"{column}|json", "validity", broken)


def _orphan(column: str) -> Fault:
    return Fault("orphans", column, f"{column}|exists", "consistency", (pl.col(column) + _NO_SUCH_ID,))


def _unknown(column: str, *words: str) -> Fault:
    """A word that is not in the enumeration."""
    return Fault("outliers", column, f"{column}|listed", "validity", tuple(pl.lit(word) for word in words))


_EMAIL: Final = pl.col("email")
FAULTS: Final[dict[str, tuple[Fault, ...]]] = {
    "customers": (
        Fault(
            "malformed_emails",
            "email",
            "email|format",
            "validity",
            (
                _EMAIL.str.replace("@", " at "),
                _EMAIL.str.replace("@.*", "@"),
                _EMAIL.str.replace("@", "@@"),
                _EMAIL.str.replace(r"\.[^@]*$", ""),
            ),
        ),
        *_nulls("email", "first_name", "last_name", "city", "country", "customer_segment", "is_active"),
        _unknown("customer_segment", "Platinum", "n/a"),
        Fault("outliers", "date_of_birth", "date_of_birth|plausible", "validity", (_LONG_AGO,)),
        _broken_json("metadata"),
        _orphan("tenant_id"),
    ),
    "products": (
        *_nulls("name", "category", "price", "cost", "is_active"),
        _negative("price"),
        _negative("cost"),
        _broken_json("attributes"),
        _orphan("tenant_id"),
    ),
    "subscriptions": (
        *_nulls("plan_name", "status", "monthly_amount", "billing_cycle"),
        _negative("monthly_amount"),
        Fault(
            "outliers",
            "end_date",
            "ends_after_start",
            "accuracy",
            (pl.col("start_date").dt.offset_by("-30d"),),
        ),
        _orphan("customer_id"),
    ),
    "inventory": (*_nulls("stock_quantity"), _orphan("product_id")),
    "inventory_movements": (*_nulls("quantity_delta", "reason"), _unknown("reason", "theft"), _orphan("product_id")),
    "orders": (
        *_nulls("customer_id", "status", "payment_method", "sales_channel", "currency", "tax_amount", "order_number"),
        _negative(
            "shipping_cost",
            (
                pl.col("total_amount") - pl.col("shipping_cost") - pl.col("shipping_cost") - pl.lit(Decimal("1.00"))
            ).alias("total_amount"),
            where=pl.col("total_amount") > _WELL_ABOVE_SHIPPING,
        ),
        _unknown("status", "teleported", "unknown"),
        Fault("outliers", "currency", "currency|format", "validity", (pl.lit("US"), pl.lit("$"), pl.lit("Euro"))),
        Fault(
            "outliers",
            "shipped_at",
            "shipped_after_ordered",
            "accuracy",
            (pl.col("ordered_at").dt.offset_by("-3d"),),
        ),
        Fault(
            "wrong_totals",
            "total_amount",
            "total_adds_up",
            "accuracy",
            (pl.col("total_amount") + pl.lit(Decimal("0.01")), pl.col("total_amount") + pl.lit(Decimal("100.00"))),
        ),
        _broken_json("metadata"),
        _orphan("customer_id"),
    ),
    # line_total is left alone: the order's subtotal is its sum.
    "order_items": (
        *_nulls("quantity", "unit_price", "discount_amount"),
        Fault(
            "outliers",
            "quantity",
            "quantity|min",
            "validity",
            (pl.lit(0), -pl.col("quantity")),
        ),
        Fault(
            "wrong_totals",
            "discount_amount",
            "line_total_adds_up",
            "accuracy",
            (pl.col("discount_amount") + pl.lit(Decimal("0.01")), pl.col("discount_amount") + pl.lit(Decimal("5.00"))),
        ),
        _orphan("product_id"),
    ),
    "web_events": (
        *_nulls("session_id", "event_type", "device_type", "page_url"),
        _unknown("event_type", "teleport", "hover"),
        _broken_json("event_data"),
        _orphan("customer_id"),
    ),
    "invoices": (
        *_nulls("amount", "status", "invoice_number", "due_date"),
        _negative("amount"),
        Fault("outliers", "due_date", "due_after_issue", "accuracy", (pl.col("issue_date").dt.offset_by("-1d"),)),
        _orphan("customer_id"),
    ),
}


def _noise(column: str, *, case: bool) -> Fault:
    """Spaces around a text, and another case where case does not matter: cleaning repairs it."""
    value = pl.col(column)
    spaced = (pl.concat_str(pl.lit("  "), value), pl.concat_str(value, pl.lit(" ")))
    cased = (value.str.to_uppercase(), pl.concat_str(pl.lit(" "), value.str.to_uppercase(), pl.lit("  ")))
    return Fault("noise", column, "noise", "validity", spaced + cased if case else spaced)


NOISE: Final[dict[str, tuple[Fault, ...]]] = {
    "tenants": (_noise("name", case=False), _noise("plan", case=True)),
    "stores": (_noise("name", case=False), _noise("city", case=False)),
    "customers": (
        _noise("email", case=True),
        _noise("first_name", case=False),
        _noise("last_name", case=False),
        _noise("city", case=False),
        _noise("customer_segment", case=True),
    ),
    "products": (_noise("name", case=False), _noise("category", case=False), _noise("brand", case=False)),
    "subscriptions": (_noise("status", case=True), _noise("billing_cycle", case=True)),
    "inventory_movements": (_noise("reason", case=True),),
    "orders": (
        _noise("status", case=True),
        _noise("payment_method", case=False),
        _noise("sales_channel", case=True),
        _noise("shipping_city", case=False),
    ),
    "web_events": (_noise("event_type", case=True), _noise("device_type", case=False), _noise("browser", case=False)),
    "invoices": (_noise("status", case=True),),
}
