"""Bronze against silver: every bronze row of a day is published, in quarantine, or a duplicate of one that is.

What silver publishes under a key must be the newest bronze row of it; texts are cleaned on the way and not compared.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from shopease_assets.core.layout import Layer, TableRef, partition_date
from shopease_assets.engines import duckdb
from shopease_assets.engines.arrow_types import duckdb_type
from shopease_assets.parity.certificate import Accounted, Difference
from shopease_assets.parity.lake_snapshot import LakeSnapshot
from shopease_assets.parity.row_hash import DUCKDB, is_text
from shopease_assets.sources.postgres_table import PostgresTable, lake_type
from shopease_assets.storage.records import PublishedPartition
from shopease_assets.storage.relation import Relation

BLOCKED, BEHIND = "not published in silver", "silver is older than bronze"
REFUSED = "silver is older than its newest audit, which blocked it"
ALTERED, UNACCOUNTED = "differs in silver", "in neither silver nor quarantine"
TWICE, INVENTED = "more than once in silver and quarantine", "in silver, not in bronze"


@dataclass(frozen=True)
class SilverParity:
    """The accounts of each bronze day, and the rows that are not accounted for."""

    accounts: list[Accounted]
    differences: list[Difference]


def accounted_in_silver(table: PostgresTable, lake: LakeSnapshot, days: Iterable[date]) -> SilverParity | None:
    """Where bronze's rows of the days went in silver; None while there is no silver table."""
    bronze, silver = TableRef("bronze", table.name), TableRef("silver", table.name)
    if not lake.has(silver):
        return None
    keys = [day.isoformat() for day in days]
    read, shown, aside = (lake.pointers(ref, keys) for ref in (bronze, silver, silver.quarantine))
    states = {key: _state(pointer, shown.get(key), aside.get(key)) for key, pointer in read.items()}
    accounts, differences = _accounts(table, lake, [key for key, state in states.items() if not state])
    told = [Accounted(partition_date(key), rows=read[key].rows, state=state) for key, state in states.items() if state]
    late = [Difference(str(silver), one.day, one.state, rows=one.rows) for one in told if one.rows]
    ordered = sorted([*accounts, *told], key=lambda one: one.day)
    return SilverParity(ordered, sorted([*late, *differences], key=lambda one: one.day))


def _state(bronze: PublishedPartition, silver: PublishedPartition | None, quarantine: PublishedPartition | None) -> str:
    if silver is None:
        return BLOCKED
    if silver.publication < bronze.publication:
        return BEHIND
    # a step sets rows aside first and publishes the others last
    return REFUSED if quarantine and quarantine.publication > silver.publication else ""


def _accounts(table: PostgresTable, lake: LakeSnapshot, keys: list[str]) -> tuple[list[Accounted], list[Difference]]:
    if not keys:
        return [], []
    layers: tuple[Layer, ...] = ("bronze", "silver", "quarantine")
    relations: dict[tuple[str, str], Relation] = {
        (layer, table.name): lake.relation(TableRef(layer, table.name), keys) for layer in layers
    }
    silver = relations["silver", table.name].schema
    compared = {
        name: kind
        for name, kind in table.types.items()
        if name in silver.names and silver.field(name).type == lake_type(kind) and not is_text(kind)
    }
    rows = duckdb.query(_sql(table, compared), relations).to_pylist()
    differences = [
        Difference(f"silver.{table.name}", row["dt"], wrong["what"], {name: wrong[name] for name in table.key})
        for row in rows
        for wrong in row["wrong"] or ()
    ]
    accounts = [
        Accounted(row["dt"], row["read"], row["published"], row["quarantined"], row["duplicates"]) for row in rows
    ]
    return accounts, differences


def _sql(table: PostgresTable, compared: dict[str, str]) -> str:
    """One row per day: where its rows went, and the keys for which it does not add up."""
    identity = [*table.key, *(["updated_at"] if table.versions else [])]
    keys = ", ".join(identity)
    full = " and ".join(f"{name} is not null" for name in identity)
    refused = ", ".join(
        f"cast(row_key ->> '{name}' as {duckdb_type(lake_type(table.types[name]))})" for name in identity
    )
    content, moved = DUCKDB.row_hash(compared), "epoch_us(t.updated_at)"
    struct = ", ".join(f"{name} := {name}" for name in table.key)
    return f"""
        with held as (
            select dt, {keys}, 1 as read, 0 as published, 0 as refused, {content} as content, {moved} as moved
            from bronze.{table.name} as t
            union all
            select dt, {keys}, 0, 1, 0, {content}, {moved} from silver.{table.name} as t
            union all
            select dt, {refused}, 0, 0, 1, null, null from quarantine.{table.name} as t
        ),

        by_key as (
            select
                dt, {keys}, sum(read) as read, sum(published) as published, sum(refused) as refused,
                list_contains(list(content) filter (where read = 1), max(content) filter (where published = 1))
                and max(moved) filter (where read = 1)
                is not distinct from max(moved) filter (where published = 1) as same
            from held group by dt, {keys}
        ),

        judged as (
            select
                *,
                case
                    when read = 0 then '{INVENTED}'
                    when not ({full}) then case when published > 0 or refused <> read then '{UNACCOUNTED}' end
                    when published + refused = 0 then '{UNACCOUNTED}'
                    when published + refused > 1 then '{TWICE}'
                    when published = 1 and not same then '{ALTERED}'
                end as what
            from by_key
        )

        select
            dt, cast(sum(read) as bigint) as read, cast(sum(published) as bigint) as published,
            cast(sum(refused) as bigint) as quarantined,
            cast(sum(greatest(read - published - refused, 0)) as bigint) as duplicates,
            list(struct_pack(what := what, {struct}) order by {keys}) filter (where what is not null) as wrong
        from judged group by dt
    """
