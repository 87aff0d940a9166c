"""Plots one quantity over days: a point for each value, its sigma as a bar. SVG, no script."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from math import floor, isfinite, log10

from markupsafe import Markup

from podium.control.parameters.quantities import alone

WIDTH, HEIGHT = 440.0, 200.0
LEFT, RIGHT, TOP, BOTTOM = 72.0, 8.0, 10.0, 30.0
"""Margins, in the units of the picture."""
TICKS = 4
TIMES = 3
MOST_POINTS = 400
DAY_S = 86400.0
LOG_FROM = 20.0
"""Values without sigma that differ by such a factor are shown on a logarithmic axis."""


@dataclass(frozen=True, slots=True)
class Point:
    """One value."""

    at_s: float
    """When, in seconds of whatever clock."""
    value: float
    sigma: float = 0.0
    """0: none is known."""
    mark: str = ""
    """``hand`` for one that a person has set."""


def plot(points: Sequence[Point], unit: str, title: str) -> Markup:
    """Return the picture; empty where there are fewer than two points that can be drawn."""
    drawn = _thinned([one for one in points if isfinite(one.value)])
    if len(drawn) < 2:
        return Markup("")
    scale = _Scale.of(drawn)
    lines = [
        f'<svg class="history" viewBox="0 0 {WIDTH:.0f} {HEIGHT:.0f}" role="img" '
        f'aria-label="{escape(title)}: {len(points)} values over time">',
        *_value_ticks(scale, unit, drawn[-1].value),
        *_time_ticks(scale),
        *(_drawn(one, scale) for one in drawn),
        "</svg>",
    ]
    return Markup("".join(lines))


@dataclass(frozen=True, slots=True)
class _Scale:
    first_s: float
    last_s: float
    low: float
    high: float
    log: bool

    @classmethod
    def of(cls, points: Sequence[Point]) -> "_Scale":
        first_s, last_s = min(p.at_s for p in points), max(p.at_s for p in points)
        low = min(one.value - one.sigma for one in points)
        high = max(one.value + one.sigma for one in points)
        log = all(one.sigma == 0 for one in points) and low > 0 and high / low > LOG_FROM
        if log:
            return cls(first_s, max(last_s, first_s + 1), low / 1.2, high * 1.2, True)
        room = 0.08 * (high - low) or 0.05 * abs(high) or 1.0
        return cls(first_s, max(last_s, first_s + 1), low - room, high + room, False)

    def x(self, at_s: float) -> float:
        share = (at_s - self.first_s) / (self.last_s - self.first_s)
        return LEFT + 6 + share * (WIDTH - LEFT - RIGHT - 12)

    def y(self, value: float) -> float:
        low, high = self.low, self.high
        if self.log:
            value, low, high = log10(max(value, low)), log10(low), log10(high)
        return HEIGHT - BOTTOM - (value - low) / (high - low) * (HEIGHT - TOP - BOTTOM)


def _drawn(one: Point, scale: _Scale) -> str:
    x, y = scale.x(one.at_s), scale.y(one.value)
    kind = f"point {one.mark}".strip()
    bar = ""
    if one.sigma:
        top, bottom = scale.y(one.value + one.sigma), scale.y(one.value - one.sigma)
        bar = f'<path class="sigma" d="M{x:.1f} {top:.1f}V{bottom:.1f}"/>'
    return f'{bar}<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="3"/>'


def _value_ticks(scale: _Scale, unit: str, latest: float) -> Iterator[str]:
    """Give the lines of the value axis.

    Where values differ by little, the axis tells differences from the latest value.
    """
    span = scale.high - scale.low
    from_latest = not scale.log and span < 0.02 * abs(latest)
    if scale.log:
        powers = range(floor(log10(scale.low)), floor(log10(scale.high)) + 1)
        values = [10.0**n for n in powers if scale.low <= 10.0**n <= scale.high]
    else:
        step = _step(span / TICKS)
        origin = latest if from_latest else 0.0
        first = floor((scale.low - origin) / step) + 1
        count = int((scale.high - origin) / step) - first + 2
        values = [origin + (first + n) * step for n in range(count)]
        values = [one for one in values if scale.low <= one <= scale.high]
    for value in values:
        y = scale.y(value)
        shown = value - latest if from_latest else value
        sign = "+" if from_latest and shown > 0 else ""
        text = (
            "latest" if from_latest and abs(shown) < span * 1e-9 else f"{sign}{_short(shown, unit)}"
        )
        yield f'<path class="grid" d="M{LEFT:.0f} {y:.1f}H{WIDTH - RIGHT:.0f}"/>'
        yield f'<text x="{LEFT - 6:.0f}" y="{y + 4:.1f}" text-anchor="end">{escape(text)}</text>'


def _short(value: float, unit: str) -> str:
    """Return a round number with its unit, without zeros that say nothing."""
    number, _, rest = alone(value, unit).partition(" ")
    if "." in number:
        number = number.rstrip("0").rstrip(".")
    return f"{number} {rest}".strip()


def _time_ticks(scale: _Scale) -> Iterator[str]:
    span_s = scale.last_s - scale.first_s
    how = "%H:%M:%S" if span_s < 600 else "%H:%M" if span_s < DAY_S else "%d %b %H:%M"
    how = "%d %b %Y" if span_s > 10 * DAY_S else how
    for n in range(TIMES):
        at_s = scale.first_s + span_s * n / (TIMES - 1)
        anchor = "start" if n == 0 else "end" if n == TIMES - 1 else "middle"
        text = datetime.fromtimestamp(at_s, UTC).strftime(how)
        x, y = scale.x(at_s), HEIGHT - BOTTOM + 20
        yield f'<text x="{x:.1f}" y="{y:.0f}" text-anchor="{anchor}">{text}</text>'


def _step(about: float) -> float:
    """Return 1, 2 or 5 times a power of ten that is at least ``about``."""
    power = 10.0 ** floor(log10(about))
    return next(n * power for n in (1, 2, 5, 10) if n * power >= about * (1 - 1e-9))


def _thinned(points: Sequence[Point]) -> list[Point]:
    step = -(-len(points) // MOST_POINTS)
    kept = list(points[::-1][::step]) if step > 1 else list(points)[::-1]
    return kept[::-1]
