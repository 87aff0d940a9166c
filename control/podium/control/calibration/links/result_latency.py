"""Measures how long a result of one end takes to decide what the other end plays.

The result is one in any case; behind it a pulse on the other end's feedline depends on it, and is
recorded. It is there from the wait on at which the result has arrived. No qubit takes part.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.bench import iq_of, values_of
from podium.control.calibration.dispersive import critical_photons
from podium.control.calibration.fits.least_squares import FitFailed, look_at
from podium.control.calibration.links.link_bench import EndPulses, LinkBench
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.routine import Found, analyse
from podium.control.calibration.routines.time_of_flight import LOUD, quiet_hz
from podium.control.calibration.sequences import rest
from podium.control.client.result_latencies import line_between
from podium.control.facility.facility import Link
from podium.control.families.result_lines import result_line_of
from podium.control.parameters.entry import Measured
from podium.control.program.conditions import Discriminator, is_one
from podium.control.program.program import (
    Affine,
    Axis,
    Barrier,
    Capture,
    Delay,
    Frame,
    If,
    Linear,
    Play,
    Program,
    Statement,
    Variable,
)
from podium.control.program.waveforms import Square
from podium.firmware_interfaces.exact_time import FS_PER_NS

Array = NDArray[np.float64]

FIRST_NS, STEP_NS, POINTS = 100, 4, 120
"""Waits behind the window: to 576 ns, where vendors give 212 to 408 ns (facts of their manuals)."""
BEFORE_NS = 264
"""Where a line carries results, waits begin so much before what its cable and manuals add up to."""
WINDOW_NS, PULSE_NS = 200, 400
ALWAYS = Discriminator(0.0, -0.5)
"""Takes anything for 1: no record of an input is so far below 0 V."""
SHOTS = 200
WIRED_SHOTS = 20
"""Where a line carries results: a twin works each shot out by itself, and one shows a pulse
this loud."""
CLEAR = 0.5
"""Of the span of all heights: between those with the pulse and those without lies nothing."""
WORDS = ("result_latency", "result_latency_back")
"""From the first end's window to the second end, and from the second's to the first."""


def first_wait_ns(measuring: EndPulses, acting: EndPulses) -> int:
    """Return the shortest wait that is tried."""
    facility = measuring.bench.runner.facility
    line = line_between(facility, measuring.node.qubit.node, acting.node.qubit.node)
    if line is None:
        return FIRST_NS
    target = result_line_of(facility, line.name)
    return (target.raised_ns + target.known_ns - BEFORE_NS) // STEP_NS * STEP_NS


def known_latency(measuring: EndPulses, acting: EndPulses) -> Measured | None:
    """Return the latency where the end that acts reads a line's level when it is due.

    None: it is to be measured.
    """
    facility = measuring.bench.runner.facility
    line = line_between(facility, measuring.node.qubit.node, acting.node.qubit.node)
    latency_ns = None if line is None else result_line_of(facility, line.name).latency_ns
    if latency_ns is None:
        return None
    return Measured(latency_ns * 1e-9, float(STEP_NS * 1e-9 / np.sqrt(12)), "s")


def latency_program(measuring: EndPulses, acting: EndPulses, shots: int) -> Program:
    """Return a result that is always 1, and a pulse of the other end that depends on it, ``wait``.

    ``wait`` (fs) goes from the end of the window to the pulse.
    """
    first_ns = first_wait_ns(measuring, acting)
    frames = tuple(
        Frame(end.node.readout, end.node.qubit.readout_port, quiet_hz(end.bench, end.node.qubit))
        for end in (measuring, acting)
    )
    names = tuple(one.name for one in frames)
    result, heard = measuring.capture, acting.capture
    flight_ns = acting.node.flight_ns()
    last_ns = first_ns + STEP_NS * (POINTS - 1)
    wait = Variable("wait", "fs", Linear.steps(first_ns * FS_PER_NS, STEP_NS * FS_PER_NS, POINTS))
    photons = LOUD * critical_photons(acting.bench, acting.node.qubit)
    amplitude = min(0.5, acting.bench.probe_amplitude(acting.node.qubit, photons))
    slowest_hz = min(one.bench.design(one.node.qubit, "kappa").value for one in (measuring, acting))
    body: list[Statement] = [
        *rest(names, slowest_hz),
        Barrier(names),
        Capture(names[0], result, ns=WINDOW_NS, discriminator=ALWAYS),
        Delay(names, WINDOW_NS * FS_PER_NS),
        Barrier(names),
        Capture(names[1], heard, ns=last_ns + PULSE_NS + flight_ns),
        Delay(names[1:], Affine("wait")),
        If(is_one(result), (Play(names[1], Square(ns=PULSE_NS), amplitude),)),
        Delay(names[:1], (last_ns + PULSE_NS) * FS_PER_NS),  # shots are equally long
        Barrier(names),
        Delay(names, (last_ns + PULSE_NS + flight_ns) * FS_PER_NS),
    ]
    axis = Axis("wait", (wait,))
    return Program("result latency", frames, tuple(body), (axis,), shots=shots, results_after_fs=0)


def latency_of(wait_s: Array, signal: NDArray[np.complex128]) -> tuple[float, float, Array]:
    """Return when the pulse begins to be there, its sigma (s), and the step that was fitted.

    Halfway between the last wait without and the first with it. Raises FitFailed where it is never
    there, always, or comes and goes.
    """
    height = np.abs(signal)
    low, high = float(np.min(height)), float(np.max(height))
    there = height > (low + high) / 2
    gap = float(height[there].min(initial=high) - height[~there].max(initial=low))
    if not gap > CLEAR * (high - low) or not high > 2 * low:
        raise FitFailed(
            f"the pulse that depends on the result is the same at all waits from "
            f"{wait_s[0] * 1e9:.0f} to {wait_s[-1] * 1e9:.0f} ns: it is always played, or never"
        )
    first = int(np.argmax(there))
    if first == 0 or not there[first:].all():
        raise FitFailed("the pulse that depends on the result comes and goes with the wait")
    step = float(wait_s[first] - wait_s[first - 1])
    curve = np.where(there, height[there].mean(), height[~there].mean())
    return float(wait_s[first] - step / 2), step / np.sqrt(12), np.asarray(curve)


def _of_line(measuring: EndPulses, acting: EndPulses) -> str:
    """Return in words which line should have carried the results; empty where there is none."""
    facility = measuring.bench.runner.facility
    line = line_between(facility, measuring.node.qubit.node, acting.node.qubit.node)
    if line is None:
        return ""
    return f"; does {line.name} go from {line.output} to {line.input}, and is it plugged in?"


async def result_latency(bench: LinkBench) -> Outcome:
    """Measure how long results of either end take to the other one.

    Needs nothing before. Stores ``result_latency`` and ``result_latency_back`` (s), from the end of
    a window at one end to the earliest pulse of the other that can depend on it. An end that reads
    a line's level when it is due (Zurich Instruments) acts as late as is worked out, and nothing is
    played. Where no wire carries results between the ends' controllers the run is refused, with
    the time that is missing.
    """
    outcome = Outcome("result_latency", "Latency of results")
    wired = any(_of_line(*ends) for ends in (bench.ends, bench.ends[::-1]))
    shots = bench.shots(WIRED_SHOTS if wired else SHOTS)
    both = tuple(zip(WORDS, (bench.ends, bench.ends[::-1]), strict=True))
    known = {word: known_latency(*ends) for word, ends in both}
    found = {word: one for word, one in known.items() if one is not None}
    words = [word for word, _ in both if word not in found]
    pairs = [ends for word, ends in both if word in words]
    data = [
        await bench.run(outcome, latency_program(measuring, acting, shots))
        for measuring, acting in pairs
    ]

    def signals() -> Sequence[tuple[Array, NDArray[np.complex128]]]:
        return [
            (values_of(one, "wait"), iq_of(one, acting.capture))
            for one, (_, acting) in zip(data, pairs, strict=True)
        ]

    def raw(_: Link) -> Panel:
        series = tuple(
            Series(f"to {acting.capture}", wait_s * 1e9, np.abs(signal))
            for (wait_s, signal), (_, acting) in zip(signals(), pairs, strict=True)
        )
        look_at(*(heard for wait_s, heard in signals()))
        return Panel(bench.link.name, "wait behind the window (ns)", "V", series, judged=False)

    def fit(_: Link, panel: Panel) -> Found:
        series = list(panel.series)
        for word, (wait_s, signal), ends in zip(words, signals(), pairs, strict=True):
            try:
                at_s, sigma_s, curve = latency_of(wait_s, signal)
            except FitFailed as error:
                raise FitFailed(f"{error}{_of_line(*ends)}") from error
            found[word] = Measured(at_s, sigma_s, "s")
            series.append(Series("step", wait_s * 1e9, curve, line=True))
        text = "results arrive {result_latency} later there, {result_latency_back} back"
        return found, replace(panel, series=tuple(series), text=text)

    await analyse(bench.first.bench, outcome, (bench.link,), raw, fit)
    return outcome
