"""Draws the timing diagram: one view, or two with their differences marked."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

import numpy as np

from podium.control.pictures.differences import THRESHOLD, Difference
from podium.control.pictures.svg import Drawing, phase_colours, points, written_width
from podium.control.pictures.time_axis import CUT_WIDTH, TimeAxis, say_time, time_axis
from podium.control.pictures.view import Lane, Opening, Stretch, View

WIDTH, LEFT, RIGHT = 1240.0, 212.0, 18.0
HEAD, FOOT = 66.0, 60.0
ROOMY, DENSE = 84.0, 68.0
"""Height of a lane, with up to as many lanes as in ROOMY_LANES, and with more."""
ROOMY_LANES = 6
LABEL = 15.0
"""Above the signal of a lane, for words."""
SWITCH = 4.0
STEPS_FROM = 3.0
"""From so many units for a nanosecond on, samples are drawn as the steps that they are."""
QUIET = 1e-9
SCALES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
"""Of full scale: how high a lane may be."""
FEW = 0.15
"""Of a lane's height: less than this on one side of zero is given no more room."""
LEGEND = (
    "filled: I, dashed: Q, about the carrier; colour: phase; a lane says how high it is; "
    "bar below: RF switch closed"
)


def draw(
    views: Sequence[View], title: str, point: str = "", differences: Sequence[Difference] = ()
) -> str:
    """Return the picture of ``views`` (one, or program and machine code of the same lanes), SVG.

    ``point`` says which point of the sweep it is.
    """
    axis = time_axis(views, LEFT, WIDTH - LEFT - RIGHT)
    lanes = list(zip(*(view.lanes for view in views), strict=True))
    rows = len(lanes) * len(views)
    height = ROOMY if rows <= ROOMY_LANES else DENSE
    bottom = HEAD + rows * height + (14.0 * len(lanes) if len(views) > 1 else 0.0)
    drawing = Drawing()
    drawing.text(14, 26, title, "title")
    drawing.text(14, 46, _shortened(point, WIDTH - RIGHT - 14), "note")
    _verdict(drawing, views, differences)
    _grid(drawing, axis, HEAD, bottom)
    y = HEAD
    for pair in lanes:
        room = _room(pair)
        _name(drawing, pair[0], y, room, len(views) > 1)
        mine = [one for one in differences if one.frame == pair[0].frame]
        for view, lane in zip(views, pair, strict=True):
            if len(views) > 1:
                drawing.text(LEFT - 10, y + 19, view.title, "frame", "end")
            _lane(drawing, axis, lane, y, height, room)
            y += height
        _marks(drawing, axis, mine, y - height * len(views), height * len(views))
        y += 14.0 if len(views) > 1 else 0.0
        drawing.line(14, y, WIDTH - RIGHT, y, "lane")
    _axis(drawing, axis, bottom)
    _legend(drawing, bottom + FOOT - 4)
    for lane_y in (HEAD, bottom):
        _cuts(drawing, axis, lane_y)
    foot = 0.0
    for one in differences[:12]:
        foot += 18.0
        words = f"{one.frame}, {say_time(one.start_ns)}: {one.what}"
        drawing.text(14, bottom + FOOT + foot, _shortened(words, WIDTH - 60), "wrong")
    return drawing.finish(WIDTH, bottom + FOOT + foot + 12, title, _told(views, differences))


def _verdict(drawing: Drawing, views: Sequence[View], differences: Sequence[Difference]) -> None:
    if len(views) < 2:
        return
    if differences:
        words = f"{len(differences)} difference{'s' if len(differences) > 1 else ''}"
        drawing.text(WIDTH - RIGHT, 26, words, "wrong", "end")
    else:
        drawing.text(WIDTH - RIGHT, 26, f"no difference beyond {THRESHOLD}", "right", "end")


def _told(views: Sequence[View], differences: Sequence[Difference]) -> str:
    frames = ", ".join(lane.frame for lane in views[0].lanes)
    what = " above ".join(view.title for view in views)
    found = f"; {len(differences)} differences are marked" if differences else ""
    return (
        f"Timing diagram of one shot of {say_time(views[0].duration_ns)}: {what}, {frames}{found}."
    )


@dataclass(frozen=True, slots=True)
class Room:
    """Divides a lane's height: full scales from its lower edge to zero, and above."""

    below: float
    above: float


def _room(pair: Sequence[Lane]) -> Room:
    """Return the room for the signals of lanes that are seen together: full scale, or less where
    all of it is small; little below zero where there is little.
    """
    parts = [
        part
        for lane in pair
        for one in lane.stretches
        for part in (one.samples.real, one.samples.imag)
    ]
    high = max((float(part.max(initial=0)) for part in parts), default=1.0)
    low = -min((float(part.min(initial=0)) for part in parts), default=0.0)
    most = max(high, low)
    step = next((one for one in SCALES if QUIET < most <= one), 1.0)
    return Room(step if low > FEW * step else FEW * step, step if high > FEW * step else FEW * step)


def _name(drawing: Drawing, lane: Lane, y: float, room: Room, paired: bool) -> None:
    drawing.text(14, y + 19, lane.frame, "frame")
    drawing.text(14, y + 33, lane.port, "note")
    if lane.connector:
        drawing.text(14, y + 46, lane.connector, "note")
    first_hz = lane.tunings[0].frequency_hz
    nco = f", LO {(first_hz - lane.lo_hz) / 1e6:+.5g} MHz" if lane.lo_hz else ""
    drawing.text(14, y + 59, f"{first_hz / 1e9:.7g} GHz{nco}", "note")
    words = f"{max(room.below, room.above):.2g} high"
    drawing.text(LEFT - 10, y + (33 if paired else 19), words, "note", "end")


def _lane(
    drawing: Drawing, axis: TimeAxis, lane: Lane, y: float, height: float, room: Room
) -> None:
    top, low = y + LABEL, y + height - 6 - SWITCH
    unit = (low - top) / (room.below + room.above)
    middle = low - room.below * unit
    for part in axis.parts:
        drawing.line(part.x, middle, part.x + part.width, middle, "zero")
    for window in lane.openings:
        _window(drawing, axis, window, top, low)
    for one in lane.stretches:
        _pulse(drawing, axis, one, middle, unit)
    _labels(drawing, axis, lane, top - 3)
    for begin, end in lane.switch or ():
        x = axis.x(begin)
        drawing.box(
            x, low + 3, axis.x(end) - x, SWITCH - 1, "switch", "RF switch or marker: closed"
        )
    for tuning in lane.tunings[1:]:
        x = axis.x(tuning.since_ns)
        drawing.line(x, top, x, low, "axis")
        drawing.text(x + 3, low - 2, f"{tuning.frequency_hz / 1e9:.9g} GHz", "note")


def _pulse(drawing: Drawing, axis: TimeAxis, one: Stretch, middle: float, unit: float) -> None:
    drawing.add(f"<g {phase_colours(one.turns)}><title>{escape(_words(one))}</title>")
    real = _outline(axis, one.start_ns, one.samples.real)
    places = [(x, middle - unit * v) for x, v in real]
    closed = [(places[0][0], middle), *places, (places[-1][0], middle)]
    drawing.path(points(closed) + "Z", "i maybe" if one.condition else "i")
    if np.abs(one.samples.imag).max(initial=0) > QUIET:
        quadrature = _outline(axis, one.start_ns, one.samples.imag)
        drawing.path(points((x, middle - unit * v) for x, v in quadrature), "q")
    drawing.add("</g>")


def _outline(
    axis: TimeAxis, start_ns: int, values: "np.ndarray[tuple[int], np.dtype[np.float64]]"
) -> list[tuple[float, float]]:
    """Return the line through samples: steps where there is room, else what a pen can draw.

    Equal samples in a row are drawn by their ends; where several share a place, by the least and
    the greatest of them.
    """
    edges = [0, *(np.flatnonzero(np.diff(values)) + 1).tolist(), len(values)]
    steps: list[tuple[float, float]] = []
    coarse = axis.per_ns < STEPS_FROM and len(edges) > 3
    for first, last in pairwise(edges):
        value = float(values[first])
        if coarse and last - first < 3:
            steps.append((axis.x(start_ns + (first + last) / 2), value))
        else:
            steps += [(axis.x(start_ns + first), value), (axis.x(start_ns + last), value)]
    if coarse:
        steps = [
            (axis.x(start_ns), float(values[0])),
            *steps,
            (axis.x(start_ns + len(values)), float(values[-1])),
        ]
    return _thinned(steps)


def _thinned(steps: list[tuple[float, float]]) -> list[tuple[float, float]]:
    if len(steps) < 3:
        return steps
    kept: list[tuple[float, float]] = []
    here: list[tuple[float, float]] = []
    for place in steps:
        if here and place[0] - here[0][0] > 0.5:
            kept += _ends_of(here)
            here = []
        here.append(place)
    return kept + _ends_of(here)


def _ends_of(here: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return first, least, greatest and last of places that nobody can tell apart."""
    if len(here) <= 4:
        return here
    chosen = {0, len(here) - 1}
    chosen.add(min(range(len(here)), key=lambda k: here[k][1]))
    chosen.add(max(range(len(here)), key=lambda k: here[k][1]))
    return [here[k] for k in sorted(chosen)]


def _labels(drawing: Drawing, axis: TimeAxis, lane: Lane, y: float) -> None:
    """Write what each pulse and window is, as far as there is room."""
    things = [
        (
            start_ns,
            _joined(_words(one) for one in ones),
            _joined(_short(one) for one in ones),
            "mark",
        )
        for start_ns, ones in _at_one_instant(lane.stretches).items()
    ]
    things += [(w.start_ns, f"capture {w.name}", w.name, "listens") for w in lane.openings]
    things.sort(key=lambda thing: thing[0])
    taken = LEFT
    for k, (start_ns, long, short, kind) in enumerate(things):
        x = max(axis.x(start_ns), taken)
        later = [axis.x(thing[0]) for thing in things[k + 1 :]]
        room = min([WIDTH - RIGHT, *later[:1]]) - x
        for words, style, size in ((long, kind, 11.5), (short, kind, 11.5), (short, "tiny", 9.5)):
            if written_width(words, size) <= room and x - axis.x(start_ns) < 30:
                drawing.text(x, y, words, style)
                taken = x + written_width(words, size) + (6 if style == kind else 3)
                break


def _at_one_instant(stretches: Sequence[Stretch]) -> dict[int, list[Stretch]]:
    """Return pulses by their starts: those of several branches share a label."""
    found: dict[int, list[Stretch]] = {}
    for one in stretches:
        found.setdefault(one.start_ns, []).append(one)
    return found


def _joined(words: Iterable[str]) -> str:
    return " | ".join(words)


def _words(one: Stretch) -> str:
    height = f"{one.peak:.4g}"
    turned = "" if _turned(one) == "" else f", {_turned(one)}"
    when = f"if {one.condition}: " if one.condition else ""
    return f"{when}{one.name}, {height}{turned}"


def _short(one: Stretch) -> str:
    return one.condition or _turned(one) or f"{one.peak:.3g}"


def _turned(one: Stretch) -> str:
    degrees = (one.turns + 0.5) % 1 * 360 - 180
    if abs(degrees) > 179.95:
        return "180°"
    return "" if abs(degrees) < 0.05 else f"{degrees:+.4g}°"


def _window(drawing: Drawing, axis: TimeAxis, window: Opening, top: float, low: float) -> None:
    x = axis.x(window.start_ns)
    into = "" if window.bin is None else f", bin {window.bin}"
    told = (
        f"{f'if {window.condition}: ' if window.condition else ''}"
        f"capture {window.name}: {say_time(window.start_ns)} to {say_time(window.end_ns)}, "
        f"demodulated at {window.frequency_hz / 1e9:.9g} GHz{into}"
    )
    drawing.box(
        x,
        top,
        axis.x(window.end_ns) - x,
        low - top,
        "window maybe" if window.condition else "window",
        told,
    )


def _marks(
    drawing: Drawing, axis: TimeAxis, differences: Sequence[Difference], y: float, height: float
) -> None:
    """Mark times at which a lane differs; what overlaps is one mark with all its words."""
    marks: list[tuple[float, float, list[str]]] = []
    of_this_shot = (one for one in differences if one.end_ns > 0)
    for one in sorted(of_this_shot, key=lambda one: one.start_ns):
        begin, end = axis.x(one.start_ns) - 2, axis.x(one.end_ns) + 2
        if marks and begin <= marks[-1][1]:
            marks[-1] = (marks[-1][0], max(end, marks[-1][1]), [*marks[-1][2], one.what])
        else:
            marks.append((begin, end, [one.what]))
    for begin, end, what in marks:
        drawing.box(begin, y + 2, end - begin, height + 6, "off", "; ".join(what))


def _shortened(words: str, width: float) -> str:
    """Return as much of ``words`` as there is room for."""
    most = int(width / written_width("x"))
    return words if len(words) <= most else f"{words[: most - 2]} …"


def _legend(drawing: Drawing, y: float) -> None:
    """Tell which colour is which phase, and what lines mean."""
    drawing.text(14, y, "phase", "note")
    x = 54.0
    for k, words in enumerate(("0°", "+90°", "180°", "-90°")):
        drawing.add(f"<g {phase_colours(k / 4)}>")
        drawing.box(x, y - 8, 8, 8, "i")
        drawing.add("</g>")
        drawing.text(x + 11, y, words, "tiny")
        x += 22.0 + written_width(words, 9.5)
    drawing.text(WIDTH - RIGHT, y, LEGEND, "note", "end")


def _grid(drawing: Drawing, axis: TimeAxis, top: float, bottom: float) -> None:
    for cut in axis.cuts:
        drawing.box(cut.x, top, CUT_WIDTH, bottom - top, "gap")
    for tick in axis.ticks():
        x = axis.x(tick)
        drawing.line(x, top, x, bottom, "grid")


def _axis(drawing: Drawing, axis: TimeAxis, y: float) -> None:
    for part in axis.parts:
        drawing.line(part.x, y, part.x + part.width, y, "axis")
    for tick in axis.ticks():
        x = axis.x(tick)
        drawing.line(x, y, x, y + 5, "axis")
        last = x + 24 > WIDTH - RIGHT
        drawing.text(
            WIDTH - 6 if last else x, y + 19, say_time(tick), "note", "end" if last else "middle"
        )
    for cut in axis.cuts:
        words = f"{say_time(round(cut.end_ns - cut.start_ns))} cut"
        drawing.text(cut.x + CUT_WIDTH / 2, y + 35, words, "note", "middle")


def _cuts(drawing: Drawing, axis: TimeAxis, y: float) -> None:
    for cut in axis.cuts:
        for x in (cut.x + CUT_WIDTH / 2 - 4, cut.x + CUT_WIDTH / 2 + 4):
            drawing.line(x - 3, y + 7, x + 3, y - 7, "cut")
