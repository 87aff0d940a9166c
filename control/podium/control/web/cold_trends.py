"""Makes the trends of a fridge as JSON: what was read, and the corridor of a rehearsal."""

from collections.abc import Iterable
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from podium.control.bus.cold import ColdHistory, Corridor
from podium.control.bus.readings import Course
from podium.control.facility.facility import Fridge
from podium.control.web.cold_picture import AnchoredRehearsal, ColdPicture
from podium.control.web.synoptic_view import STAGE_TITLES, is_good
from podium.firmware_interfaces import fridge_signals as signals
from podium.firmware_interfaces.fridge_stages import GAUGES

GAP_PACES = 6.0
"""A silence so many times as long as the steps beside it is drawn as a gap."""
FLOW = "flow.circulation"
TITLES = {
    **{signals.temperature_of(stage): title for stage, title in STAGE_TITLES.items()},
    **{f"pressure.{gauge}": gauge for gauge in GAUGES},
    FLOW: "flow",
}
"""Signals that have a trend, in the order of their colours, and what people call them."""


def trend_readings(picture: ColdPicture, fridge: Fridge) -> dict[str, str]:
    """Return which reading shows each signal of a trend: one that is good, where there is one."""
    news = () if picture.news is None else picture.news.readings
    found: dict[str, str] = {}
    for good in (True, False):
        for one in news:
            if one.fridge == fridge.name and one.signal in TITLES and is_good(one, False) is good:
                found.setdefault(one.signal, one.name)
    return {signal: found[signal] for signal in TITLES if signal in found}


def live(picture: ColdPicture, fridges: Iterable[Fridge]) -> dict[str, Any]:
    """Return the values of all trends now; None: there is none that is good."""
    old = picture.is_old()
    news = picture.news
    values: dict[str, dict[str, float | None]] = {one.name: {} for one in fridges}
    for one in () if news is None else news.readings:
        if one.fridge in values and one.signal in TITLES:
            good = one.value if is_good(one, old) else None
            if values[one.fridge].get(one.signal) is None:
                values[one.fridge][one.signal] = good
    tai = None if news is None or news.tai is None else round(picture.tai_s() or 0.0, 3)
    rehearsed = {name: _identity(one) for name, one in picture.rehearsals.items()}
    return {"tai_s": tai, "fridges": values, "titles": TITLES, "rehearsals": rehearsed}


def courses(history: ColdHistory, readings: dict[str, str]) -> list[dict[str, Any]]:
    """Return the course of each signal; a silence is a point without a value."""
    return [
        {"signal": signal, "title": TITLES[signal], "unit": course.unit, **_drawn(course)}
        for signal, name in readings.items()
        if (course := history.courses.get(name)) is not None
    ]


def corridor(anchored: AnchoredRehearsal) -> dict[str, Any]:
    """Return the corridor of a rehearsal on the facility's clock."""
    told = anchored.rehearsal
    times = np.asarray(told.time_s, dtype=float) + anchored.begin_tai_s
    return {
        "id": _identity(anchored),
        "procedure": told.procedure,
        "words": told.words,
        "tai_s": _numbers(times),
        "signals": {name: _band(one) for name, one in told.signals.items() if name in TITLES},
        "steps": [
            {"name": step.name, "begins_tai_s": round(anchored.begin_tai_s + begin_s, 3)}
            for step, begin_s in zip(told.steps, told.step_begins_s, strict=False)
            if isfinite(begin_s)
        ],
    }


def _identity(anchored: AnchoredRehearsal) -> str:
    return f"{anchored.rehearsal.procedure} {anchored.begin_tai_s:.3f}"


def _band(one: Corridor) -> dict[str, Any]:
    return {"unit": one.unit, "low": _numbers(one.low), "high": _numbers(one.high)}


def _drawn(course: Course) -> dict[str, Any]:
    times = np.asarray(course.at_s, dtype=float)
    columns = {"low": course.low, "mean": course.mean, "high": course.high}
    given = {name: np.asarray(values, dtype=float) for name, values in columns.items()}
    steps = np.diff(times)
    if steps.size > 1:
        before, after = np.r_[0.0, steps[:-1]], np.r_[steps[1:], 0.0]
        gaps = np.flatnonzero(steps > GAP_PACES * np.maximum(before, after)) + 1
        middles = (times[gaps - 1] + times[gaps]) / 2
        times = np.insert(times, gaps, middles)
        given = {name: np.insert(values, gaps, np.nan) for name, values in given.items()}
    return {"tai_s": _numbers(times), **{name: _numbers(one) for name, one in given.items()}}


def _numbers(values: NDArray[Any]) -> list[float | None]:
    """Return numbers that JSON has: six digits, None for what is none."""
    return [_short(one) if isfinite(one) else None for one in np.asarray(values, float).tolist()]


def _short(value: float) -> float:
    return round(value, 3) if abs(value) >= 1e6 else float(f"{value:.6g}")
