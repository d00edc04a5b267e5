"""The questions an analyst asks, to the gold tables and to the source's own tables. The answers must be the same."""

_SALE = "('processing', 'shipped', 'delivered')"

GOLD = {
    "revenue per tenant and month": """
        select tenant_id, cast(date_trunc('month', sales_date) as date) as month, sum(total_revenue) as revenue
        from gold.daily_sales_summary
        group by all
        order by tenant_id, month
    """,
    "top products": """
        select product_id, sum(revenue) as revenue
        from gold.daily_product_sales
        group by product_id
        order by revenue desc, product_id
        limit 10
    """,
    "top customers of a month": """
        select customer_id, sum(revenue) as revenue
        from gold.daily_customer_sales
        where dt between date '2025-11-01' and date '2025-11-30'
        group by customer_id
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
    "top customers of a month": f"""
        select orders.customer_id, sum(items.line_total) as revenue
        from shop.orders
        inner join shop.order_items as items on items.order_id = orders.order_id
        where orders.status in {_SALE} and orders.ordered_at >= '2025-11-01' and orders.ordered_at < '2025-12-01'
        group by 1
        order by revenue desc, 1
        limit 10
    """,
}
