"""What customers owe each tenant, by how long it has been due."""

from shopease_assets.core.contract import Contract, integer, key, ratio, text, total
from shopease_assets.kit.charts import receivables_by_age
from shopease_assets.kit.partitions import MONTHLY
from shopease_assets.kit.sql_table import sql_table


class InvoiceAging(Contract):
    """What customers owe each tenant, by how long it has been due.

    Grain: one tenant and bucket of days past due (current, 1-30, 31-60, 61-90, 90+); all five, empty ones too.
    `days_sales_outstanding` is the tenant's, the same in each of its rows: receivables / billed in the last 90 days,
    times 90 (investopedia.com/terms/d/dso.asp); null where nothing was billed.
    """

    tenant_id = key()
    bucket = text(key=True)
    invoices = integer(min=0)
    amount = total(min=0)
    days_sales_outstanding = ratio(nullable=True)


invoice_aging = sql_table(__file__, InvoiceAging, partitions=MONTHLY, chart=receivables_by_age)
