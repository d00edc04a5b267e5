"""Assembles layers, automation and resources. No logic."""

from collections.abc import Iterator

import dagster as dg

from shopease_assets import bronze, gold, silver
from shopease_assets.kit.policy import with_policy
from shopease_assets.settings import settings
from shopease_assets.sources.run_source import RunSource
from shopease_assets.storage.io_manager import LakeIOManager
from shopease_assets.storage.open import open_lake


@dg.io_manager(description="The lake: published Parquet partitions")
def _lake(_: dg.InitResourceContext) -> LakeIOManager:
    return LakeIOManager(open_lake(settings()))


@dg.resource(description="The source database as of one instant of the run")
def _source(_: dg.InitResourceContext) -> Iterator[RunSource]:
    source = RunSource(settings())
    yield source
    source.close()


assets = with_policy([asset for layer in (bronze, silver, gold) for asset in dg.load_assets_from_package_module(layer)])

defs = dg.Definitions(
    assets=assets,
    resources={"lake": _lake, "source": _source},
    executor=dg.in_process_executor,
)
