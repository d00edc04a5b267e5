"""Assembles layers, automation and resources. No logic."""

from collections.abc import Iterator

import dagster as dg

from shopease_assets import bronze, gold, silver
from shopease_assets.automation.alerts_sensor import alerts_sensor
from shopease_assets.automation.catalog import CATALOG, agrees, catalog_job, nightly_catalog
from shopease_assets.automation.jobs import (
    daily_job,
    month_sensors,
    month_state_job,
    nightly,
    quality_job,
    quality_scores,
)
from shopease_assets.automation.late_changes_sensor import late_changes_sensor
from shopease_assets.kit.bronze import SOURCE_TABLES
from shopease_assets.kit.documents import document
from shopease_assets.kit.policy import with_policy
from shopease_assets.settings import settings
from shopease_assets.sources.dsn import source_dsn
from shopease_assets.sources.run_source import RunSource
from shopease_assets.storage.io_manager import LakeIOManager, OnPublish
from shopease_assets.storage.open import open_lake, open_mirror


def lake_reporting_to(on_publish: OnPublish | None) -> dg.IOManagerDefinition:
    """A new I/O manager for each run, which notes where the publication log stood when the run began."""

    def opened(_: dg.InitResourceContext) -> LakeIOManager:
        lake = open_lake(settings())
        return LakeIOManager(lake, mirror=open_mirror(settings(), lake, document), on_publish=on_publish)

    return dg.IOManagerDefinition(opened, description="The lake: published Parquet partitions")


@dg.resource(description="The source database as of one instant of the run")
def source(_: dg.InitResourceContext) -> Iterator[RunSource]:
    """A new snapshot for each run, given back at its end."""
    run_source = RunSource(lambda: source_dsn(settings()))
    yield run_source
    run_source.close()


assets = with_policy([asset for layer in (bronze, silver, gold) for asset in dg.load_assets_from_package_module(layer)])
source_tables = list(SOURCE_TABLES.values())
late_changes = late_changes_sensor(assets, source_tables)
alerts = alerts_sensor(assets)

defs = dg.Definitions(
    assets=[*assets, CATALOG],
    asset_checks=[agrees],
    jobs=[daily_job, month_state_job, quality_job, catalog_job],
    schedules=[nightly, nightly_catalog],
    sensors=[late_changes, *month_sensors(assets), quality_scores, alerts],
    resources={"lake": lake_reporting_to(None), "source": source},
    executor=dg.in_process_executor,
)
