"""What every asset has in common, applied in one place: group, owner, tags, retries, backfill size."""

from collections.abc import Sequence
from typing import Any

import dagster as dg

from shopease_assets.kit.columns import holds_personal
from shopease_assets.settings import settings

OWNER = "team:data-platform"
#: On assets with columns of natural persons; a silver table's quarantine holds what its source held, and is no asset.
PERSONAL = "shopease/personal"
#: For troubles of infrastructure; a failed audit or a changed source raises Failure(allow_retries=False).
RETRIES = dg.RetryPolicy(max_retries=3, delay=2, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS)
#: Tags of an asset that is made after all others of its days, whatever became of them.
AFTERWARDS = {"shopease/runs": "afterwards"}


def with_policy(assets: Sequence[Any]) -> list[dg.AssetsDefinition]:
    """The assets, each in the group of its layer, owned and tagged."""
    return [asset.map_asset_specs(_in_layer) for asset in assets]


#: One run takes a month of days: a process a day costs fifteen times as much (docs/decisions).
CHUNKS = dg.BackfillPolicy.multi_run(max_partitions_per_run=settings().days_per_run)


def _in_layer(spec: dg.AssetSpec) -> dg.AssetSpec:
    layer = spec.key.path[0]
    cadence = "monthly" if isinstance(spec.partitions_def, dg.MonthlyPartitionsDefinition) else "daily"
    tags = {**spec.tags, "shopease/layer": layer, "shopease/cadence": cadence}
    if holds_personal(spec.metadata.get("dagster/column_schema")):
        tags[PERSONAL] = "true"
    return spec.replace_attributes(group_name=layer, owners=[OWNER], tags=tags)
