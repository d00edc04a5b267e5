"""What a table's file uses: `@silver`, `bronze(...)`, `sql_table(...)`, partitions."""

import warnings

# Dagster marks range backfills and per-partition checks as beta or preview; its exact version is pinned.
warnings.filterwarnings("ignore", message=r"(?s).*is currently in (beta|preview)")
