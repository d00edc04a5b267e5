"""The days a generator plays: when things happen in a week, a year and a day, up to a given `now`."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

import numpy as np

from shopease_assets.core.errors import SourceError
from shopease_assets.synthetic.draws import DAY, Floats, Ints

_EPOCH: Final = date(1970, 1, 1)
_WEEKLY: Final = np.array([0.90, 0.88, 0.95, 1.00, 1.15, 1.25, 1.10])  # Monday first
# Share of a day's traffic per hour, UTC: quiet at night, a bump at lunch, a peak in the evening.
_HOURLY: Final = np.array([1, 1, 1, 1, 1, 2, 3, 4, 5, 6, 6, 7, 8, 7, 6, 6, 6, 7, 8, 9, 9, 7, 4, 2], dtype=np.float64)
_HOUR_REACH: Final = np.concatenate([[0.0], np.cumsum(_HOURLY) / _HOURLY.sum()])
_GROWTH_PER_YEAR: Final = 0.6
_SALE_WEEK: Final = np.arange(327, 334)  # the last week of November


@dataclass(frozen=True)
class Window:
    """`days` days from `start`; nothing happens after `now`, which lies in the last day (or ends it)."""

    start: date
    days: int
    now: datetime

    def __post_init__(self) -> None:
        if self.days < 1:
            raise SourceError(f"{self.days} days is no window; give at least 1")
        if self.now.tzinfo is None:
            raise SourceError("now has no time zone; give a UTC time")
        if not self.end_of(self.last_day - timedelta(days=1)) < self.now <= self.end_of(self.last_day):
            raise SourceError(
                f"now {self.now:%Y-%m-%d %H:%M} is not on the last day {self.last_day}; change start, days or now"
            )

    @staticmethod
    def end_of(day: date) -> datetime:
        """The last microsecond of a UTC day."""
        return datetime.combine(day, time.max, UTC)

    @property
    def last_day(self) -> date:
        """The day `now` lies in."""
        return self.start + timedelta(days=self.days - 1)

    @property
    def start_micros(self) -> int:
        """Midnight of the first day, microseconds since 1970."""
        return (self.start - _EPOCH).days * DAY

    @property
    def now_micros(self) -> int:
        """Microseconds since 1970 of `now`."""
        return (self.now - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)

    def draw_times(self, rng: np.random.Generator, size: int) -> Ints:
        """`size` times (microseconds, ascending) with growth, weekly, yearly and daily rhythm."""
        weights = self._day_weights()
        last_reach = self._reach_of_now()
        weights[-1] *= last_reach
        if weights.sum() == 0:
            weights[-1] = 1.0
        day = rng.choice(self.days, size=size, p=weights / weights.sum())
        uniform = rng.random(size) * np.where(day == self.days - 1, last_reach, 1.0)
        in_day = np.interp(uniform, _HOUR_REACH, np.arange(25) * (DAY / 24))
        micros = self.start_micros + day * DAY + in_day.astype(np.int64)
        return np.sort(np.minimum(micros, self.now_micros)).astype(np.int64)

    def _day_weights(self) -> Floats:
        first = (self.start - _EPOCH).days
        day = first + np.arange(self.days)
        day_of_year = np.array([(self.start + timedelta(days=d)).timetuple().tm_yday for d in range(self.days)])
        growth = 1.0 + _GROWTH_PER_YEAR * np.arange(self.days) / 365
        yearly = 1.0 + 0.22 * np.cos(2 * np.pi * (day_of_year - 345) / 365)
        sale_week = np.where(np.isin(day_of_year, _SALE_WEEK), 1.6, 1.0)
        weekly = _WEEKLY[(day + 3) % 7]  # 1970-01-01 was a Thursday
        weights: Floats = growth * yearly * sale_week * weekly
        return weights

    def _reach_of_now(self) -> float:
        in_day = self.now_micros - (self.last_day - _EPOCH).days * DAY
        return float(np.interp(in_day, np.arange(25) * (DAY / 24), _HOUR_REACH))


def window_of(start: date | None, days: int, now: datetime | None) -> Window:
    """The window meant: it ends today unless `start` is given, and then at the end of its last day.

    The one place where the generator reads the clock: only when neither `start` nor `now` is given.
    """
    if start is None:
        now = now or datetime.now(UTC)
        return Window(now.date() - timedelta(days=days - 1), days, now)
    end = Window.end_of(start + timedelta(days=days - 1))
    return Window(start, days, end if now is None else min(now, end))
