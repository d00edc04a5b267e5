"""The tables both pipelines make. Names only: jobs that must not import Dagster read them too."""

SOURCE_TABLES = ("tenants", "stores", "customers", "products", "orders", "order_items")
GOLD_TABLES = ("fact_sales", "daily_sales_summary", "daily_product_sales", "daily_customer_sales")
