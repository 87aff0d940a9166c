"""Windows of a time tagger in each shot: how a QTM counts the clicks of a detector.

Its sequencers play nothing and have no oscillator, so their programs are made here and not by
``lower`` and ``emit``: one loop over all shots and points, whose windows stand still in the shot.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.qblox.allocate import SequencerAllocation
from podium.control.compilers.qblox.assembly import Assembly, bare_text
from podium.control.compilers.qblox.emit import LEAD_NS, wait
from podium.control.compilers.qblox.lower import REAL_TIME_MIN_NS
from podium.control.compilers.qblox.place import PlacedCapture, Timeline
from podium.control.compilers.qblox.sequencer_code import SequencerCode
from podium.control.compilers.qblox.start import begin
from podium.firmware_interfaces.qblox_cluster.program import ExternalStart

WINDOW_MAX_NS = 65_535
"""Longest duration of one ``acquire_timetags``."""
OPEN, CLOSE = 1, 0
"""Its operand that says whether the window is open from then on."""


@dataclass(frozen=True, slots=True)
class ClickWindow:
    """One window of a shot."""

    name: str
    acquisition: int
    start_ns: int
    """From the start of the shot."""
    duration_ns: int


@dataclass(frozen=True, slots=True)
class ClickRun:
    """The rest of what the code of a click sequencer needs to know."""

    shots: int
    """All repetitions of all points: each has a bin of its own."""
    settle_ns: int
    start: ExternalStart | None


def click_windows(
    one: SequencerAllocation, timeline: Timeline, keep_shots: bool
) -> tuple[ClickWindow, ...]:
    """Return the windows of a frame in each shot, in the order of their opening.

    Raises :class:`DoesNotFit` for what a time tagger does not do.
    """
    frame = one.timeline.frame.name
    if not keep_shots:
        raise DoesNotFit(f"{frame}: clicks are told shot by shot: keep the shots (keep_shots)")
    if np.ptp(timeline.shot_ns):
        raise DoesNotFit(
            f"{frame}: shots last {int(timeline.shot_ns.min())} to {int(timeline.shot_ns.max())} "
            "ns; where clicks are counted all of them last equally long"
        )
    (placed,) = (each.placed for each in timeline.frames if each.frame.name == frame)
    found: list[ClickWindow] = []
    for item in placed:
        if not isinstance(item, PlacedCapture) or item.guard:
            raise DoesNotFit(
                f"{frame}: the port of a detector counts clicks in every shot and does nothing "
                "else; play and decide on other ports"
            )
        if np.ptp(item.start_ns):
            raise DoesNotFit(f"{frame}: the window of {item.name} moves from point to point")
        found.append(
            ClickWindow(item.name, len(found), int(item.start_ns.flat[0]), item.duration_ns)
        )
    found.sort(key=lambda window: window.start_ns)
    _check_apart(frame, found, int(timeline.shot_ns.max()))
    return tuple(found)


def _check_apart(frame: str, windows: Sequence[ClickWindow], shot_ns: int) -> None:
    """Raise DoesNotFit for windows that one sequencer cannot open and close in their order."""
    ends = [window.start_ns + window.duration_ns for window in windows]
    nexts = [*(window.start_ns for window in windows[1:]), shot_ns]
    for window, end, then in zip(windows, ends, nexts, strict=True):
        if not REAL_TIME_MIN_NS <= window.duration_ns <= WINDOW_MAX_NS:
            raise DoesNotFit(
                f"{frame}: a window of {window.duration_ns} ns ({window.name}); from "
                f"{REAL_TIME_MIN_NS} to {WINDOW_MAX_NS} ns can be had"
            )
        if then - end < REAL_TIME_MIN_NS:
            raise DoesNotFit(
                f"{frame}: the window of {window.name} closes {then - end} ns before the next one "
                f"opens, or the shot ends; {REAL_TIME_MIN_NS} ns or more are needed"
            )
    if windows[0].start_ns < REAL_TIME_MIN_NS:
        raise DoesNotFit(
            f"{frame}: {windows[0].name} opens {windows[0].start_ns} ns after the shot's start; "
            f"{REAL_TIME_MIN_NS} ns or more are needed"
        )


def click_code(
    frame: str, windows: Sequence[ClickWindow], shot_ns: int, run: ClickRun
) -> SequencerCode:
    """Return the program that opens these windows in every shot."""
    assembly = Assembly(frame)
    say = assembly.emit
    left, bin_, fine = (assembly.take_register() for _ in range(3))
    say("move", run.shots, left, comment="shots and points")
    say("move", 0, bin_, comment="bin")
    say("move", 0, fine, comment="fine delay of a window")
    if run.start is None:
        say("wait", REAL_TIME_MIN_NS, comment="as long as outputs take to be switched on")
    begin(assembly, run.start)
    lead_ns = LEAD_NS + run.settle_ns + (0 if run.start is None else run.start.offset_ns)
    wait(assembly, lead_ns, "lead and settling")
    top = assembly.new_label("shots")
    assembly.place(top)
    now_ns = 0
    for window in windows:
        wait(assembly, window.start_ns - now_ns, f"{window.name} opens then")
        what = (window.acquisition, bin_)
        say("acquire_timetags", *what, OPEN, fine, window.duration_ns, comment=window.name)
        say("acquire_timetags", *what, CLOSE, fine, REAL_TIME_MIN_NS)
        now_ns = window.start_ns + window.duration_ns + REAL_TIME_MIN_NS
    if shot_ns > now_ns:
        wait(assembly, shot_ns - now_ns, "the rest of the shot")
    say("add", bin_, 1, bin_, comment="next bin")
    say("sub", left, 1, left)
    say("jnz", top, comment="next shot")
    say("stop")
    lines = assembly.finish()
    return SequencerCode(lines, len(lines), bare_text(lines), assembly.registers_used)
