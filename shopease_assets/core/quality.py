"""Quality in four dimensions: what a rule belongs to, how good is good enough, and how a partition did.

Pure numbers; which rows break which rule is `core.contract`'s business.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Dimension(StrEnum):
    """What kind of promise a rule makes about a row."""

    COMPLETENESS = "completeness"
    ACCURACY = "accuracy"
    CONSISTENCY = "consistency"
    VALIDITY = "validity"


#: The least share of a partition's rows that must keep every rule of a dimension.
THRESHOLDS: Mapping[Dimension, float] = {
    Dimension.COMPLETENESS: 0.95,
    Dimension.ACCURACY: 0.98,
    Dimension.CONSISTENCY: 0.99,
    Dimension.VALIDITY: 0.97,
}


@dataclass(frozen=True)
class Score:
    """How one partition did in one dimension: rows seen, rows that broke a rule, and which rules they broke.

    `excused_rows` broke a rule only because their parent was refused; the parent's table has been charged with it.
    """

    dimension: Dimension
    rows: int
    failed_rows: int
    broken_rules: Mapping[str, int]
    threshold: float
    excused_rows: int = 0

    @property
    def share(self) -> float:
        """The share of rows that kept every rule; an empty partition is perfect."""
        return 1.0 if self.rows == 0 else 1.0 - self.failed_rows / self.rows

    @property
    def passed(self) -> bool:
        """Whether the partition may be published as far as this dimension goes."""
        return self.share >= self.threshold


@dataclass(frozen=True)
class CheckResult:
    """The outcome of one check on one partition; a failed blocking check keeps the partition unpublished.

    `rows` were looked at, `failed_rows` of them failed; `facts` are what else a reader of the check wants to see.
    """

    partition: str
    check: str
    passed: bool
    rows: int = 0
    failed_rows: int = 0
    score: float | None = None
    threshold: float | None = None
    blocking: bool = True
    reason: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def blocks(self) -> bool:
        """Whether the partition must not be published."""
        return self.blocking and not self.passed


def check_of(partition: str, score: Score, samples: Mapping[str, Sequence[str]]) -> CheckResult:
    """A dimension's score as a check: the numbers, the rules that were broken, and some keys to look at."""
    worst = sorted(score.broken_rules.items(), key=lambda rule: (-rule[1], rule[0]))
    broken = ", ".join(f"{rule} ({rows} rows)" for rule, rows in worst)
    facts: dict[str, Any] = {
        "broken_rules": dict(worst),
        "sample_keys": {rule: list(samples.get(rule, [])) for rule, _ in worst},
        **({"excused_rows": score.excused_rows} if score.excused_rows else {}),
    }
    return CheckResult(
        partition=partition,
        check=score.dimension.value,
        passed=score.passed,
        rows=score.rows,
        failed_rows=score.failed_rows,
        score=score.share,
        threshold=score.threshold,
        reason="" if score.passed else f"{score.dimension} {score.share:.1%} is below {score.threshold:.0%}: {broken}",
        facts=facts if worst else {},
    )
