-- Grain: tenant and bucket of days past due, all five for every tenant that ever billed, as of $as_of.
-- Unpaid: sent or overdue, or paid after that day; drafts and cancelled invoices were never billed. Silver keeps the
-- latest version of an invoice only: dates tell what was unpaid in a past month, its cancellations are today's.
-- Days sales outstanding = receivables / billed in the last 90 days * 90; null where nothing was billed.
with buckets as (
    select
        listed.bucket,
        listed.from_days,
        listed.to_days
    from (
        values ('current', -100000, 0), ('1-30', 1, 30), ('31-60', 31, 60), ('61-90', 61, 90), ('90+', 91, 100000)
    ) as listed (bucket, from_days, to_days)
),

billed as (
    select
        tenant_id,
        amount,
        status in ('sent', 'overdue') or paid_date > cast($as_of as date) as is_unpaid,
        date_diff('day', due_date, cast($as_of as date)) as days_past_due,
        date_diff('day', issue_date, cast($as_of as date)) < 90 as is_recent
    from silver.invoices
    where status in ('sent', 'paid', 'overdue')
),

totals as (
    select
        tenant_id,
        coalesce(sum(amount) filter (where is_unpaid), 0) as receivables,
        sum(amount) filter (where is_recent) as billed_recently
    from billed
    group by tenant_id
),

unpaid as (
    select
        billed.tenant_id,
        buckets.bucket,
        count(*) as invoices,
        sum(billed.amount) as amount
    from billed
    inner join buckets
        on billed.days_past_due >= buckets.from_days and billed.days_past_due <= buckets.to_days
    where billed.is_unpaid
    group by billed.tenant_id, buckets.bucket
)

select
    totals.tenant_id,
    buckets.bucket,
    coalesce(unpaid.invoices, 0) as invoices,
    cast(coalesce(unpaid.amount, 0) as decimal(18, 2)) as amount,
    cast(totals.receivables as double) * 90
    / nullif(cast(totals.billed_recently as double), 0) as days_sales_outstanding
from totals
cross join buckets
left join unpaid
    on totals.tenant_id = unpaid.tenant_id and buckets.bucket = unpaid.bucket
