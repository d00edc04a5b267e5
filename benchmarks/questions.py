"""The questions an analyst asks, to the gold tables and to the source's own tables. The answers must be the same."""

_SALE = "('processing', 'shipped', 'delivered')"

GOLD = {
    "revenue per tenant and month": """
        select tenant_id, month, revenue
        from gold.monthly_sales_trends
        order by tenant_id, month
    """,
    "top products": """
        select product_id, total_revenue as revenue
        from gold.product_performance
        where month = date '2025-12-01'
        order by revenue desc, product_id
        limit 10
    """,
    "top customers": """
        select customer_id, total_spent as revenue
        from gold.customer_analytics
        where month = date '2025-12-01'
        order by revenue desc, customer_id
        limit 10
    """,
}

SOURCE = {
    "revenue per tenant and month": f"""
        select orders.tenant_id, date_trunc('month', orders.ordered_at)::date as month, sum(items.line_total) as revenue
        from shop.orders
        inner join shop.order_items as items on items.order_id = orders.order_id
        where orders.status in {_SALE}
        group by 1, 2
        order by 1, 2
    """,
    "top products": f"""
        select items.product_id, sum(items.line_total) as revenue
        from shop.orders
        inner join shop.order_items as items on items.order_id = orders.order_id
        where orders.status in {_SALE}
        group by 1
        order by revenue desc, 1
        limit 10
    """,
    "top customers": f"""
        select orders.customer_id, sum(items.line_total) as revenue
        from shop.orders
        inner join shop.order_items as items on items.order_id = orders.order_id
        where orders.status in {_SALE}
        group by 1
        order by revenue desc, 1
        limit 10
    """,
}
