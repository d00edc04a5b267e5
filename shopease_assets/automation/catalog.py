"""The nightly comparison of publication log, objects and Glue: mends Glue, and checks that everything agrees.

A check of an asset of its own, not one per table: those would run along whenever their table is made, and this one
lists the whole lake.
"""

from collections import defaultdict
from datetime import timedelta

import dagster as dg

from shopease_assets.kit.documents import document
from shopease_assets.kit.policy import OWNER
from shopease_assets.settings import settings
from shopease_assets.storage import catalog
from shopease_assets.storage.lake import utc_now
from shopease_assets.storage.open import open_lake, open_mirror

_GRACE = timedelta(days=1)  # longer than the longest run

CATALOG = dg.AssetSpec(
    "catalog",
    group_name="catalog",
    owners=[OWNER],
    description="What the publication log and AWS Glue say of the lake; every publication keeps it.",
)


@dg.asset_check(
    asset=CATALOG.key, description="Log, objects, contracts and Glue agree; Glue is mended before it is asked"
)
def agrees(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
    """Repair Glue; compare; what no repair of Glue mends is listed in the metadata, with its cure."""
    lake = open_lake(settings())
    mirror = open_mirror(settings(), lake, document)
    for mended in catalog.repair(lake, mirror) if mirror else ():
        context.log.warning("%s was not up to date in Glue; it is now", mended.table)
    found = catalog.check(lake, mirror, document, now=utc_now(), grace=_GRACE)
    by_kind: dict[catalog.Kind, list[str]] = defaultdict(list)
    for finding in found:
        by_kind[finding.kind].append(" ".join((finding.table.path, finding.partition, finding.says)).strip())
    cures = ". ".join(f"{kind}: {kind.cure}" for kind in by_kind)
    return dg.AssetCheckResult(
        passed=not found,
        description=f"not everything agrees ({len(found)} findings). {cures}" if found else None,
        metadata={kind.value: dg.MetadataValue.json(findings) for kind, findings in by_kind.items()},
    )


catalog_job = dg.define_asset_job(
    "catalog",
    selection=dg.AssetSelection.checks(agrees),
    description="Makes Glue show what the log says, then compares log, objects and Glue",
)

nightly_catalog = dg.ScheduleDefinition(
    name="nightly_catalog",
    job=catalog_job,
    cron_schedule="0 4 * * *",
    execution_timezone=settings().timezone,
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="At 04:00, after the night's run",
)
