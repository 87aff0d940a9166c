"""Says the supervisor's news as JSON and as lines for a person."""

from collections.abc import Iterator
from dataclasses import asdict
from math import isfinite
from typing import Any

from podium.control.bus.cold import (
    AlarmNews,
    ColdHistory,
    ColdNews,
    ColdProcedureNews,
    Countdown,
    Priority,
    ReadingNews,
    Rehearsal,
)
from podium.firmware_interfaces.tai import Tai

PRIORITIES: tuple[Priority, ...] = ("low", "medium", "high", "critical")
PREFIXES = ((1.0, ""), (1e-3, "m"), (1e-6, "u"), (1e-9, "n"))
SWITCH = "1"


def status_json(news: ColdNews) -> dict[str, Any]:
    """Return the news as plain values; a value that is not known is null, never 0."""
    last = current_procedure(news)
    return {
        "tai": news.tai,
        "readings": {
            one.name: {
                "value": one.value,
                "unit": one.unit,
                "tai": one.tai,
                "quality": one.quality,
                "fridge": one.fridge,
                "signal": one.signal,
                "problem": one.problem,
            }
            for one in news.readings
        },
        "alarms": [asdict(one) for one in news.alarms],
        "procedure": None
        if last is None
        else {**asdict(last), "steps": [asdict(step) for step in last.steps]},
        "procedures": [asdict(one) for one in news.procedures],
        "countdowns": [_countdown_json(one) for one in news.countdowns],
        "findings": [asdict(one) for one in news.findings],
        "notes": list(news.notes),
    }


def alarms_json(news: ColdNews) -> dict[str, Any]:
    """Return the alarms that are not normal as plain values."""
    return {"tai": news.tai, "alarms": [asdict(one) for one in news.alarms]}


def current_procedure(news: ColdNews) -> ColdProcedureNews | None:
    """Return the procedure that runs or asks, else the one that began last; None: there is none."""
    on = [one for one in news.procedures if one.state in ("running", "asking")]
    return max(on or news.procedures, key=lambda one: one.began or (0, 0), default=None)


def status_lines(news: ColdNews) -> Iterator[str]:
    """Yield the news for a person, fridge by fridge."""
    if not news.readings:
        yield "no readings: no agent has published any yet"
    fridges = dict.fromkeys(one.fridge for one in news.readings)
    for fridge in fridges:
        yield f"{fridge or 'of no fridge'}:"
        yield from (f"  {_reading(one)}" for one in news.readings if one.fridge == fridge)
    yield from alarm_lines(news.alarms)
    for procedure in news.procedures:
        yield from procedure_lines(procedure)
    yield from (countdown_line(one) for one in news.countdowns)
    yield from (f"found: {one.words}" for one in news.findings)
    yield from (f"note: {one}" for one in news.notes)


def _reading(one: ReadingNews) -> str:
    shown = "no value" if one.value is None else quantity(one.value, one.unit)
    if one.signal.startswith("valve.") and one.value in (0.0, 1.0):
        shown = "open" if one.value else "closed"
    bad = "" if one.quality == "good" else f"  {one.quality.upper().replace('_', ' ')}"
    why = f": {one.problem}" if one.problem else ""
    return f"{one.name:<32} {shown:>14}{bad}{why}".rstrip()


def quantity(value: float, unit: str) -> str:
    """Return a value with its unit as a person writes it: ``7.05 mK``, ``open``."""
    if unit == SWITCH and value in (0.0, 1.0):
        return "on" if value else "off"
    if unit in ("", SWITCH):
        return f"{value:.4g}"
    if unit == "Pa":
        return f"{value:.3g} Pa"
    size = abs(value)
    for factor, prefix in PREFIXES:
        if size >= factor or factor == PREFIXES[-1][0]:
            return f"{value / factor:.4g} {prefix}{unit}"
    return f"{value:.4g} {unit}"


def alarm_lines(alarms: tuple[AlarmNews, ...]) -> Iterator[str]:
    """Yield each alarm, those that follow from another below it."""
    shown = [one for one in alarms if one.state != "suppressed"]
    names = {one.name for one in shown}
    for one in sorted(shown, key=lambda one: -PRIORITIES.index(one.priority)):
        if one.leader in names:
            continue
        yield f"ALARM {one.priority.upper()} {_state(one)}: {one.name}: {one.what}"
        yield f"  cause: {one.cause}"
        yield f"  do: {one.to_do}"
        for other in shown:
            if other.leader == one.name:
                yield f"  follows, {_state(other)}: {other.name}: {other.what}"
    if suppressed := len(alarms) - len(shown):
        yield f"{suppressed} alarms are suppressed by design: the fridge is not in their state"


def _state(one: AlarmNews) -> str:
    stands = one.state.replace("_", " ")
    until = "" if one.until is None else f" until {Tai(*one.until).date()}"
    return f"{stands}{until}" + (f" by {one.by}" if one.by else "")


def procedure_lines(procedure: ColdProcedureNews) -> Iterator[str]:
    """Yield a procedure and its steps."""
    rehearsed = " (dry run)" if procedure.dry_run else ""
    yield (
        f"procedure {procedure.name} of {procedure.fridge}{rehearsed}: {procedure.state}, "
        f"id {procedure.id}, begun by {procedure.by}"
        + (f": {procedure.words}" if procedure.words else "")
    )
    for step in procedure.steps:
        yield f"  {step.state:<8} {step.name}" + (f": {step.words}" if step.words else "")


def countdown_line(one: Countdown) -> str:
    """Return a countdown in words: ``4 K plate above 10 K in 6.0 min (5.1 to 7.2)``."""
    at, low, high = (value / 60 for value in (one.at_s, one.low_s, one.high_s))
    until = f"{high:.1f}" if isfinite(high) else "never"
    return f"{one.fridge}: {one.words} in {at:.1f} min ({low:.1f} to {until})"


def _countdown_json(one: Countdown) -> dict[str, Any]:
    high_s = one.high_s if isfinite(one.high_s) else None
    return {**asdict(one), "high_s": high_s}


def procedure_json(news: ColdProcedureNews) -> dict[str, Any]:
    """Return a procedure as plain values."""
    return asdict(news)


def history_json(history: ColdHistory) -> dict[str, Any]:
    """Return courses as plain values; times are TAI in s."""
    return {
        "courses": {
            name: {
                "unit": one.unit,
                "tai_s": one.at_s.tolist(),
                "low": one.low.tolist(),
                "mean": one.mean.tolist(),
                "high": one.high.tolist(),
            }
            for name, one in history.courses.items()
        }
    }


def history_lines(history: ColdHistory) -> Iterator[str]:
    """Yield for each reading its span, least, mean and greatest value, and the last."""
    for name, one in history.courses.items():
        if not one.mean.size:
            yield f"{name:<32} nothing in this time"
            continue
        low, high, last = float(one.low.min()), float(one.high.max()), float(one.mean[-1])
        span_s = float(one.at_s[-1] - one.at_s[0])
        yield (
            f"{name:<32} {quantity(low, one.unit):>12} to {quantity(high, one.unit):>12}, last "
            f"{quantity(last, one.unit)} ({one.mean.size} points over {span_s:.0f} s)"
        )


def rehearsal_json(rehearsal: Rehearsal) -> dict[str, Any]:
    """Return a rehearsal as plain values; times are s from its begin."""
    return {
        "procedure": rehearsal.procedure,
        "fridge": rehearsal.fridge,
        "time_s": rehearsal.time_s.tolist(),
        "signals": {
            name: {
                "unit": one.unit,
                "median": one.median.tolist(),
                "low": one.low.tolist(),
                "high": one.high.tolist(),
            }
            for name, one in rehearsal.signals.items()
        },
        "steps": [
            {**asdict(step), "begins_s": begins_s}
            for step, begins_s in zip(rehearsal.steps, rehearsal.step_begins_s, strict=False)
        ],
        "words": rehearsal.words,
    }


def rehearsal_lines(rehearsal: Rehearsal) -> Iterator[str]:
    """Yield the steps of a rehearsal with their begins, and where each signal ends."""
    yield f"{rehearsal.procedure} of {rehearsal.fridge}, rehearsed: {rehearsal.words}".rstrip(": ")
    for step, begins_s in zip(rehearsal.steps, rehearsal.step_begins_s, strict=False):
        yield f"  {begins_s / 3600:7.2f} h  {step.state:<8} {step.name}" + (
            f": {step.words}" if step.words else ""
        )
    for name, one in rehearsal.signals.items():
        if one.median.size:
            low, median, high = (float(part[-1]) for part in (one.low, one.median, one.high))
            yield (
                f"  {name:<28} ends at {quantity(median, one.unit)} "
                f"({quantity(low, one.unit)} to {quantity(high, one.unit)})"
            )
