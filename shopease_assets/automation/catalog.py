"""The nightly comparison of publication log, objects and Glue: mends Glue, and fails when something else is wrong.

A job of its own and no asset check: those run along whenever their table is made, and this one lists the whole lake.
"""

from collections import defaultdict
from datetime import timedelta

import dagster as dg

from shopease_assets.kit.documents import document
from shopease_assets.settings import settings
from shopease_assets.storage import catalog
from shopease_assets.storage.lake import utc_now
from shopease_assets.storage.open import open_lake, open_mirror

_GRACE = timedelta(days=1)  # longer than the longest run


@dg.op(out=dg.Out(dg.Nothing), description="Makes Glue show what the log says, then compares everything")
def mend_and_check(context: dg.OpExecutionContext) -> None:
    """Repair Glue; compare.

    Raises:
        Failure: something does not agree that no repair of Glue mends; its metadata lists it.
    """
    lake = open_lake(settings())
    mirror = open_mirror(settings(), lake, document)
    for mended in catalog.repair(lake, mirror) if mirror else ():
        context.log.warning("%s was not up to date in Glue; it is now", mended.table)
    found = catalog.check(lake, mirror, document, now=utc_now(), grace=_GRACE)
    if found:
        by_kind: dict[str, list[str]] = defaultdict(list)
        for finding in found:
            by_kind[finding.kind.value].append(" ".join((finding.table.path, finding.partition, finding.says)).strip())
        cures = ". ".join(f"{kind}: {kind.cure}" for kind in dict.fromkeys(finding.kind for finding in found))
        metadata = {kind: dg.MetadataValue.json(findings) for kind, findings in by_kind.items()}
        raise dg.Failure(
            f"not everything agrees ({len(found)} findings). {cures}", metadata=metadata, allow_retries=False
        )


@dg.job(name="catalog", executor_def=dg.in_process_executor, description=mend_and_check.description)
def catalog_job() -> None:
    """Compare log, objects and Glue."""
    mend_and_check()


nightly_catalog = dg.ScheduleDefinition(
    name="nightly_catalog",
    job=catalog_job,
    cron_schedule="0 4 * * *",
    execution_timezone=settings().timezone,
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="At 04:00, after the night's run",
)
