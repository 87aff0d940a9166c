"""Measures how long a result of one end takes to decide what the other end plays.

The result is one in any case; behind it a pulse of the other end depends on it. It is there from
the wait on at which the result has arrived. Where the other end's feedline can play it, it is
recorded there, and no qubit takes part. Else, where a signal generator reads the level of a line,
it is a pi pulse, and the qubit is read out behind it.
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
from podium.control.calibration.reset import passive_reset
from podium.control.calibration.routine import Found, analyse
from podium.control.calibration.routines.time_of_flight import LOUD, quiet_hz
from podium.control.calibration.sequences import on_grid_ns, rest
from podium.control.client.result_latencies import line_between
from podium.control.compilers.result_routes import ResultLineTarget
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
LEVEL_STEP_NS, LEVEL_POINTS = 8, 46
"""Of waits for a level: silences of a generator, as which it reads one, begin on such a grid. To 96
ns behind what cable and manuals add up to, where the level is up for 200 ns."""
OUTER = 5
"""Points at either end of the waits whose means are taken for without and with the pulse."""
WINDOW_NS, PULSE_NS = 200, 400
ALWAYS = Discriminator(0.0, -0.5)
"""Takes anything for 1: no record of an input is so far below 0 V."""
SHOTS = 200
WIRED_SHOTS = 20
"""Where a line carries results: a twin works each shot out by itself. One shows a pulse this loud,
and of this many a qubit's flips scatter by an eighth of their height."""
CLEAR = 3.5
"""The pulse is so many times what heights scatter by about with and without; of noise alone the
best step is 2 or 3."""
OTHER = 0.75
"""No height is so far off, of the pulse: that would be the other kind."""
WORDS = ("result_latency", "result_latency_back")
"""From the first end's window to the second end, and from the second's to the first."""


def line_of(measuring: EndPulses, acting: EndPulses) -> ResultLineTarget | None:
    """Return the line that carries results from one end to the other; None: there is none."""
    facility = measuring.bench.runner.facility
    line = line_between(facility, measuring.node.qubit.node, acting.node.qubit.node)
    return None if line is None else result_line_of(facility, line.name)


def waits_ns(line: ResultLineTarget | None) -> range:
    """Return the waits that are tried."""
    if line is None:
        return range(FIRST_NS, FIRST_NS + STEP_NS * POINTS, STEP_NS)
    first_ns = line.raised_ns + line.known_ns - BEFORE_NS
    if line.acts_ns is None:
        first_ns = first_ns // STEP_NS * STEP_NS
        return range(first_ns, first_ns + STEP_NS * POINTS, STEP_NS)
    first_ns = (first_ns + line.acts_ns) // LEVEL_STEP_NS * LEVEL_STEP_NS
    return range(first_ns, first_ns + LEVEL_STEP_NS * LEVEL_POINTS, LEVEL_STEP_NS)


def latency_program(measuring: EndPulses, acting: EndPulses, shots: int) -> Program:
    """Return a result that is always 1, and a pulse of the other end that depends on it, ``wait``.

    ``wait`` (fs) goes from the end of the window to the pulse.
    """
    line = line_of(measuring, acting)
    waits = waits_ns(line)
    steps = Linear.steps(waits.start * FS_PER_NS, waits.step * FS_PER_NS, len(waits))
    play = _qubit_flip if line is not None and line.acts_ns is not None else _loud_pulse
    frames, acts = play(measuring, acting, waits[-1])
    reads = measuring.node.readout
    hz = quiet_hz(measuring.bench, measuring.node.qubit)
    frames = (Frame(reads, measuring.node.qubit.readout_port, hz), *frames)
    names = tuple(one.name for one in frames)
    body: list[Statement] = [
        *_rest(measuring, acting, names),
        Barrier(names),
        Capture(reads, measuring.capture, ns=WINDOW_NS, discriminator=ALWAYS),
        Delay(names, WINDOW_NS * FS_PER_NS),
        Barrier(names),
        *acts,
    ]
    axis = Axis("wait", (Variable("wait", "fs", steps),))
    return Program("result latency", frames, tuple(body), (axis,), shots=shots, results_after_fs=0)


def _rest(measuring: EndPulses, acting: EndPulses, names: Sequence[str]) -> list[Statement]:
    """Wait until resonators are empty and the acting end's qubit, where one is driven, is in 0."""
    slowest_hz = min(one.bench.design(one.node.qubit, "kappa").value for one in (measuring, acting))
    if acting.node.drive in names:
        return passive_reset([acting.node], names)
    return rest(names, slowest_hz)


def _loud_pulse(
    measuring: EndPulses, acting: EndPulses, last_ns: int
) -> tuple[tuple[Frame, ...], list[Statement]]:
    """Return a pulse on the acting end's feedline that depends on the result, and is recorded."""
    node, reads = acting.node, measuring.node.readout
    frame = Frame(node.readout, node.qubit.readout_port, quiet_hz(acting.bench, node.qubit))
    flight_ns = node.flight_ns()
    photons = LOUD * critical_photons(acting.bench, node.qubit)
    amplitude = min(0.5, acting.bench.probe_amplitude(node.qubit, photons))
    names = reads, node.readout
    return (frame,), [
        Capture(node.readout, acting.capture, ns=last_ns + PULSE_NS + flight_ns),
        Delay((node.readout,), Affine("wait")),
        If(is_one(measuring.capture), (Play(node.readout, Square(ns=PULSE_NS), amplitude),)),
        Delay((reads,), (last_ns + PULSE_NS) * FS_PER_NS),  # shots are equally long
        Barrier(names),
        Delay(names, (last_ns + PULSE_NS + flight_ns) * FS_PER_NS),
    ]


def _qubit_flip(
    measuring: EndPulses, acting: EndPulses, last_ns: int
) -> tuple[tuple[Frame, ...], list[Statement]]:
    """Return a flip of the acting end's qubit that depends on the result, and its readout.

    What is known of the qubit by its design is enough.
    """
    node, reads = acting.node, measuring.node.readout
    frames = node.drive_frame(), node.readout_frame()
    names = reads, *(one.name for one in frames)
    return frames, [
        Delay((node.drive,), Affine("wait")),
        If(is_one(measuring.capture), (node.pi(),)),
        Delay((reads,), (last_ns + on_grid_ns(node.pulse_ns * 1e-9)) * FS_PER_NS),
        Barrier(names),
        *node.measured(),
        Barrier(names),
    ]


def heights(signal: NDArray[np.complex128], *, of_qubit: bool) -> Array:
    """Return how much of the pulse is there at each wait, V.

    ``of_qubit``: it is in how a qubit was found, along the line from the first waits to the last.
    """
    if not of_qubit:
        return np.asarray(np.abs(signal))
    without, present = (complex(np.mean(some)) for some in (signal[:OUTER], signal[-OUTER:]))
    across = present - without
    along = np.real((signal - without) * np.conj(across))
    return np.asarray(along / max(abs(across), np.finfo(float).tiny))


def latency_of(wait_s: Array, height: Array) -> tuple[float, float, Array]:
    """Return when the pulse begins to be there, its sigma (s), and the step that was fitted.

    Halfway between the last wait without and the first with it, by the step that fits best. Raises
    FitFailed where it is never there, always, or comes and goes.
    """
    count = len(height)
    losses = [np.var(height[:k]) * k + np.var(height[k:]) * (count - k) for k in range(1, count)]
    first = 1 + int(np.argmin(losses))
    low, high = float(np.mean(height[:first])), float(np.mean(height[first:]))
    curve = np.where(np.arange(count) < first, low, high)
    scatter = float(np.std(height - curve))
    if not abs(high - low) > CLEAR * scatter or not max(high, low) > 2 * min(high, low):
        raise FitFailed(
            f"the pulse that depends on the result is the same at all waits from "
            f"{wait_s[0] * 1e9:.0f} to {wait_s[-1] * 1e9:.0f} ns: it is always played, or never"
        )
    if not np.all(np.abs(height - curve) < OTHER * (high - low)):
        raise FitFailed("the pulse that depends on the result comes and goes with the wait")
    step = float(wait_s[first] - wait_s[first - 1])
    return float(wait_s[first] - step / 2), step / np.sqrt(12), np.asarray(curve)


def _latency(line: ResultLineTarget | None, wait_s: Array, height: Array) -> tuple[Measured, Array]:
    """Return the latency, and the step that was fitted.

    A generator reads a level one grid earlier than it has to, on the average of how pulses lie on
    it, and two at most, for which its latency has room (``acts_ns``): that is one more, and a doubt
    of one. Raises FitFailed.
    """
    at_s, sigma_s, curve = latency_of(wait_s, height)
    if line is not None and line.acts_ns is not None:
        at_s += LEVEL_STEP_NS * 1e-9
        sigma_s = float(np.hypot(sigma_s, LEVEL_STEP_NS * 1e-9 / np.sqrt(12)))
    return Measured(at_s, sigma_s, "s"), curve


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
    a window at one end to the earliest pulse of the other that can depend on it. At an end that
    reads a line's level (Zurich Instruments) its qubit shows it. Where no wire carries results
    between the ends' controllers the run is refused, with the time that is missing.
    """
    outcome = Outcome("result_latency", "Latency of results")
    pairs = (bench.ends, bench.ends[::-1])
    lines = [line_of(*ends) for ends in pairs]
    shots = bench.shots(WIRED_SHOTS if any(lines) else SHOTS)
    data = [await bench.run(outcome, latency_program(*ends, shots)) for ends in pairs]

    def signals() -> Sequence[tuple[Array, NDArray[np.complex128]]]:
        return [
            (values_of(one, "wait"), iq_of(one, acting.capture))
            for one, (_, acting) in zip(data, pairs, strict=True)
        ]

    def found_heights() -> list[tuple[Array, Array]]:
        return [
            (wait_s, heights(signal, of_qubit=line is not None and line.acts_ns is not None))
            for (wait_s, signal), line in zip(signals(), lines, strict=True)
        ]

    def raw(_: Link) -> Panel:
        series = tuple(
            Series(f"to {acting.capture}", wait_s * 1e9, height)
            for (wait_s, height), (_, acting) in zip(found_heights(), pairs, strict=True)
        )
        look_at(*(heard for wait_s, heard in signals()))
        return Panel(bench.link.name, "wait behind the window (ns)", "V", series, judged=False)

    def fit(_: Link, panel: Panel) -> Found:
        found: dict[str, Measured] = {}
        series = list(panel.series)
        each = zip(WORDS, found_heights(), lines, pairs, strict=True)
        for word, (wait_s, height), line, ends in each:
            try:
                found[word], curve = _latency(line, wait_s, height)
            except FitFailed as error:
                raise FitFailed(f"{error}{_of_line(*ends)}") from error
            series.append(Series("step", wait_s * 1e9, curve, line=True))
        text = "results arrive {result_latency} later there, {result_latency_back} back"
        return found, replace(panel, series=tuple(series), text=text)

    await analyse(bench.first.bench, outcome, (bench.link,), raw, fit)
    return outcome
