"""Small charts for a materialisation's page: a frame of a gold table → Markdown with the picture inside.

Hand-written SVG, not matplotlib: 2 KB in a millisecond, where importing matplotlib alone takes as long as
materialising a day. Its grey and blue are read on the UI's light and dark page alike.
"""

import base64
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from itertools import accumulate
from xml.sax.saxutils import escape

import polars as pl

Chart = Callable[[pl.DataFrame], str]
_Tile = tuple[tuple[str, int], float, float, float, float]  # what, and its left, top, width and height

_WIDTH = 600
_TOP = 34  # below the title
_TEXT, _LINE, _BAR = "#7a7f87", "#7a7f8755", "#4c8dff"
_PALE, _ON_CELL = "#eef4ff", "#1d2b45"
_DIMENSIONS = {"completeness": "#4c8dff", "accuracy": "#e0803a", "consistency": "#3aa675", "validity": "#b065d8"}
_WORST_SHARE_SHOWN = 0.9
_MOST_PRODUCTS, _MOST_TENANTS = 10, 10
_LONGEST_NAME = 26
_MOST_DAY_LABELS = 7
_LETTER = 6  # wide
_BUCKETS = ("current", "1-30", "31-60", "61-90", "90+")
_MOST_COHORTS = 12


def revenue_per_day(sales: pl.DataFrame) -> str:
    """The total of `daily_sales_summary` for each day; of a single day, for each tenant."""
    per_day = sales.group_by("sales_date").agg(_revenue()).sort("sales_date")
    first, last = per_day["sales_date"][0], per_day["sales_date"][-1]
    if first == last:
        per_tenant = (
            sales.group_by("tenant_id").agg(_revenue()).sort(["revenue", "tenant_id"], descending=[True, False])
        )
        shown = per_tenant.head(_MOST_TENANTS)
        names = [f"tenant {tenant}" for tenant in shown["tenant_id"]]
        return _markdown(f"Revenue per tenant, {first}", _rows_of_bars(names, shown["revenue"].to_list()))
    return _markdown(
        f"Revenue per day, {first} to {last}",
        _columns_of_bars(per_day["sales_date"].to_list(), per_day["revenue"].to_list()),
    )


def top_products(performance: pl.DataFrame) -> str:
    """The products of `product_performance` with the highest revenue so far."""
    shown = (
        performance.select("product_id", "product_name", pl.col("total_revenue").cast(pl.Float64).alias("revenue"))
        .sort(["revenue", "product_id"], descending=[True, False])
        .head(_MOST_PRODUCTS)
    )
    return _markdown(
        f"Top {len(shown)} products by revenue",
        _rows_of_bars(shown["product_name"].to_list(), shown["revenue"].to_list()),
    )


def customers_per_segment(segments: pl.DataFrame) -> str:
    """How many customers of all tenants are in each segment of `customer_segments`: areas of a treemap."""
    shown = segments.group_by("rfm_segment").len().sort(["len", "rfm_segment"], descending=[True, False])
    names = [segment.replace("_", " ") for segment in shown["rfm_segment"]]
    drawing = _treemap(list(zip(names, shown["len"].to_list(), strict=True)))
    return _markdown(f"{len(segments):,} customers by RFM segment", drawing)


def shelves_by_stock(inventory: pl.DataFrame) -> str:
    """How many shelves (product and store) of `fact_inventory` are empty, low, sound or overfull, on the newest day."""
    newest = inventory.filter(pl.col("dt") == pl.col("dt").max())
    empty, low, over = (pl.col(name) for name in ("is_out_of_stock", "is_low_stock", "is_overstock"))
    counts = newest.select(
        empty.sum().alias("out of stock"),
        (low & ~empty).sum().alias("low"),
        (~empty & ~low & ~over).sum().alias("sound"),
        over.sum().alias("overstock"),
    ).row(0, named=True)
    return _markdown(f"Shelves by stock, {newest['dt'][0]}", _rows_of_bars([*counts], [*counts.values()]))


def receivables_by_age(aging: pl.DataFrame) -> str:
    """What is owed to all tenants, by the buckets of `invoice_aging`, the oldest debt last."""
    owed = dict(aging.group_by("bucket").agg(pl.col("amount").sum().cast(pl.Float64)).iter_rows())
    names = [bucket if bucket == "current" else f"{bucket} days past due" for bucket in _BUCKETS]
    return _markdown("Receivables by age", _rows_of_bars(names, [owed.get(bucket, 0.0) for bucket in _BUCKETS]))


def quality_per_day(scores: pl.DataFrame) -> str:
    """The share of sound rows of all tables of `data_quality_scores`, per day, one line a dimension."""
    share = 1 - pl.col("failed_rows").sum() / pl.max_horizontal(pl.col("rows").sum(), pl.lit(1))
    days = scores["dt"].unique().sort().to_list()
    shares = {
        name: scores.filter(dimension=name).group_by("dt").agg(share.alias("share")).sort("dt") for name in _DIMENSIONS
    }
    drawn = {name: dict(frame.iter_rows()) for name, frame in shares.items()}
    return _markdown(f"Quality of silver, {days[0]} to {days[-1]}", _lines(days, drawn))


def web_funnel(funnel: pl.DataFrame) -> str:
    """The visits of `daily_web_funnel` that reached each stage, of all tenants and devices; each a bar, centred."""
    days = funnel["dt"].unique().sort().to_list()
    stages = funnel.select("sessions", "product_views", "carts", "checkouts", "purchases").sum().row(0, named=True)
    left, right, row = 110, 150, 30
    scale = (_WIDTH - left - right) / stages["sessions"]

    def drawn() -> Iterator[str]:
        for n, (name, visits) in enumerate(stages.items()):
            y, width = _TOP + n * row, visits * scale
            yield _text(left - 8, y + 17, name.replace("_", " "), anchor="end")
            yield _bar((_WIDTH + left - right - width) / 2, y + 2, width, row - 6)
            yield _text(_WIDTH - right + 8, y + 17, f"{visits:,} ({visits / stages['sessions']:.1%})")

    span = f"{days[0]}" if len(days) == 1 else f"{days[0]} to {days[-1]}"
    return _markdown(f"Web funnel in visits, {span}", (_TOP + len(stages) * row + 6, "".join(drawn())))


def revenue_and_forecast(forecast: pl.DataFrame) -> str:
    """The last 28 days of `sales_forecast` and the next 28 in their band, of all tenants; bounds added up are wide."""
    columns = ("revenue_28_days_before", "forecast", "lower", "upper")
    days = forecast.group_by("date").agg(pl.col(columns).sum().cast(pl.Float64)).sort("date")
    dates: list[date] = days["date"].to_list()
    past = [day - timedelta(len(dates)) for day in dates]
    return _markdown(
        f"Revenue per day, forecast {dates[0]} to {dates[-1]}",
        _line_in_band([*past, *dates], *(days[name].to_list() for name in columns)),
    )


def retention_by_cohort(cohorts: pl.DataFrame) -> str:
    """The share of each of the last cohorts of `cohort_retention`, all tenants together, that came back, by month."""
    share = pl.col("active_customers").sum() / pl.col("cohort_size").sum()
    cells = cohorts.group_by("cohort_month", "months_since").agg(share.alias("share"), pl.col("cohort_size").sum())
    months = cells["cohort_month"].unique().sort().to_list()[-_MOST_COHORTS:]
    shown = cells.filter(pl.col("cohort_month").is_in(months) & pl.col("months_since").is_between(1, _MOST_COHORTS))
    sizes = cells.filter(months_since=0).select("cohort_month", "cohort_size")
    shares = {(row["cohort_month"], row["months_since"]): row["share"] for row in shown.iter_rows(named=True)}
    return _markdown(
        f"Customers of {months[0]:%b %Y} to {months[-1]:%b %Y} who came back",
        _heat_map(months, dict(sizes.iter_rows()), shares),
    )


def _revenue() -> pl.Expr:
    return pl.col("total_revenue").sum().cast(pl.Float64).alias("revenue")


def _columns_of_bars(days: Sequence[date], values: Sequence[float]) -> tuple[int, str]:
    """Time runs to the right; amounts are read on the left."""
    left, right, height, base = 78, 22, 220, 192
    ticks = _ticks(max(values))
    scale = (base - _TOP) / ticks[-1]
    slot = (_WIDTH - left - right) / len(days)
    width = min(slot * 0.72, 48)
    every = math.ceil(len(days) / _MOST_DAY_LABELS)

    def drawn() -> Iterator[str]:
        for tick in ticks:
            y = base - tick * scale
            yield f'<path d="M{left} {y:.1f}H{_WIDTH - right}" stroke="{_LINE}"/>'
            yield _text(left - 8, y + 4, f"{tick:,.0f}", anchor="end")
        for n, (day, value) in enumerate(zip(days, values, strict=True)):
            middle = left + (n + 0.5) * slot
            yield _bar(middle - width / 2, base - value * scale, width, value * scale)
            if n % every == 0:
                yield _text(middle, base + 18, f"{day.day} {day:%b}", anchor="middle")

    return height, "".join(drawn())


def _lines(days: Sequence[date], shares: Mapping[str, Mapping[date, float]]) -> tuple[int, str]:
    """Shares from the worst shown (lower ones lie on the axis) to 100 %; the names stand at the right, by colour."""
    left, right, height, base = 52, 118, 220, 192
    step = (_WIDTH - left - right) / max(len(days) - 1, 1)
    every = math.ceil(len(days) / _MOST_DAY_LABELS)

    def height_of(share: float) -> float:
        above = (max(share, _WORST_SHARE_SHOWN) - _WORST_SHARE_SHOWN) / (1 - _WORST_SHARE_SHOWN)
        return base - above * (base - _TOP)

    def drawn() -> Iterator[str]:
        for percent in range(round(_WORST_SHARE_SHOWN * 100), 101, 2):
            y = height_of(percent / 100)
            yield f'<path d="M{left} {y:.1f}H{_WIDTH - right}" stroke="{_LINE}"/>'
            yield _text(left - 8, y + 4, f"{percent} %", anchor="end")
        for n in range(0, len(days), every):
            yield _text(left + n * step, base + 18, f"{days[n].day} {days[n]:%b}", anchor="middle")
        for n, (name, share) in enumerate(shares.items()):
            colour = _DIMENSIONS[name]
            at = [(left + i * step, height_of(share[day])) for i, day in enumerate(days) if day in share]
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in at)
            yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.8"/>'
            yield from (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2" fill="{colour}"/>' for x, y in at[-1:])
            yield f'<rect x="{_WIDTH - right + 14}" y="{_TOP + n * 22}" width="10" height="10" fill="{colour}"/>'
            yield _text(_WIDTH - right + 30, _TOP + 9 + n * 22, name)

    return height, "".join(drawn())


def _line_in_band(
    days: Sequence[date],
    past: Sequence[float],
    forecast: Sequence[float],
    lower: Sequence[float],
    upper: Sequence[float],
) -> tuple[int, str]:
    """The past as a line that its forecast goes on as dashes, inside a pale band."""
    left, right, height, base = 78, 22, 220, 192
    ticks = _ticks(max(*past, *upper))
    step = (_WIDTH - left - right) / (len(days) - 1)
    every = math.ceil(len(days) / _MOST_DAY_LABELS)

    def points(first: int, values: Sequence[float]) -> list[str]:
        heights = (base - value * (base - _TOP) / ticks[-1] for value in values)
        return [f"{left + (first + n) * step:.1f},{y:.1f}" for n, y in enumerate(heights)]

    def drawn() -> Iterator[str]:
        for tick in ticks:
            y = base - tick * (base - _TOP) / ticks[-1]
            yield f'<path d="M{left} {y:.1f}H{_WIDTH - right}" stroke="{_LINE}"/>'
            yield _text(left - 8, y + 4, f"{tick:,.0f}", anchor="end")
        for n in range(0, len(days), every):
            yield _text(left + n * step, base + 18, f"{days[n].day} {days[n]:%b}", anchor="middle")
        band = [*points(len(past), upper), *reversed(points(len(past), lower))]
        yield f'<polygon points="{" ".join(band)}" fill="{_BAR}" fill-opacity="0.2"/>'
        known, coming = points(0, past), points(len(past), forecast)
        line = 'fill="none" stroke-width="1.8" stroke='
        yield f'<polyline points="{" ".join(known)}" {line}"{_TEXT}"/>'
        yield f'<polyline points="{" ".join([known[-1], *coming])}" {line}"{_BAR}" stroke-dasharray="5 3"/>'

    return height, "".join(drawn())


def _heat_map(
    months: Sequence[date], sizes: Mapping[date, int], shares: Mapping[tuple[date, int], float]
) -> tuple[int, str]:
    """A row a cohort, a column a month since; the darkest is the highest share. Cells are opaque, for words on them."""
    left, right, row = 130, 10, 24
    most = max((since for _, since in shares), default=1)
    width = min((_WIDTH - left - right) / most, 48)
    highest = max(shares.values(), default=0) or 1

    def drawn() -> Iterator[str]:
        for since in range(1, most + 1):
            yield _text(left + (since - 0.5) * width, _TOP + 10, f"+{since}", anchor="middle")
        for n, month in enumerate(months):
            y = _TOP + (n + 1) * row - 6
            yield _text(left - 8, y + 15, f"{month:%b %Y} ({sizes[month]:,})", anchor="end")
            for since in range(1, most + 1):
                if (share := shares.get((month, since))) is not None:
                    x = left + (since - 1) * width
                    yield _bar(x + 1, y, width - 2, row - 2, _shade(share / highest))
                    yield _text(x + width / 2, y + 15, f"{share:.0%}", anchor="middle", colour=_ON_CELL)

    return _TOP + (len(months) + 1) * row + 2, "".join(drawn())


def _treemap(parts: Sequence[tuple[str, int]]) -> tuple[int, str]:
    """Areas in proportion, each named where its name fits."""
    height, base = 300, 292

    def drawn() -> Iterator[str]:
        for (name, value), x, y, width, high in _tiles(parts, 4, _TOP, _WIDTH - 8, base - _TOP):
            yield _bar(x + 1, y + 1, max(width - 2, 0), max(high - 2, 0))
            words = f"{name} {value:,}"
            if len(words) * _LETTER < width and high > _TOP / 2:
                yield _text(x + width / 2, y + high / 2 + 4, words, anchor="middle", colour="#ffffff")

    return height, "".join(drawn())


def _tiles(parts: Sequence[tuple[str, int]], x: float, y: float, width: float, height: float) -> Iterator[_Tile]:
    """Cuts the longer side where the parts, largest first, fall into the two most equal halves; and so on."""
    if len(parts) < 2:  # noqa: PLR2004  # nothing to cut
        yield from ((part, x, y, width, height) for part in parts)
        return
    total = sum(value for _, value in parts)
    sums = list(accumulate(value for _, value in parts[:-1]))
    cut = min(range(len(sums)), key=lambda n: abs(sums[n] - total / 2)) + 1
    share = sums[cut - 1] / total
    if width >= height:
        yield from _tiles(parts[:cut], x, y, width * share, height)
        yield from _tiles(parts[cut:], x + width * share, y, width * (1 - share), height)
    else:
        yield from _tiles(parts[:cut], x, y, width, height * share)
        yield from _tiles(parts[cut:], x, y + height * share, width, height * (1 - share))


def _rows_of_bars(names: Sequence[str], values: Sequence[float]) -> tuple[int, str]:
    """The name at the left of each bar, its amount at the right."""
    left, right, row = 200, 84, 24
    scale = (_WIDTH - left - right) / (max(values) or 1)

    def drawn() -> Iterator[str]:
        for n, (name, value) in enumerate(zip(names, values, strict=True)):
            y = _TOP + n * row
            yield _text(left - 8, y + 14, _shortened(name), anchor="end")
            yield _bar(left, y + 2, value * scale, row - 8)
            yield _text(left + value * scale + 8, y + 14, f"{value:,.0f}")

    return _TOP + len(names) * row + 6, "".join(drawn())


def _markdown(title: str, drawing: tuple[int, str]) -> str:
    height, body = drawing
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" viewBox="0 0 {_WIDTH} {height}" '
        f'font-family="Inter,system-ui,sans-serif" font-size="12" fill="{_TEXT}">'
        f'<text x="4" y="18" font-size="14" font-weight="600">{escape(title)}</text>{body}</svg>'
    )
    return f"![{title}](data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()})"


def _bar(x: float, y: float, width: float, height: float, colour: str = _BAR) -> str:
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="1.5" fill="{colour}"/>'


def _text(x: float, y: float, words: str, anchor: str = "start", colour: str = "") -> str:
    fill = f' fill="{colour}"' if colour else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{fill}>{escape(words)}</text>'


def _shade(share: float) -> str:
    """From nearly white to the bars' blue."""
    pale, full = (bytes.fromhex(colour[1:]) for colour in (_PALE, _BAR))
    return "#" + bytes(round(light + (dark - light) * share) for light, dark in zip(pale, full, strict=True)).hex()


def _shortened(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1].rstrip()}…"


def _ticks(highest: float) -> list[float]:
    """From 0 to just above the highest amount in a few round steps of one or more."""
    rough = max(highest / 4, 1)
    magnitude = 10.0 ** math.floor(math.log10(rough))
    step = next(step * magnitude for step in (1, 2, 5, 10) if step * magnitude >= rough)
    return [n * step for n in range(max(math.ceil(highest / step), 1) + 1)]
