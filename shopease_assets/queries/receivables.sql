-- Who owes what since when: unpaid invoices by age, with the days sales are outstanding.
select
    tenant_id,
    max(case when bucket = 'current' then amount end) as not_due_yet,
    max(case when bucket = '1-30' then amount end) as days_1_to_30,
    max(case when bucket = '31-60' then amount end) as days_31_to_60,
    max(case when bucket = '61-90' then amount end) as days_61_to_90,
    max(case when bucket = '90+' then amount end) as over_90_days,
    round(max(days_sales_outstanding), 1) as days_sales_outstanding
from gold.invoice_aging
where month = (select max(month) from gold.invoice_aging)
group by tenant_id
order by tenant_id
