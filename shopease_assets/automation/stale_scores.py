"""Which days were audited again since their quality scores were written."""

from datetime import datetime

from shopease_assets.core.layout import TableRef
from shopease_assets.storage.log import PublicationLog
from shopease_assets.storage.versions import written_at

SCORES = TableRef("gold", "data_quality_scores")


def stale_scores(log: PublicationLog) -> dict[str, datetime]:
    """Day → its newest audit of silver, where the published scores are older than that."""
    written = {day: written_at(pointer.version) for day, pointer in log.pointers(SCORES).items()}
    return {
        day: audited
        for day, audited in log.newest_audits("silver").items()
        if (at := written.get(day)) is None or at < audited
    }
