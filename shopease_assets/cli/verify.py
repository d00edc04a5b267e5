"""`shopease verify`: does the lake hold what the source holds? Prints and stores a certificate."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from shopease_assets.cli import options
from shopease_assets.cli.console import console
from shopease_assets.core.errors import SettingsError
from shopease_assets.settings import settings
from shopease_assets.sources.dsn import describe_dsn, source_dsn
from shopease_assets.storage.open import open_lake

if TYPE_CHECKING:
    from shopease_assets.parity.certificate import Certificate, Difference, ReportParity, TableParity
    from shopease_assets.sources.postgres_table import PostgresTable

_MOST_SHOWN = 10  # of each table
_EQUAL = "[green]equal[/]"


def verify(
    start: options.FromDay = None,
    end: options.ToDay = None,
    table: Annotated[str | None, typer.Option("--table", metavar="NAME", help="Only this source table: orders")] = None,
) -> None:
    """Compare the source with bronze and silver by counts, sums and row hashes, and the classic reports with gold.

    Exits with 1 when anything differs. The certificate is stored in the lake, below _certificates.
    """
    yesterday = datetime.now(settings().zone).date() - timedelta(days=1)  # today is still being written at the source
    first, last = options.days(start, end, last=yesterday)
    out = console()
    with out.status("loading the source tables"):
        from shopease_assets.definitions import source_tables
        from shopease_assets.parity.certificate import Certificate, store
        from shopease_assets.parity.lake_snapshot import LakeSnapshot
        from shopease_assets.parity.reports import REPORTS
        from shopease_assets.parity.verification import verified
        from shopease_assets.sources.postgres import PostgresSnapshot
        from shopease_assets.sources.postgres_table import DayRange

    tables = _selected(source_tables, table)
    lake, dsn = open_lake(settings()), source_dsn(settings())
    days = DayRange(first, last, settings().zone)
    with PostgresSnapshot(dsn) as snapshot, out.status("comparing") as status:
        shown, reports, lake_start = LakeSnapshot.now(lake), [] if table else REPORTS, settings().start_date
        steps = verified(shown, snapshot, tables, reports, days, lake_start, describe_dsn(dsn))
        for step in steps:
            if not isinstance(step, Certificate):
                status.update(f"compared {step.name}")
    assert isinstance(step, Certificate)  # noqa: S101  # the last one
    print_certificate(step, store(step, lake.location), out)
    if not step.passed:
        raise typer.Exit(1)


def print_certificate(certificate: "Certificate", path: str, out: Console) -> None:
    """What was compared, the first differences of each table, and what mends them."""
    out.print(
        f"[bold]source[/] {certificate.source} as of {certificate.taken_at:%Y-%m-%d %H:%M:%S} UTC\n"
        f"[bold]lake[/] as of publication {certificate.publication}\n"
        f"[bold]days[/] {certificate.first} … {certificate.last} ({certificate.zone})"
    )
    shown = Table("table", "days", "rows", "money compared", "row hash", "silver", "verdict")
    for column in shown.columns[1:4]:
        column.justify = "right"
    for parity in certificate.tables:
        shown.add_row(*_table_row(parity))
    out.print(shown)
    if certificate.reports:
        reports = Table("report", "partitions", "rows", "verdict")
        for report in certificate.reports:
            reports.add_row(*_report_row(report))
        out.print(reports)
    _print_differences(certificate.differences, out)
    verdict = "[green]source and lake agree[/]" if certificate.passed else "[red]source and lake differ[/]"
    out.print(f"{verdict}; certificate {escape(path)}")


def _table_row(parity: "TableParity") -> list[str]:
    days = len({group.day for group in parity.compared})
    rows = sum(group.source.rows for group in parity.compared)
    money = sum(amount for group in parity.compared for amount in group.source.money.values())
    unequal = len({group.day for group in parity.compared if not group.equal})
    silver = "not there yet"
    if parity.accounts is not None:
        counts = {
            "quarantined": sum(one.quarantined for one in parity.accounts),
            "duplicates": sum(one.duplicates for one in parity.accounts),
            "days not comparable": sum(bool(one.state) for one in parity.accounts),
        }
        published = f"{sum(one.published for one in parity.accounts):,} published"
        silver = ", ".join([published, *(f"{count:,} {what}" for what, count in counts.items() if count)])
    hashes = f"[red]days that differ: {unequal}[/]" if unequal and parity.differences else _EQUAL
    if parity.explained:
        hashes = f"{_EQUAL}; newer versions exist of rows of {unequal} days"
    return [parity.name, str(days), f"{rows:,}", f"{money:,}" if money else "", hashes, silver, _verdict(parity)]


def _report_row(report: "ReportParity") -> list[str]:
    first, last = (report.partitions[0], report.partitions[-1]) if report.partitions else ("", "")
    span = first if first == last else f"{first} … {last} ({len(report.partitions)})"
    verdict = _verdict(report) if report.rows or report.differences else "[yellow]not compared[/]"
    return [report.name, span, f"{report.rows:,}", f"{verdict}{': ' * bool(report.skipped)}{report.skipped}"]


def _verdict(part: "TableParity | ReportParity") -> str:
    rows = sum(found.rows for found in part.differences)
    return f"[red]rows that differ: {rows:,}[/]" if rows else _EQUAL


def _print_differences(differences: Iterable["Difference"], out: Console) -> None:
    found = list(differences)
    if not found:
        return
    shown = Table("where", "day", "key", "tenant", "what", "columns", title="[red]differences[/]")
    by_table: dict[str, list[Difference]] = {}
    for one in found:
        by_table.setdefault(one.table, []).append(one)
    for one in (one for of_table in by_table.values() for one in of_table[:_MOST_SHOWN]):
        key = ", ".join(f"{name} {value}" for name, value in one.key.items()) if one.key else f"{one.rows:,} rows"
        tenant = "" if one.tenant is None else str(one.tenant)
        shown.add_row(one.table, str(one.day), key, tenant, one.what, ", ".join(one.columns))
    out.print(shown)
    if more := len(found) - shown.row_count:
        out.print(f"and {more:,} more in the certificate")
    first, last = min(one.day for one in found), max(one.day for one in found)
    out.print(f"to read these days again: [bold]shopease run --from {first} --to {last}[/]; what is blocked says why")


def _selected(known: list["PostgresTable"], name: str | None) -> list["PostgresTable"]:
    if name is None:
        return known
    wanted = name.replace(".", "/").removeprefix("bronze/")
    if chosen := [table for table in known if table.name == wanted]:
        return chosen
    names = ", ".join(sorted(table.name for table in known))
    raise SettingsError(f"--table {name!r} is no source table; there are: {names}")
