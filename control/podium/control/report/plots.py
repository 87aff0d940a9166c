"""Draws panels as SVG, for a page that may be light or dark.

Colours are named (``var(--ink)`` ...): the page around the drawing says what they are. The
series' colours are those of Okabe and Ito (Color Universal Design, 2008), told apart by people
with any colour vision, and by their marks as well. The elements are written here, not by
Matplotlib: that takes 40 ms of a processor for a panel, and a report has a hundred and more.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import cycle

import contourpy
import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.outcome import Panel, Picture, Series
from podium.control.report.plot_axis import Axis, Ticks, axis_over, between, edges_of
from podium.control.report.plot_image import bar_image, map_image

Array = NDArray[np.float64]

WIDTH, HEIGHT = 302.4, 208.8
"""Of a panel, points of print."""
FONT, SMALL = 9.0, 7.5
LABEL_PT, LINE_PT, EDGE_PT, BAR_PT, DIGIT_PT = 25.0, 14.0, 8.0, 9.0, 5.8
"""Room for an axis' label with the ticks, a line of text, the edge, a colour bar, and a digit of
9 point DejaVu Sans, which is wider than what most systems have."""
SMALL_DIGIT_PT = DIGIT_PT * SMALL / FONT
TICK_PT = 3.5
X_TICKS, Y_TICKS, CONTOURS = 5, 7, 6
DENSE = 150
"""Series with more points are drawn as dots of one path: lighter by far."""
SPARSE = 16
"""Series with no more points have larger marks, so that a fit does not cover them."""
CLOSE = 0.3
"""Marks that are closer, as a share of the axis, have their labels to their outer sides."""
LOPSIDED = 1e-3
"""Below this ratio of the axes' spans, equal scales would leave nothing to be seen."""
FAR = 1e4
"""Points of a line further from the axes, in widths of theirs, are drawn there."""
PIXELS_PER_PT = 160 / 72

INK, FAINT, GRID, BAD = "var(--ink)", "var(--faint)", "var(--grid)", "var(--bad)"
SERIES = tuple(f"var(--series-{k})" for k in range(4))
PAPER_ON_PICTURE, SHADOW_ON_PICTURE = "#ffffff", "#000000"
MARKERS = (
    "M{0} 0A{0} {0} 0 1 1 -{0} 0A{0} {0} 0 1 1 {0} 0Z",
    "M-{0} -{0}H{0}V{0}H-{0}Z",
    "M0 -{0}L{0} {0}H-{0}Z",
    "M0 -{1}L{1} 0L0 {1}L-{1} 0Z",
)
"""A circle, a square, a triangle, a diamond of half the size {0} ({1}: half a diagonal)."""


@dataclass(frozen=True, slots=True)
class Frame:
    """The rectangle of the axes on the paper, and the axes along it."""

    left: float
    right: float
    top: float
    bottom: float
    x: Axis
    y: Axis

    def across(self, values: Array) -> Array:
        """Return the places of numbers of x."""
        return self.left + self._near(self.x.share(values)) * (self.right - self.left)

    def down(self, values: Array) -> Array:
        """Return the places of numbers of y: down from the top of the paper."""
        return self.bottom - self._near(self.y.share(values)) * (self.bottom - self.top)

    @staticmethod
    def _near(share: Array) -> Array:
        return np.clip(share, -FAR, FAR)


def draw(panel: Panel, name: str) -> str:
    """Return ``panel`` as an ``<svg>`` element; ``name`` keeps its ids apart on a page.

    Points that are not finite are left out.
    """
    picture = None if panel.picture is None else _sorted(panel.picture)
    shade = None if picture is None else _shade(picture)
    x, y = _axes(panel, picture)
    frame, x_ticks, y_ticks = _lay_out(x, y, shade, panel)
    said = escape(f"{panel.element}: {panel.y_label} over {panel.x_label}")
    parts = [
        f'<svg role="img" aria-label="{said}" viewBox="0 0 {WIDTH} {HEIGHT}">',
        f'<defs><clipPath id="{name}-axes"><rect x="{frame.left:.2f}" y="{frame.top:.2f}" '
        f'width="{frame.right - frame.left:.2f}" height="{frame.bottom - frame.top:.2f}"/>'
        "</clipPath></defs>",
        f'<g style="font-size: {FONT:g}px; font-family: inherit; fill: {INK}">',
        *_scales(frame, x_ticks, y_ticks, grid=picture is None),
    ]
    if picture is not None and shade is not None:
        parts += _picture(frame, picture, shade, name)
        parts += _bar(frame, shade, picture.z_label)
    parts += _frame(frame, panel, x_ticks, y_ticks)
    parts += [f'<g clip-path="url(#{name}-axes)">', *_mark_lines(frame, panel), "</g>"]
    parts += [f'<g clip-path="url(#{name}-axes)">', *_series(frame, panel.series, name), "</g>"]
    parts += _legend(frame, panel.series, over_picture=picture is not None)
    parts += _mark_labels(frame, panel)
    return "\n".join([*parts, "</g>", "</svg>"])


def _axes(panel: Panel, picture: Picture | None) -> tuple[Axis, Axis]:
    """Return the axes on which all of a panel lies."""
    marks = [at for _, at in panel.marks if np.isfinite(at)]
    if picture is not None:
        log = picture.y_log and bool(np.all(picture.y > 0))
        x_edges, y_edges = edges_of(picture.x), edges_of(picture.y, log)
        low, high = min([x_edges[0], *marks]), max([x_edges[-1], *marks])
        return between(low, high), between(float(y_edges[0]), float(y_edges[-1]), log)
    both = [_finite(one) for one in panel.series]
    x = axis_over([points[0] for points in both], marks)
    y = axis_over([points[1] for points in both])
    return x, y


def _finite(one: Series) -> tuple[Array, Array]:
    x, y = np.asarray(one.x, np.float64), np.asarray(one.y, np.float64)
    keep = np.isfinite(x) & np.isfinite(y)
    return x[keep], y[keep]


def _lay_out(x: Axis, y: Axis, shade: Axis | None, panel: Panel) -> tuple[Frame, Ticks, Ticks]:
    """Give all labels the room that they take."""
    right, top = WIDTH - EDGE_PT, LINE_PT if panel.marks else EDGE_PT
    bottom = HEIGHT - LABEL_PT - LINE_PT
    if shade is not None:
        right -= LABEL_PT + shade.ticks(Y_TICKS).width * DIGIT_PT + BAR_PT + EDGE_PT
    left = LABEL_PT + y.ticks(Y_TICKS).width * DIGIT_PT
    if panel.equal_axes:
        spans = sorted((x.high - x.low, y.high - y.low))
        if spans[0] > spans[1] * LOPSIDED:
            scale = (y.high - y.low) / (bottom - top) / ((x.high - x.low) / (right - left))
            x, y = (x.widened(scale), y) if scale > 1 else (x, y.widened(1 / scale))
            left = LABEL_PT + y.ticks(Y_TICKS).width * DIGIT_PT
    frame = Frame(left, right, top, bottom, x, y)
    return frame, x.ticks(X_TICKS), y.ticks(Y_TICKS)


def _scales(frame: Frame, x_ticks: Ticks, y_ticks: Ticks, *, grid: bool) -> Iterator[str]:
    """Yield the grid, ticks and their numbers."""
    across = frame.across(np.array(x_ticks.places, np.float64))
    down = frame.down(np.array(y_ticks.places, np.float64))
    if grid:
        lines = [f"M{at:.2f} {frame.top:.2f}V{frame.bottom:.2f}" for at in across]
        lines += [f"M{frame.left:.2f} {at:.2f}H{frame.right:.2f}" for at in down]
        yield f'<path d="{"".join(lines)}" style="fill: none; stroke: {GRID}; stroke-width: 0.6"/>'
    lines = [f"M{at:.2f} {frame.bottom:.2f}v{TICK_PT}" for at in across]
    lines += [f"M{frame.left:.2f} {at:.2f}h-{TICK_PT}" for at in down]
    yield f'<path d="{"".join(lines)}" style="fill: none; stroke: {FAINT}; stroke-width: 0.8"/>'
    yield '<g style="text-anchor: middle">'
    for at, text in zip(across, x_ticks.texts, strict=True):
        yield _text(at, frame.bottom + TICK_PT + 2 + 0.76 * FONT, text)
    yield '</g><g style="text-anchor: end">'
    for at, text in zip(down, y_ticks.texts, strict=True):
        yield _text(frame.left - TICK_PT - 2, at + 0.36 * FONT, text)
    yield "</g>"


def _frame(frame: Frame, panel: Panel, x_ticks: Ticks, y_ticks: Ticks) -> Iterator[str]:
    colour = BAD if panel.failed else FAINT
    middle_x, middle_y = (frame.left + frame.right) / 2, (frame.top + frame.bottom) / 2
    yield (
        f'<rect x="{frame.left:.2f}" y="{frame.top:.2f}" width="{frame.right - frame.left:.2f}" '
        f'height="{frame.bottom - frame.top:.2f}" '
        f'style="fill: none; stroke: {colour}; stroke-width: 0.8"/>'
    )
    yield _text(middle_x, HEIGHT - 5, _labelled(panel.x_label, x_ticks), "text-anchor: middle")
    left = frame.left - TICK_PT - 5 - y_ticks.width * DIGIT_PT
    yield _upright(left, middle_y, _labelled(panel.y_label, y_ticks))


def _labelled(label: str, ticks: Ticks) -> str:
    return f"{label}, {ticks.factor}" if ticks.factor else label


def _upright(x: float, y: float, text: str) -> str:
    place = f'transform="translate({x:.2f} {y:.2f}) rotate(-90)"'
    return f'<text {place} style="text-anchor: middle">{escape(text)}</text>'


def _text(x: float, y: float, text: str, style: str = "") -> str:
    style = f' style="{style}"' if style else ""
    return f'<text x="{x:.2f}" y="{y:.2f}"{style}>{escape(text)}</text>'


def _sorted(picture: Picture) -> Picture:
    columns, rows = np.argsort(picture.x), np.argsort(picture.y)
    return Picture(
        np.asarray(picture.x, np.float64)[columns],
        np.asarray(picture.y, np.float64)[rows],
        np.asarray(picture.z, np.float64)[np.ix_(rows, columns)],
        picture.z_label,
        picture.y_log,
        picture.best,
    )


def _shade(picture: Picture) -> Axis:
    """Return the axis of the colours."""
    finite = picture.z[np.isfinite(picture.z)]
    return between(float(finite.min()), float(finite.max())) if finite.size else Axis(0.0, 1.0)


def _picture(frame: Frame, picture: Picture, shade: Axis, name: str) -> Iterator[str]:
    width, height = frame.right - frame.left, frame.bottom - frame.top
    address = map_image(
        picture.z,
        (edges_of(picture.x), frame.x),
        (edges_of(picture.y, frame.y.log), frame.y),
        shade,
        (round(width * PIXELS_PER_PT), round(height * PIXELS_PER_PT)),
    )
    yield _image(frame.left, frame.top, width, height, address)
    if picture.best is None:
        return
    yield f'<g clip-path="url(#{name}-axes)" style="fill: none; stroke: {PAPER_ON_PICTURE}">'
    yield f'<path d="{_contours(frame, picture, shade)}" style="stroke-width: 0.7"/>'
    best_x, best_y = np.array([picture.best]).T
    at, down = float(frame.across(best_x)[0]), float(frame.down(best_y)[0])
    cross = f"M{at - 4:.2f} {down - 4:.2f}l8 8m-8 0l8 -8"
    yield f'<path d="{cross}" style="stroke-width: 1.2"/></g>'


def _contours(frame: Frame, picture: Picture, shade: Axis) -> str:
    """Return the path of the lines of equal height at the ticks of the colours."""
    if min(picture.z.shape) < 2:
        return ""
    z = np.ma.masked_invalid(picture.z)
    generator = contourpy.contour_generator(picture.x, picture.y, z, line_type="Separate")
    steps = []
    for level in shade.ticks(CONTOURS).places:
        for line in generator.lines(level):
            x, y = np.asarray(line, np.float64).T
            places = zip(frame.across(x).tolist(), frame.down(y).tolist(), strict=True)
            steps.append("M" + "L".join(f"{at:.2f} {down:.2f}" for at, down in places))
    return "".join(steps)


def _image(x: float, y: float, width: float, height: float, address: str) -> str:
    return (
        f'<image x="{x:.2f}" y="{y:.2f}" width="{width:.2f}" height="{height:.2f}" '
        f'preserveAspectRatio="none" href="{address}"/>'
    )


def _bar(frame: Frame, shade: Axis, label: str) -> Iterator[str]:
    """Yield the colour bar to the right of the axes."""
    left, height = frame.right + EDGE_PT, frame.bottom - frame.top
    right, ticks = left + BAR_PT, shade.ticks(Y_TICKS)
    yield _image(left, frame.top, BAR_PT, height, bar_image())
    down = frame.bottom - shade.share(np.array(ticks.places, np.float64)) * height
    lines = "".join(f"M{right:.2f} {at:.2f}h{TICK_PT}" for at in down)
    outline = f"M{left:.2f} {frame.top:.2f}h{BAR_PT}v{height:.2f}h-{BAR_PT}Z"
    yield f'<path d="{outline}{lines}" style="fill: none; stroke: {FAINT}; stroke-width: 0.8"/>'
    for at, text in zip(down, ticks.texts, strict=True):
        yield _text(right + TICK_PT + 2, at + 0.36 * FONT, text)
    beside = right + TICK_PT + 5 + ticks.width * DIGIT_PT + 0.76 * FONT
    yield _upright(beside, (frame.top + frame.bottom) / 2, _labelled(label, ticks))


def _coloured(
    series: Sequence[Series],
) -> tuple[list[tuple[Series, str]], list[tuple[Series, str]]]:
    """Return points and lines with their colours: a line has that of the points it belongs to."""
    points = [one for one in series if not one.line]
    lines = [one for one in series if one.line]
    paired = _paired(series)
    rest = cycle(SERIES if paired or not points else SERIES[1:])
    return list(zip(points, cycle(SERIES), strict=False)), list(zip(lines, rest, strict=False))


def _paired(series: Sequence[Series]) -> bool:
    """Tell whether each of several sets of points has its line."""
    lines = sum(one.line for one in series)
    return len(series) - lines == lines > 1


def _series(frame: Frame, series: Sequence[Series], name: str) -> Iterator[str]:
    points, lines = _coloured(series)
    for one, colour in lines:
        yield (
            f'<path d="{_line(frame, one)}" style="fill: none; stroke: {colour}; '
            'stroke-width: 1.5; stroke-linejoin: round; stroke-linecap: round"/>'
        )
    for k, (one, colour) in enumerate(points):
        x, y = _finite(one)
        places = list(zip(frame.across(x).tolist(), frame.down(y).tolist(), strict=True))
        if len(places) > DENSE:
            # A dot is a stroke of no length with round ends.
            dots = "".join(f"M{at:.2f} {down:.2f}h0" for at, down in places)
            yield (
                f'<path d="{dots}" style="fill: none; stroke: {colour}; stroke-width: 2.2; '
                'stroke-linecap: round; stroke-opacity: 0.55"/>'
            )
            continue
        size = 5.0 if len(places) <= SPARSE else 3.2
        yield f'<defs><path id="{name}-mark{k}" d="{_marker(k, size)}"/></defs>'
        yield f'<g style="fill: {colour}">'
        for at, down in places:
            yield f'<use href="#{name}-mark{k}" x="{at:.2f}" y="{down:.2f}"/>'
        yield "</g>"


def _line(frame: Frame, one: Series) -> str:
    """Return the path through a series; it is broken where a number is missing."""
    x, y = np.asarray(one.x, np.float64), np.asarray(one.y, np.float64)
    steps, pen = [], "M"
    finite = (np.isfinite(x) & np.isfinite(y)).tolist()
    with np.errstate(invalid="ignore"):
        places = zip(frame.across(x).tolist(), frame.down(y).tolist(), finite, strict=True)
    for at, down, there in places:
        if there:
            steps.append(f"{pen}{at:.2f} {down:.2f}")
        pen = "L" if there else "M"
    return "".join(steps)


def _marker(number: int, size: float) -> str:
    half = size / 2
    return MARKERS[number % len(MARKERS)].format(f"{half:.2f}", f"{half * 1.2:.2f}")


def _mark_lines(frame: Frame, panel: Panel) -> Iterator[str]:
    """Yield the vertical lines of the marks."""
    on_picture = panel.picture is not None
    colour = PAPER_ON_PICTURE if on_picture else BAD if panel.failed else INK
    dashes = "stroke-dasharray: 4.4 2.2"
    for _, at in _marks(frame, panel):
        line = f'<path d="M{at:.2f} {frame.bottom:.2f}V{frame.top:.2f}" style="fill: none; '
        if on_picture:
            yield f'{line}stroke: {SHADOW_ON_PICTURE}; stroke-opacity: 0.53; stroke-width: 2.2"/>'
        yield f'{line}stroke: {colour}; stroke-width: 1.1; {dashes}"/>'


def _mark_labels(frame: Frame, panel: Panel) -> Iterator[str]:
    """Yield the marks' labels, above the axes; side by side where two are close."""
    marks = _marks(frame, panel)
    for k, (label, at) in enumerate(marks):
        gaps = [other - at for _, other in marks[:k] + marks[k + 1 :]]
        close = [gap for gap in gaps if abs(gap) < CLOSE * (frame.right - frame.left)]
        side = "middle" if not close else "end" if close[0] > 0 else "start"
        aside = {"middle": 0, "end": -1, "start": 1}[side]
        style = f"font-size: {SMALL}px; text-anchor: {side}"
        yield _text(at + aside, frame.top - 3, label, style)


def _marks(frame: Frame, panel: Panel) -> list[tuple[str, float]]:
    """Return the marks' labels and places, from left to right."""
    finite = sorted((at, label) for label, at in panel.marks if np.isfinite(at))
    places = frame.across(np.array([at for at, _ in finite], np.float64)).tolist()
    return [(label, at) for (_, label), at in zip(finite, places, strict=True)]


def _legend(frame: Frame, series: Sequence[Series], *, over_picture: bool) -> Iterator[str]:
    points, lines = _coloured(series)
    entries = [(one.label, colour, k) for k, (one, colour) in enumerate(points)]
    if not _paired(series):
        entries += [(one.label, colour, -1) for one, colour in lines]
    entries = [entry for entry in entries if not entry[0].startswith("_")]
    if not entries or (len(entries) == 1 and not over_picture):
        return
    wide = 20 + max(len(label) for label, _, _ in entries) * SMALL_DIGIT_PT
    row = SMALL * 1.25
    left, top = _free_corner(frame, series, wide, row * len(entries) + 4)
    yield f'<g style="font-size: {SMALL}px">'
    for k, (label, colour, marker) in enumerate(entries):
        middle = top + 2 + (k + 0.5) * row
        if marker < 0:
            line = f"M{left + 3:.2f} {middle:.2f}h10"
            yield f'<path d="{line}" style="fill: none; stroke: {colour}; stroke-width: 1.5"/>'
        else:
            where = f'transform="translate({left + 8:.2f} {middle:.2f})"'
            yield f'<path {where} d="{_marker(marker, 4.0)}" style="fill: {colour}"/>'
        yield _text(left + 17, middle + 0.36 * SMALL, label)
    yield "</g>"


def _free_corner(
    frame: Frame, series: Sequence[Series], width: float, height: float
) -> tuple[float, float]:
    """Return where in the axes a legend of this size covers the fewest points (left, top)."""
    finite = [_finite(one) for one in series]
    x = frame.across(np.concatenate([np.zeros(0), *(one[0] for one in finite)]))
    y = frame.down(np.concatenate([np.zeros(0), *(one[1] for one in finite)]))
    far_right, lowest = frame.right - width - 3, frame.bottom - height - 3
    centre, middle = (frame.left + frame.right - width) / 2, (frame.top + frame.bottom - height) / 2
    places = [
        (left, top)
        for top in (frame.top + 3, lowest, middle)
        for left in (far_right, frame.left + 3, centre)
    ]

    def covered(place: tuple[float, float]) -> int:
        left, top = place
        inside = (x > left) & (x < left + width) & (y > top) & (y < top + height)
        return int(np.count_nonzero(inside))

    return min(places, key=covered)
