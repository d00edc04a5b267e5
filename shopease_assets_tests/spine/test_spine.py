"""From the source to gold on the tiny shop: what consultants see equals what the source's own SQL says."""


from shopease_assets_tests.platform import LAST_DAY, START, Platform

_SALES = "o.status in ('processing', 'shipped', 'delivered')"


def test_a_day_s_revenue_is_what_the_source_says_to_the_cent(platform: Platform) -> None:
    assert platform.run(START, LAST_DAY).success
    ours = platform.rows("gold.daily_sales_summary").select("tenant_id", "sales_date", "total_transactions", "total_revenue")
    theirs = platform.sql(
        f"""select o.tenant_id, o.ordered_at::date, count(distinct o.order_id) filter (where {_SALES}),
                   coalesce(sum(i.line_total) filter (where {_SALES}), 0)
            from shop.orders as o left join shop.order_items as i using (order_id) group by 1, 2"""
    )
    assert sorted(ours.iter_rows()) == sorted(theirs)
