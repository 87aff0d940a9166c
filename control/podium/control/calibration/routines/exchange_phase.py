"""Finds by which phases an iSWAP hands excitations over, so that both drives' frames follow."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.bench import Bench, iq_of
from podium.control.calibration.declaration import DRIVE, LEVELS, READOUT_SETTINGS, Declaration
from podium.control.calibration.edge_pulses import EdgePulses, SwapGate
from podium.control.calibration.fits.least_squares import FitFailed, look_at
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.routine import Found, analyse_verified
from podium.control.calibration.routines.single_shot import levels
from podium.control.calibration.sequences import Pulses
from podium.control.facility.edges import Edge
from podium.control.parameters.entry import Measured, NotMeasured
from podium.control.parameters.validity import DAY_S, Lifetime
from podium.control.program.program import (
    Affine,
    Axis,
    Delay,
    Program,
    ShiftPhase,
    Statement,
    Table,
    Variable,
)
from podium.firmware_interfaces.exact_time import FS_PER_NS

Array = NDArray[np.float64]
PHASES = (0.0, 0.25, 0.5, 0.75)
SHOTS = 800
WAITS_NS = (0, 60, 132)
"""Between two gates of the check: a phase that went with the time would show."""
COHERENT = 0.15
"""Half of the fringes' contrast, at least."""
SLACK = 0.03
"""Turns that a check may be off by beside its noise."""


async def exchange_phase(bench: Bench, edges: tuple[Edge, ...]) -> Outcome:
    """Half pi on one end, an iSWAP, half pi on the other in four phases, and the other way round.

    An iSWAP hands a superposition over with a quarter of a turn; what it is more is stored as
    ``swap_phase_first`` and ``swap_phase_second`` (turns), by which the frames of the ends go on.
    Two gates so, at three distances, have to give it back with half a turn.
    """
    outcome = Outcome("exchange_phase", "Phases of an iSWAP")
    for edge in edges:
        await _of_edge(bench, outcome, edge)
    return outcome


def check_in_step(p: EdgePulses) -> None:
    """Raise NotMeasured where the drives of an edge have local oscillators of their own.

    Their phases then differ from shot to shot, by more than the exchange's.
    """
    wiring = p.bench.runner.facility.wiring
    lo_hz = [getattr(wiring[one.qubit.drive_port], "lo_hz", 0.0) for one in p.both]
    if lo_hz[0] != lo_hz[1]:
        raise NotMeasured(
            f"{p.edge.name}: the drives of its ends have local oscillators at "
            f"{lo_hz[0] / 1e9:.6g} and {lo_hz[1] / 1e9:.6g} GHz: an exchange is in step with both "
            "only where that is one frequency; give both the same 'lo'",
            p.edge.name,
        )


def _program(p: EdgePulses, start: Pulses, end: Pulses, gate: SwapGate, gates: int) -> Program:
    """Return half pi on one end, gates with waits between them, half pi on another."""
    name = f"{end.qubit.element}_phase"
    body: list[Statement] = [*p.begin(), *p.one_by_one([[start.half_pi()]])]
    axes = [Axis("phase", (Variable(name, "turn", Table(PHASES)),))]
    for k in range(gates):
        if k:
            waits = Table(tuple(float(ns * FS_PER_NS) for ns in WAITS_NS))
            axes.insert(0, Axis("wait", (Variable("wait", "fs", waits),)))
            body.append(Delay(p.names, Affine("wait")))
        body += gate.statements
    last: list[Statement] = [ShiftPhase(end.drive, Affine(name)), end.half_pi()]
    body += [*p.one_by_one([last]), *p.read()]
    title = f"{gates} iSWAP from {start.qubit.element} to {end.qubit.element}"
    frames = p.frames_with(gate)
    return Program(title, frames, tuple(body), tuple(axes), shots=p.bench.shots(SHOTS))


def _fringes(bench: Bench, end: Pulses, iq: NDArray[np.complex128]) -> tuple[Array, Array]:
    """Return the phase of fringes, turns, and its sigma: (...,) of (..., 4). Raises FitFailed."""
    reference, shots = levels(bench, end.qubit), bench.shots(SHOTS)
    signal = reference.project(iq)
    look_at(signal)
    waves = signal @ np.exp(2j * np.pi * np.array(PHASES))
    size = np.abs(waves) / 2
    if not np.all(size > COHERENT):
        raise FitFailed(
            f"{end.qubit.element} has {float(np.min(size)) / 0.5:.0%} of the superposition that "
            "was to be handed over to it"
        )
    sigma = reference.sigma(signal, shots).max(axis=-1) / (2 * np.pi * size)
    return np.angle(waves) / (2 * np.pi), sigma


async def _of_edge(bench: Bench, outcome: Outcome, edge: Edge) -> None:
    p = EdgePulses.of(bench, edge)
    check_in_step(p)
    plain = p.swap_gate((0.0, 0.0))
    ways = ((p.second, p.first), (p.first, p.second))
    seen = []
    for start, end in ways:
        data = await bench.run(outcome, _program(p, start, end, plain, 1))
        seen.append(iq_of(data, end.qubit.element))

    def raw() -> Panel:
        lines = tuple(
            Series(f"{start.qubit.element} to {end.qubit.element}", np.array(PHASES), iq.real * 1e3)
            for (start, end), iq in zip(ways, seen, strict=True)
        )
        return Panel(edge.element, "phase (turns)", "I (mV)", lines)

    def fit(_: Edge, panel: Panel) -> Found:
        own, doubt = [], []
        for (_start, end), iq in zip(ways, seen, strict=True):
            turns, sigma = _fringes(bench, end, iq)
            own.append(float((turns - 0.25 + 0.5) % 1.0 - 0.5))
            doubt.append(float(sigma))
        found = {
            "swap_phase_first": Measured(own[0], doubt[0], "1"),
            "swap_phase_second": Measured(own[1], doubt[1], "1"),
        }
        text = "{swap_phase_first} and {swap_phase_second} turns"
        return found, replace(panel, text=text, judged=False)

    async def verify(found: Mapping[str, Measured]) -> Panel:
        gate = p.swap_gate((found["swap_phase_first"].value, found["swap_phase_second"].value))
        return await _verify(p, outcome, gate, found["swap_phase_first"].sigma)

    await analyse_verified(bench, outcome, edge, raw, fit, verify)


async def _verify(p: EdgePulses, outcome: Outcome, gate: SwapGate, sigma: float) -> Panel:
    """Play two gates at three distances: the superposition comes back, by half a turn."""
    data = await p.bench.run(outcome, _program(p, p.first, p.first, gate, 2))
    turns, own = _fringes(p.bench, p.first, iq_of(data, p.first.qubit.element))
    off = (turns + 0.5 + 0.5) % 1.0 - 0.5
    allowed = 5 * np.hypot(own, 2 * sigma) + SLACK
    if np.any(np.abs(off) > allowed):
        worst = int(np.argmax(np.abs(off) / allowed))
        raise FitFailed(
            f"two gates {WAITS_NS[worst]} ns apart give {p.first.qubit.element} back "
            f"{off[worst]:+.3f} turns off: the exchange is not in step with the drives"
        )
    return Panel(
        p.edge.element,
        "wait between two gates (ns)",
        f"phase of {p.first.qubit.element} (turns)",
        (Series("measured anew", np.array(WAITS_NS, float), off),),
        text=f"two gates: {float(np.max(np.abs(off))):.3f} turns off at most",
        judged=False,
    )


EXCHANGE_PHASE = Declaration(
    exchange_phase,
    targets="edges",
    gates=("iswap", "carrier iswap"),
    turns_of=("iswap", "carrier iswap"),
    needs=(
        *("sweet_spot", *DRIVE, *READOUT_SETTINGS, *LEVELS),
        *("gate_amplitude", "gate_duration"),
        *("carrier_frequency", "carrier_amplitude", "carrier_duration"),
    ),
    gives={"swap_phase_first": Lifetime(1 * DAY_S), "swap_phase_second": Lifetime(1 * DAY_S)},
    places=(20,),
    cost_s=1.5,
)
