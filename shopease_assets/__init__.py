"""ShopEase's data platform: every bronze, silver and gold table as a partitioned Dagster asset."""
