"""The check every gold table has: does each row keep each rule of the contract, and is the key unique?"""

from collections.abc import Mapping, Sequence

import polars as pl

from shopease_assets.core.contract import Contract
from shopease_assets.core.layout import TableRef
from shopease_assets.core.quality import CheckResult

CONTRACT = "contract"
SAYS = "Every row keeps every rule of the contract"


def keeps_contract(
    frame: pl.DataFrame, ref: TableRef, contract: type[Contract], partitions: Sequence[str]
) -> list[CheckResult]:
    """One blocking result per partition: a row we computed that breaks a rule is our error, so none is tolerated."""
    rules = {rule.name: rule.keeps.fill_null(value=True) for rule in contract.rules()}
    if key := contract.key():
        rules["key|unique"] = ~pl.struct([ref.partition_by, *key]).is_duplicated()
    counted = (
        frame.with_columns((~keeps).alias(f"rule:{name}") for name, keeps in rules.items())
        .group_by(ref.partition_by)
        .agg(
            pl.len().alias("rows"),
            pl.any_horizontal(f"rule:{name}" for name in rules).sum().alias("failed_rows"),
            *(pl.col(f"rule:{name}").sum().alias(name) for name in rules),
        )
    )
    counts = {row[ref.partition_by].isoformat(): row for row in counted.iter_rows(named=True)}
    return [_verdict(key, counts.get(key, {}), list(rules)) for key in partitions]


def _verdict(partition: str, counts: Mapping[str, int], rules: Sequence[str]) -> CheckResult:
    broken = {rule: rows for rule in rules if (rows := counts.get(rule, 0))}
    return CheckResult(
        partition=partition,
        check=CONTRACT,
        passed=not broken,
        rows=counts.get("rows", 0),
        failed_rows=counts.get("failed_rows", 0),
        reason="breaks " + ", ".join(f"{rule} ({rows} rows)" for rule, rows in broken.items()) if broken else "",
        facts={"broken_rules": broken} if broken else {},
    )
