"""The three classic reports, recomputed by SQL on the source, against gold: value by value, for what is published.

The source forgets what the lake keeps: versions it has overwritten are handed to the SQL, and rows that quarantine is
known to hold are left out of it. Everything else is read from the source's own tables, in the same snapshot.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from string import Template
from typing import Any

import polars as pl

from shopease_assets.core.layout import Layer, TableRef, last_day_of_month, partition_date
from shopease_assets.engines import duckdb
from shopease_assets.parity.certificate import Difference, ReportParity
from shopease_assets.parity.lake_snapshot import LakeSnapshot
from shopease_assets.sources.postgres import PostgresSnapshot
from shopease_assets.sources.postgres_table import DayRange
from shopease_assets.storage.relation import Relation

_BLANKS = "e' \\t\\n\\r\\f\\v'"
_SOURCE = ":source"
_TOLERANCE = 1e-9  # floats are summed and divided in another order
_DIFFERS, _ONLY_GOLD, _ONLY_SOURCE = "differs from the source's report", "only in gold", "only in the source's report"


@dataclass(frozen=True)
class Versions:
    """A table whose versions a report reads: its key, and the columns it needs; `every` one or as of a day."""

    table: str
    key: tuple[str, ...]
    columns: tuple[str, ...]
    every: bool = False


@dataclass(frozen=True)
class Report:
    """A report's key within its partition, and for a month's state the gold days it is made of and its versions."""

    name: str
    key: tuple[str, ...]
    days: tuple[str, ...] = ()
    versions: tuple[Versions, ...] = ()

    @property
    def ref(self) -> TableRef:
        """Its gold table."""
        return TableRef("gold", self.name, "month" if self.days else "dt")


_PRODUCTS = Versions("products", ("product_id",), ("name", "category", "cost", "updated_at"), every=True)
_INVENTORY = Versions("inventory", ("product_id", "store_id"), ("stock_quantity", "created_at", "updated_at"))
_CUSTOMERS = Versions(
    "customers", ("customer_id",), ("first_name", "last_name", "city", "state", "customer_segment", "updated_at")
)
REPORTS = (
    Report("daily_sales_summary", ("dt", "tenant_id")),
    Report("product_performance", ("tenant_id", "product_id"), ("daily_product_sales", "fact_sales"), (_INVENTORY,)),
    Report("customer_analytics", ("tenant_id", "customer_id"), ("daily_customer_sales",), (_CUSTOMERS,)),
)


def compared_report(
    report: Report, snapshot: PostgresSnapshot, lake: LakeSnapshot, days: DayRange, lake_start: date
) -> ReportParity:
    """The report as the source computes it against gold's days, or gold's newest month that the days touch.

    Raises:
        SourceError: the source cannot be read.
    """
    wanted = {(day.replace(day=1) if report.days else day).isoformat() for day in days}
    shown = {key: pointer for key, pointer in lake.pointers(report.ref).items() if key in wanted}
    if not shown:
        return ReportParity(report.name, [], 0, [], f"not published from {days.start} to {days.end}")
    if not report.days:
        unpublished = len(list(days)) - len(shown)
        told = f"{unpublished} days are not published" if unpublished else ""
        return _compared(report, snapshot, lake, days, lake_start, sorted(shown), sorted(shown), None, told)
    month = max(shown)
    end = last_day_of_month(partition_date(month))
    moment = shown[month].publication
    made_of = [lake.pointers(TableRef("gold", name)) for name in report.days]
    seen = {key: pointer for table in made_of for key, pointer in table.items() if partition_date(key) <= end}
    if late := [key for key, pointer in seen.items() if pointer.publication > moment]:
        return ReportParity(
            report.name, [month], 0, [], f"{month} is older than its day {max(late)}; run: shopease run --from {end}"
        )
    versions = [lake.pointers(TableRef("silver", one.table), as_of=moment) for one in _versions(report)]
    as_of = min(end, partition_date(max([*seen, *(key for table in versions for key in table)])))
    return _compared(report, snapshot, lake, days, lake_start, [month], sorted(seen), as_of, "")


def _compared(
    report: Report,
    snapshot: PostgresSnapshot,
    lake: LakeSnapshot,
    days: DayRange,
    lake_start: date,
    partitions: Sequence[str],
    made_of: Sequence[str],
    as_of: date | None,
    told: str,
) -> ReportParity:
    gold = lake.relation(report.ref, partitions).scan().drop("month", strict=False).collect()
    covered = DayRange(partition_date(made_of[0]), partition_date(made_of[-1]), days.zone)
    start, until = covered.instants
    values = {
        "blanks": _BLANKS,
        "zone": _quoted(days.zone.key),
        "lake_start": f"date '{lake_start}'",
        "as_of": f"date '{as_of}'",
        "start": f"timestamptz '{start.isoformat()}'",
        "until": f"timestamptz '{until.isoformat()}'",
        "days": _quoted("{" + ",".join(made_of) + "}"),
        **{f"{table}_withheld": _in_quarantine(lake, table, key, made_of) for table, key in _FACTS.items()},
    }
    for one in _versions(report):
        values |= _not_at_source(lake, one, as_of)
    sql = Template(_sql("sales") + _sql(report.name)).substitute(values)
    columns = ", ".join(f"{name}::{_asked_as(kind)} as {name}" for name, kind in gold.schema.items())
    theirs = pl.DataFrame(pl.from_arrow(snapshot.ask(f"select {columns} from ({sql}) as r", report.name)))
    found = _differences(report, gold, theirs.cast(gold.schema), partition_date(partitions[-1]))
    return ReportParity(report.name, partitions, len(gold), found, told)


def _versions(report: Report) -> tuple[Versions, ...]:
    return (_PRODUCTS, *report.versions)


def _sql(name: str) -> str:
    return files(__package__).joinpath(f"{name}.sql").read_text(encoding="utf-8")


_FACTS = {"orders": "order_id", "order_items": "order_item_id"}


def _in_quarantine(lake: LakeSnapshot, table: str, key: str, days: Iterable[str]) -> str:
    relation = lake.relation(TableRef("quarantine", table), days)
    asked = f"select distinct cast(row_key ->> '{key}' as bigint) as key from quarantine.{table}"
    keys = duckdb.query(asked, {("quarantine", table): relation})["key"].to_pylist()
    return _array(key for key in keys if key is not None)


def _not_at_source(lake: LakeSnapshot, versions: Versions, as_of: date | None) -> dict[str, str]:
    """The versions silver knows and the source has overwritten, and the keys of rows that silver does not show.

    The source's row of a key is the newest in bronze: that they are equal is verified row by row.
    """
    table, key = versions.table, ", ".join(versions.key)
    layers: tuple[Layer, ...] = ("bronze", "silver")
    relations: dict[tuple[str, str], Relation] = {
        (layer, table): lake.relation(TableRef(layer, table)) for layer in layers
    }
    newest = f"(select {key}, max(updated_at) as updated_at from bronze.{table} group by {key})"
    preference = f"""row_number() over (
        partition by {key}
        order by case when dt <= date '{as_of or date.max}' then updated_at end desc nulls last, updated_at
    )"""
    known = f"(select *, {'1' if versions.every else preference} as preference from silver.{table})"
    selected = ", ".join(f"s.{name}" for name in (*versions.key, *versions.columns))
    overwritten = duckdb.query(
        f"select {selected} from {known} as s anti join {newest} as n using ({key}, updated_at) where s.preference = 1",
        relations,
    )
    withheld = duckdb.query(
        f"select {key} from {newest} as n anti join silver.{table} as s using ({key}, updated_at)", relations
    )
    return {
        f"{table}_overwritten": _quoted(json.dumps(overwritten.to_pylist(), default=str)),
        f"{table}_withheld": _array("/".join(map(str, row.values())) for row in withheld.to_pylist()),
    }


def _array(keys: Iterable[object]) -> str:
    return _quoted("{" + ",".join(str(key) for key in keys) + "}")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _asked_as(kind: pl.DataType) -> str:
    if kind.is_decimal() or kind == pl.String:
        return "text"  # as ADBC reads a numeric
    return {pl.Int64(): "bigint", pl.Float64(): "float8", pl.Date(): "date"}[kind]


def _differences(report: Report, gold: pl.DataFrame, source: pl.DataFrame, partition: date) -> list[Difference]:
    key, values = list(report.key), [name for name in gold.columns if name not in report.key]
    there = pl.lit(value=True).alias("there")
    both = gold.with_columns(there).join(
        source.with_columns(there), on=key, how="full", suffix=_SOURCE, coalesce=True, nulls_equal=True
    )
    one_sided = pl.col("there").is_null() | pl.col(f"there{_SOURCE}").is_null()
    flags = [_differs(name, gold.schema[name]).alias(f"differs:{name}") for name in values]
    wrong = both.with_columns(flags).filter(one_sided | pl.any_horizontal(pl.col("^differs:.*$"))).sort(key)
    return [_difference(report, row, values, partition) for row in wrong.iter_rows(named=True)]


def _differs(name: str, kind: pl.DataType) -> pl.Expr:
    ours, theirs = pl.col(name), pl.col(f"{name}{_SOURCE}")
    if not kind.is_float():
        return ours.ne_missing(theirs)
    return (ours.is_null() != theirs.is_null()) | ((ours - theirs).abs() > _TOLERANCE * ours.abs().clip(1)).fill_null(
        value=False
    )


def _difference(report: Report, row: Mapping[str, Any], values: Sequence[str], partition: date) -> Difference:
    here, there = row["there"], row[f"there{_SOURCE}"]
    key = {name: row[name] for name in report.key if name != "dt"}
    columns = tuple(name for name in values if row[f"differs:{name}"]) if here and there else ()
    what = _DIFFERS if here and there else _ONLY_GOLD if here else _ONLY_SOURCE
    return Difference(str(report.ref), row.get("dt") or partition, what, key, row["tenant_id"], columns)
