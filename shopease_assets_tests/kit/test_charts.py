"""Charts are pictures inside Markdown: what they say, how large they are, and that odd data cannot break them."""

import base64
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from datetime import date, timedelta

import polars as pl
import pytest

from shopease_assets.kit.charts import (
    customers_per_segment,
    quality_per_day,
    receivables_by_age,
    retention_by_cohort,
    revenue_and_forecast,
    revenue_per_day,
    shelves_by_stock,
    top_products,
    web_funnel,
)

_DAY = date(2026, 1, 30)
_SVG = "{http://www.w3.org/2000/svg}"


def test_each_day_is_a_bar_as_high_as_the_revenue_of_all_tenants() -> None:
    picture = _picture(revenue_per_day(_sales({1: [100, 0, 60], 2: [100, 50, 40]})))
    assert _sizes(picture, "height") == pytest.approx(
        [200 * (unit := _sizes(picture, "height")[0] / 200), 50 * unit, 100 * unit], abs=0.1
    )
    assert [word for word in _words(picture) if " Jan" in word or " Feb" in word] == ["30 Jan", "31 Jan", "1 Feb"]


def test_the_title_names_the_days_and_is_what_screen_readers_say() -> None:
    markdown = revenue_per_day(_sales({1: [1, 2, 3]}))
    assert markdown.startswith("![Revenue per day, 2026-01-30 to 2026-02-01](data:image/svg+xml;base64,")
    assert _words(_picture(markdown))[0] == "Revenue per day, 2026-01-30 to 2026-02-01"


def test_a_single_day_is_shown_by_tenant_the_largest_first() -> None:
    picture = _picture(revenue_per_day(_sales({1: [5], 2: [1234.4], 3: [70]})))
    assert _words(picture) == ["Revenue per tenant, 2026-01-30", "tenant 2", "1,234", "tenant 3", "70", "tenant 1", "5"]


def test_quality_is_a_line_per_dimension_of_all_tables_together_and_bad_days_lie_on_the_axis() -> None:
    next_day = _DAY + timedelta(days=1)
    scores = pl.DataFrame(
        [
            {"dt": day, "dimension": dimension, "rows": rows, "failed_rows": failed}
            for day, dimension, rows, failed in [
                (_DAY, "validity", 90, 4),
                (_DAY, "validity", 10, 0),
                (next_day, "validity", 100, 50),
                (_DAY, "accuracy", 0, 0),
                (next_day, "accuracy", 100, 0),
            ]
        ]
    )
    picture = _picture(quality_per_day(scores))
    lines = {line.get("stroke"): line.get("points", "").split() for line in picture.iter(f"{_SVG}polyline")}
    heights = {colour: [float(point.split(",")[1]) for point in points] for colour, points in lines.items()}
    top, bottom = heights["#e0803a"][0], heights["#b065d8"][1]
    assert heights["#e0803a"] == [top, top]
    assert heights["#b065d8"][0] == pytest.approx(top + (bottom - top) * 0.4, abs=0.1)
    assert {"100 %", "90 %", "validity", "30 Jan", "31 Jan"} <= set(_words(picture))


def test_a_funnel_is_a_centred_bar_per_stage_as_wide_as_its_share_of_the_visits() -> None:
    picture = _picture(web_funnel(_funnel([600, 300, 60, 30, 0], [400, 200, 40, 20, 10])))
    widths, lefts = _sizes(picture, "width"), _sizes(picture, "x")
    assert widths == pytest.approx([widths[0] * share for share in (1, 0.5, 0.1, 0.05, 0.01)], abs=0.1)
    assert {round(left + width / 2) for left, width in zip(lefts, widths, strict=True)} == {280}
    assert _words(picture) == [
        "Web funnel in visits, 2026-01-30", "sessions", "1,000 (100.0%)", "product views", "500 (50.0%)", "carts",
        "100 (10.0%)", "checkouts", "50 (5.0%)", "purchases", "10 (1.0%)",
    ]  # fmt: skip


def test_a_forecast_goes_on_from_the_past_inside_its_band_for_all_tenants_together() -> None:
    markdown = revenue_and_forecast(_forecast({1: 100, 2: 300}))
    picture = _picture(markdown)
    assert _words(picture)[0] == "Revenue per day, forecast 2026-01-30 to 2026-02-26"
    past, coming = (line.get("points", "").split() for line in picture.iter(f"{_SVG}polyline"))
    (band,) = (shape.get("points", "").split() for shape in picture.iter(f"{_SVG}polygon"))
    assert (len(past), len(coming), len(band)) == (28, 29, 56)
    assert coming[0] == past[-1]
    (upper, middle, lower) = (float(point.split(",")[1]) for point in (band[0], coming[1], band[-1]))
    assert upper < middle < lower
    assert lower - middle == pytest.approx(middle - upper, abs=0.2)
    assert {"0", "600", "2 Jan", "26 Jan"} <= set(_words(picture))
    assert len(markdown) < 6_000


def test_a_tenant_too_young_for_a_past_is_forecast_all_the_same() -> None:
    young = _forecast({1: 0}).with_columns(pl.lit(None, pl.Decimal(18, 2)).alias("revenue_28_days_before"))
    assert len(list(_picture(revenue_and_forecast(young)).iter(f"{_SVG}polyline"))) == 2


def test_cohorts_are_rows_of_a_heat_map_of_all_tenants_together() -> None:
    picture = _picture(retention_by_cohort(_cohorts(tenants=2, months=3)))
    assert _words(picture) == [
        "Customers of Jan 2025 to Mar 2025 who came back",
        *("+1", "+2", "Jan 2025 (200)", "50%", "25%", "Feb 2025 (200)", "50%", "Mar 2025 (200)"),
    ]
    assert [bar.get("fill") for bar in picture.iter(f"{_SVG}rect")] == ["#4c8dff", "#9dc0ff", "#4c8dff"]


def test_only_the_last_twelve_cohorts_and_months_are_shown() -> None:
    words = _words(_picture(retention_by_cohort(_cohorts(tenants=1, months=30))))
    assert [word for word in words if word.startswith("+")] == [f"+{n}" for n in range(1, 12)]
    assert len([word for word in words if "(100)" in word]) == 12


def test_a_first_month_is_a_cohort_without_cells() -> None:
    assert _words(_picture(retention_by_cohort(_cohorts(tenants=1, months=1))))[1:] == ["+1", "Jan 2025 (100)"]


@pytest.mark.parametrize(
    ("highest", "ticks"),
    [
        (41_000, ["0", "20,000", "40,000", "60,000"]),
        (39_999, ["0", "10,000", "20,000", "30,000", "40,000"]),
        (40_000, ["0", "10,000", "20,000", "30,000", "40,000"]),
        (7, ["0", "2", "4", "6", "8"]),
        (1_300_000, ["0", "500,000", "1,000,000", "1,500,000"]),
        (0, ["0", "1"]),
    ],
)
def test_the_axis_has_round_amounts_with_thousands(highest: float, ticks: list[str]) -> None:
    words = _words(_picture(revenue_per_day(_sales({1: [highest, 0]}))))
    assert [word for word in words[1:] if "Jan" not in word] == ticks


@pytest.mark.parametrize("highest", [0.01, 0.9, 3, 9, 11, 25, 99])
def test_small_amounts_get_different_words_on_the_axis(highest: float) -> None:
    words = _words(_picture(revenue_per_day(_sales({1: [highest, 0]}))))
    assert len(words) == len(set(words))


def test_a_year_of_days_has_few_labels_and_stays_small() -> None:
    markdown = revenue_per_day(_sales({1: list(range(365))}))
    dates = [word for word in _words(_picture(markdown)) if re.fullmatch(r"\d+ [A-Z][a-z]{2}", word)]
    assert len(dates) <= 7
    assert len(revenue_per_day(_sales({1: list(range(31))}))) < 5_000
    assert len(markdown) < 50_000


def test_the_ten_products_with_the_highest_revenue_are_shown_the_best_first() -> None:
    words = _words(_picture(top_products(_products({f"Chair {n}": n * 1000 for n in range(1, 13)}))))
    assert words[:3] == ["Top 10 products by revenue", "Chair 12", "12,000"]
    assert words[-2:] == ["Chair 3", "3,000"]


def test_segments_are_areas_in_proportion_to_their_customers_the_largest_first() -> None:
    segments = pl.DataFrame({"rfm_segment": ["at_risk", "champions", "about_to_sleep", "champions"]})
    picture = _picture(customers_per_segment(segments))
    assert _words(picture) == ["4 customers by RFM segment", "champions 2", "about to sleep 1", "at risk 1"]
    sides = zip(_sizes(picture, "width"), _sizes(picture, "height"), strict=True)
    areas = [(width + 2) * (height + 2) for width, height in sides]
    assert areas == pytest.approx([592 * 258 / 2, 592 * 258 / 4, 592 * 258 / 4], rel=0.01)


def test_a_segment_too_small_for_its_name_is_an_area_without() -> None:
    picture = _picture(customers_per_segment(pl.DataFrame({"rfm_segment": ["champions"] * 999 + ["at_risk"]})))
    assert _words(picture) == ["1,000 customers by RFM segment", "champions 999"]
    assert len(list(picture.iter(f"{_SVG}rect"))) == 2


def test_every_shelf_is_counted_once_by_how_full_it_is() -> None:
    kinds = (
        [(True, True, False)] * 2 + [(False, True, False)] + [(False, False, False)] * 4 + [(False, False, True)] * 3
    )
    names = ["is_out_of_stock", "is_low_stock", "is_overstock"]
    shelves = pl.DataFrame(kinds, schema=names, orient="row").with_columns(dt=pl.lit(_DAY))
    assert _words(_picture(shelves_by_stock(shelves))) == [
        "Shelves by stock, 2026-01-30", "out of stock", "2", "low", "1", "sound", "4", "overstock", "3",
    ]  # fmt: skip


def test_of_several_days_the_shelves_of_the_newest_are_counted() -> None:
    kinds = {"is_out_of_stock": [True, True], "is_low_stock": [True, True], "is_overstock": [False, False]}
    days = [_DAY, _DAY + timedelta(days=1)]
    assert _words(_picture(shelves_by_stock(pl.DataFrame({**kinds, "dt": days}))))[:3] == [
        "Shelves by stock, 2026-01-31", "out of stock", "1",
    ]  # fmt: skip


def test_receivables_are_added_over_tenants_from_current_to_the_oldest() -> None:
    owed = [("90+", 30), ("current", 10), ("current", 5), ("1-30", 0)]
    aging = pl.DataFrame(owed, schema={"bucket": pl.String, "amount": pl.Decimal(18, 2)}, orient="row")
    words = _words(_picture(receivables_by_age(aging)))
    assert words[:3] == ["Receivables by age", "current", "15"]
    assert words[-2:] == ["90+ days past due", "30"]
    assert words[2::2] == ["15", "0", "0", "0", "30"]


def test_names_may_hold_anything_and_long_ones_are_cut() -> None:
    words = _words(
        _picture(top_products(_products({'<b>&"Ümlaut"</b>': 2, "A very long name of a very plain chair": 1})))
    )
    assert words[1::2] == ['<b>&"Ümlaut"</b>', "A very long name of a ver…"]


def test_nothing_sold_is_no_error() -> None:
    assert _sizes(_picture(top_products(_products({"Chair": 0}))), "width") == [0]
    assert _sizes(_picture(revenue_per_day(_sales({1: [0]}))), "width") == [0]


def test_every_word_and_bar_lies_inside_the_picture() -> None:
    for markdown in (
        revenue_per_day(_sales({1: [123_456_789] * 31})),
        top_products(_products({"x" * 80: 123_456_789})),
        web_funnel(_funnel([123_456_789] * 5)),
        retention_by_cohort(_cohorts(tenants=1, months=30)),
        revenue_and_forecast(_forecast({1: 123_456_789})),
    ):
        picture = _picture(markdown)
        width, height = float(picture.attrib["width"]), float(picture.attrib["height"])
        for bar in picture.iter(f"{_SVG}rect"):
            assert 0 <= float(bar.attrib["x"]) <= float(bar.attrib["x"]) + float(bar.attrib["width"]) <= width
            assert 0 <= float(bar.attrib["y"]) <= float(bar.attrib["y"]) + float(bar.attrib["height"]) <= height
        for text in picture.iter(f"{_SVG}text"):
            reach = 7 * len(text.text or "")  # Inter at 12 px is narrower than 7 px a letter
            side = {"start": (0, 1), "middle": (0.5, 0.5), "end": (1, 0)}[text.attrib.get("text-anchor", "start")]
            assert float(text.attrib["x"]) - side[0] * reach >= -7
            assert float(text.attrib["x"]) + side[1] * reach <= width + 7


def test_drawing_needs_no_plotting_library() -> None:
    heavy = "{'matplotlib', 'pandas', 'numpy'} & set(sys.modules)"
    code = f"import sys; import shopease_assets.kit.charts; print(sorted({heavy}))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def _sales(revenue: dict[int, list[float]]) -> pl.DataFrame:
    """The revenue of each tenant, day by day."""
    rows = [
        {"tenant_id": tenant, "sales_date": _DAY + timedelta(days=n), "total_revenue": amount}
        for tenant, amounts in revenue.items()
        for n, amount in enumerate(amounts)
    ]
    return pl.DataFrame(rows, schema_overrides={"total_revenue": pl.Decimal(18, 2)})


def _funnel(*devices: list[int]) -> pl.DataFrame:
    """The visits of each device at each stage."""
    stages = ["sessions", "product_views", "carts", "checkouts", "purchases"]
    return pl.DataFrame(devices, schema=stages, orient="row").with_columns(pl.lit(_DAY).alias("dt"))


def _products(revenue: dict[str, float]) -> pl.DataFrame:
    rows = [
        {"product_id": n, "product_name": name, "total_revenue": amount}
        for n, (name, amount) in enumerate(revenue.items())
    ]
    return pl.DataFrame(rows, schema_overrides={"total_revenue": pl.Decimal(18, 2)})


def _forecast(level: dict[int, float]) -> pl.DataFrame:
    rows = [
        {
            "tenant_id": tenant,
            "date": _DAY + timedelta(days=n),
            "forecast": amount,
            "lower": amount * 0.9,
            "upper": amount * 1.1,
            "revenue_28_days_before": amount,
        }
        for tenant, amount in level.items()
        for n in range(28)
    ]
    money = dict.fromkeys(["forecast", "lower", "upper", "revenue_28_days_before"], pl.Decimal(18, 2))
    return pl.DataFrame(rows, schema_overrides=money)


def _cohorts(tenants: int, months: int) -> pl.DataFrame:
    """Cohorts of a hundred, of which half came back after a month, a quarter after two, …"""
    return pl.DataFrame(
        [
            {
                "tenant_id": tenant,
                "cohort_month": date(2025 + first // 12, first % 12 + 1, 1),
                "months_since": since,
                "cohort_size": 100,
                "active_customers": 100 // 2**since,
            }
            for tenant in range(tenants)
            for first in range(months)
            for since in range(months - first)
        ]
    )


def _picture(markdown: str) -> ET.Element:
    found = re.fullmatch(r"!\[[^\]]*\]\(data:image/svg\+xml;base64,([A-Za-z0-9+/=]+)\)", markdown)
    assert found
    return ET.fromstring(base64.b64decode(found[1]))


def _words(picture: ET.Element) -> list[str]:
    return [text.text or "" for text in picture.iter(f"{_SVG}text")]


def _sizes(picture: ET.Element, side: str) -> list[float]:
    return [float(bar.attrib[side]) for bar in picture.iter(f"{_SVG}rect")]
