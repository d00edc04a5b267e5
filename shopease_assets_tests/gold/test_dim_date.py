from datetime import date, timedelta

import pytest

from shopease_assets.core.errors import SettingsError
from shopease_assets.gold.dim_date import DimDate, calendar


def dates(first: date, last: date, country: str = "IN") -> dict[date, dict[str, object]]:
    rows = calendar(first, last, country).collect().select(list(DimDate.columns()))
    return {row["date"]: row for row in rows.to_dicts()}


def test_the_calendar_keeps_its_contract_over_many_years() -> None:
    rows = calendar(date(2001, 1, 1), date(2035, 12, 31), "IN").collect().select(list(DimDate.columns()))
    assert DimDate.validate(rows).equals(rows)
    assert rows["date_key"].is_unique().all()
    assert len(rows) == (date(2036, 1, 1) - date(2001, 1, 1)).days


def test_every_date_is_what_python_s_calendar_says() -> None:
    for day, row in dates(date(2019, 1, 1), date(2028, 12, 31)).items():
        year, week, weekday = day.isocalendar()
        after_march = day.month >= 4
        assert (row["date_key"], row["iso_year"], row["iso_week"]) == (int(f"{day:%Y%m%d}"), year, week)
        assert (row["weekday"], row["weekday_name"], row["month_name"]) == (weekday, f"{day:%A}", f"{day:%B}")
        assert (row["year"], row["month_number"], row["day_of_month"]) == (day.year, day.month, day.day)
        assert row["fiscal_year"] == day.year + after_march
        assert row["fiscal_month"] == (day.month - 3 if after_march else day.month + 9)
        assert (row["quarter"], row["fiscal_quarter"]) == ((day.month + 2) // 3, (row["fiscal_month"] + 2) // 3)  # type: ignore[operator]
        assert row["is_weekend"] == (weekday > 5)
        assert row["is_business_day"] == (weekday <= 5 and not row["is_holiday"])

    # Saturday 24 January 2026, and Monday the 26th, Republic Day
    rows = dates(date(2026, 1, 1), date(2026, 2, 28))
    assert [rows[date(2026, 1, 23) + timedelta(n)]["business_day_of_month"] for n in range(5)] == [17, 17, 17, 17, 18]
    assert [rows[date(2026, 2, 1) + timedelta(n)]["business_day_of_month"] for n in range(3)] == [0, 1, 2]


@pytest.mark.parametrize(
    ("country", "day", "name"),
    [("IN", date(2026, 8, 15), "Independence Day"), ("US", date(2026, 7, 4), "Independence Day"), ("DE", None, None)],
)
def test_holidays_are_those_of_the_country(country: str, day: date | None, name: str | None) -> None:
    year = dates(date(2026, 1, 1), date(2026, 12, 31), country)
    named = {day: row["holiday_name"] for day, row in year.items() if row["holiday_name"] is not None}
    assert named.get(day or date(2026, 8, 15)) == name
    assert date(2026, 12, 25) in named
    assert set(named) == {day for day, row in year.items() if row["is_holiday"]}


@pytest.mark.parametrize("language", ["", "C", "hi", "de_DE.UTF-8"])
def test_holidays_have_the_same_names_on_every_machine(monkeypatch: pytest.MonkeyPatch, language: str) -> None:
    for name in ("LANGUAGE", "LANG", "LC_ALL", "LC_MESSAGES"):
        monkeypatch.setenv(name, language)
    day = date(2026, 5, 27)
    (row,) = calendar(day.replace(day=1), day, "IN").filter(date=day).collect().to_dicts()
    assert row["holiday_name"] == "Eid al-Adha"


def test_a_country_without_known_holidays_is_refused_by_the_setting_s_name() -> None:
    with pytest.raises(SettingsError, match="SHOPEASE_HOLIDAYS_COUNTRY='ZZ'"):
        calendar(date(2026, 1, 1), date(2026, 1, 2), "ZZ")
