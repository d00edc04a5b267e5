"""The calendar: every date with its week, quarter, fiscal year, weekend, holiday and business day."""

from datetime import date

import holidays
import polars as pl

from shopease_assets.core.contract import Contract, day, flag, integer, key, text
from shopease_assets.core.errors import SettingsError
from shopease_assets.kit.gold import gold
from shopease_assets.kit.partitions import MONTHLY
from shopease_assets.settings import settings

_FISCAL_START, _SATURDAY = 4, 6  # month, weekday
_LANGUAGE = "en_US"  # else it would be that of the machine


class DimDate(Contract):
    """The calendar: every date with its week, quarter, fiscal year, weekend, holiday and business day.

    Grain: one date (date_key, yyyymmdd), from the first of the lake's first month to the end of the fiscal year after
    the partition's, so that what is due, planned or forecast finds its date. Weeks are those of ISO 8601 (Monday is
    weekday 1). A fiscal year runs from April to March and is named by the year it ends in: April 2025 is month 1 of
    2026. Holidays are the public ones of SHOPEASE_HOLIDAYS_COUNTRY (library `holidays`); `business_day_of_month` counts
    the days from the first of the month on that are neither weekend nor holiday.
    """

    date_key = key()
    date = day()
    day_of_month = integer(min=1)
    month_number = integer(min=1)  # `month` is the partition
    month_name = text()
    quarter = integer(min=1)
    year = integer()
    iso_week = integer(min=1)
    iso_year = integer()
    weekday = integer(min=1)
    weekday_name = text()
    is_weekend = flag()
    fiscal_month = integer(min=1)
    fiscal_quarter = integer(min=1)
    fiscal_year = integer()
    is_holiday = flag()
    holiday_name = text(nullable=True)
    is_business_day = flag()
    business_day_of_month = integer(min=0)


@gold(DimDate, partitions=MONTHLY)
def dim_date(as_of: date) -> pl.LazyFrame:
    """The calendar from the lake's first month on."""
    return calendar(settings().start_date.replace(day=1), _end_of_next_fiscal_year(as_of), settings().holidays_country)


def calendar(first: date, last: date, country: str) -> pl.LazyFrame:
    """The dates from `first`, which begins a month, to `last`, with the holidays of a country (ISO 3166)."""
    try:
        named = holidays.country_holidays(country, years=range(first.year, last.year + 1), language=_LANGUAGE)
    except NotImplementedError as unknown:
        raise SettingsError(f"SHOPEASE_HOLIDAYS_COUNTRY={country!r}: its holidays are not known") from unknown
    on = pl.col("date").dt
    fiscal = on.offset_by(f"{13 - _FISCAL_START}mo")  # April 2025 → January 2026
    return (
        pl.LazyFrame({"date": pl.date_range(first, last, eager=True)})
        .with_columns(
            day_of_month=on.day(),
            month_number=on.month(),
            month_name=on.strftime("%B"),
            quarter=on.quarter(),
            year=on.year(),
            iso_week=on.week(),
            iso_year=on.iso_year(),
            weekday=on.weekday(),
            weekday_name=on.strftime("%A"),
            is_weekend=on.weekday() >= _SATURDAY,
            fiscal_month=fiscal.dt.month(),
            fiscal_quarter=fiscal.dt.quarter(),
            fiscal_year=fiscal.dt.year(),
            is_holiday=pl.col("date").is_in(list(named)),
            holiday_name=pl.col("date").replace_strict(dict(named), default=None, return_dtype=pl.String),
        )
        .with_columns(is_business_day=~pl.col("is_weekend") & ~pl.col("is_holiday"))
        .with_columns(
            date_key=on.strftime("%Y%m%d"),
            business_day_of_month=pl.col("is_business_day").cum_sum().over("year", "month_number"),
        )
        .cast({name: column.dtype for name, column in DimDate.columns().items()})
    )


def _end_of_next_fiscal_year(as_of: date) -> date:
    years = 1 if as_of.month < _FISCAL_START else 2
    return date(as_of.year + years, _FISCAL_START - 1, 31)
