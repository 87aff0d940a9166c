"""Teleports a CNOT: of a qubit beside the link's first end, on one beside its second.

A pair is consumed as :mod:`.consumed_pair` says, between half pi pulses on the target. Both ends'
gates are played at one time and both are read at one time: a flip of b that a's result would have
asked for comes to one of t behind the gate, and turns nothing of what b tells.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.axis_pulses import half_about, setting_variables, swept
from podium.control.calibration.bench import iq_of
from podium.control.calibration.fits.least_squares import FitFailed
from podium.control.calibration.fits.teleported_gate import (
    SETTINGS,
    FoundCnot,
    teleported_cnot_of,
)
from podium.control.calibration.fits.two_qubit_state import READ_TURNS
from podium.control.calibration.links.cnot_product import CnotParts, Wait, expected_of
from podium.control.calibration.links.consumed_pair import (
    BEFORE,
    BEHIND,
    GateBench,
    consumed_pair,
)
from podium.control.calibration.links.entangled_pair import ones, ones_of
from podium.control.calibration.links.link_bench import LinkBench
from podium.control.calibration.node_pulses import NodePulses
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.routine import Found, analyse
from podium.control.calibration.routines.single_shot import levels
from podium.control.calibration.sequences import (
    RESULTS_APART_NS,
)
from podium.control.facility.facility import Link
from podium.control.parameters.entry import Measured
from podium.control.program.conditions import is_one, is_zero
from podium.control.program.program import (
    Affine,
    Axis,
    Barrier,
    If,
    Program,
    ShiftPhase,
    Statement,
    Table,
    Variable,
)

SHOTS = 100
CLASSICAL = 0.5
"""Process fidelity with a CNOT that nodes reach by messages alone, without a pair: the Choi state
of a CNOT has two equal Schmidt coefficients between its nodes."""
FED_SHOTS = 16
"""A simulated world works each shot out by itself where results travel."""
INPUTS = {
    ("z", 1): (0.0, 0.0),
    ("z", -1): (1.0, 0.0),
    ("x", 1): (0.5, 0.25),
    ("x", -1): (0.5, 0.75),
    ("y", 1): (0.5, 0.5),
    ("y", -1): (0.5, 0.0),
}
"""Pulses that prepare an eigenstate from 0: share of a pi pulse, and its axis in turns."""


def setting_axis(bench: GateBench) -> Axis:
    """Return the axis of all settings: what is prepared, what is read, where the copy is read."""
    variables = []
    for place, side in enumerate(bench.sides):
        prepared = [INPUTS[one.prepared[place], one.signs[place]] for one in SETTINGS]
        variables += setting_variables(side.data, prepared, [one.read[place] for one in SETTINGS])
    copied = tuple(READ_TURNS["x"] + one.turn for one in SETTINGS)
    return Axis("setting", (*variables, Variable("copy_turn", "turn", Table(copied))))


def cnot_program(bench: GateBench, shots: int, *, fed_forward: bool = False) -> Program:
    """Return a teleported CNOT of all settings' inputs, and a readout of both data qubits.

    ``fed_forward``: results travel and turn the data qubits; else they only wait for them.
    """
    first, second = bench.link.ends
    control, target = (side.data for side in bench.sides)
    early = {
        control: swept(control, "prepared"),
        target: [*swept(target, "prepared"), *half_about(target, BEFORE)],
    }
    captures = (first.capture, second.capture) if fed_forward else None
    body: list[Statement] = [
        *bench.at_rest(),
        *consumed_pair(bench, Affine("copy_turn"), early, half_about(target, BEHIND), captures),
    ]
    if fed_forward:
        body += [
            If(is_zero(first.capture), (target.pi(),)),
            If(is_one(second.capture), (ShiftPhase(control.drive, 0.5),)),
            Barrier(bench.names),
        ]
    for node in (control, target):
        body += swept(node, "read")
    body.append(Barrier(bench.names))
    for node in (control, target):
        body += node.measured()
    return Program(
        "teleported CNOT",
        bench.frames(),
        (*body, Barrier(bench.names)),
        (setting_axis(bench),),
        shots=shots,
        keep_shots=True,
    )


def put_to_use(
    data: tuple[NDArray[np.bool_], NDArray[np.bool_]],
    pair: tuple[NDArray[np.bool_], NDArray[np.bool_]],
) -> NDArray[np.bool_]:
    """Return outcomes of control and target (2, shots, settings) with the pair's put to use.

    ``data`` and ``pair`` (shots, settings): read as 1. A flip turns what is read along y and z,
    half a turn of the frame what is read along x and y.
    """
    turns = np.array([one.read[0] in "xy" for one in SETTINGS])
    flips = np.array([one.read[1] in "yz" for one in SETTINGS])
    return np.stack([data[0] ^ (pair[1] & turns), data[1] ^ (~pair[0] & flips)])


def parts_of(bench: GateBench, *, fed_forward: bool) -> CnotParts:
    """Return what has been measured of the parts. Raises NotMeasured."""
    known = bench.link.first.bench.known
    link = bench.link
    waits = []
    for side in bench.sides:
        end, data = side.end.node, side.data
        behind_ns = end.pulse_ns + end.probe_ns + end.flight_ns() + bench.wait_ns()
        behind_ns += RESULTS_APART_NS if fed_forward and bench.one_network else 0
        for node, span_ns in ((data, behind_ns + data.pulse_ns), (end, end.pulse_ns)):
            t1, t2 = (known(node.qubit, one) for one in ("t1", "t2_ramsey"))
            waits.append(Wait(span_ns * 1e-9, t1, t2))
    return CnotParts(
        known(link.link, "bell_fidelity"),
        [known(side.edge, "budget_error") for side in bench.sides],
        [
            (known(end.node.qubit, "false_excited"), known(end.node.qubit, "false_ground"))
            for end in link.ends
        ],
        waits,
        bench.begin_in_one(),
    )


async def teleported_cnot(bench: LinkBench) -> Outcome:
    """Teleport a CNOT, and use the pair's results when all is over: no wire is needed.

    Needs a calibrated link and pair (:func:`.link_bell`, :func:`.result_latency`), and a calibrated
    gate of each end with its data qubit. The data qubits wait for as long as results travel.
    Stores ``cnot_fidelity`` (1), of the process, readout errors of the data qubits taken out, those
    of the pair's halves not; and ``cnot_expected`` (1), the product of all parts as measured.
    """
    return await _teleported(bench, fed_forward=False)


async def fed_forward_cnot(bench: LinkBench) -> Outcome:
    """Teleport a CNOT with results that travel: they turn the data qubits of each shot.

    Needs what :func:`teleported_cnot` does, and a wire that carries results. Stores
    ``cnot_fed_forward`` (1) and ``cnot_expected`` (1).
    """
    return await _teleported(bench, fed_forward=True)


async def _teleported(link: LinkBench, *, fed_forward: bool) -> Outcome:
    link.check_phase()
    routine, quantity, shots = (
        ("fed_forward_cnot", "cnot_fed_forward", FED_SHOTS)
        if fed_forward
        else ("teleported_cnot", "cnot_fidelity", SHOTS)
    )
    outcome = Outcome(routine, "Teleported CNOT")
    bench = GateBench.of(link)
    for side in bench.sides:  # nothing is played that could not be read
        levels(side.data.bench, side.data.qubit)
    bench.correct_lines()
    expected = expected_of(parts_of(bench, fed_forward=fed_forward))
    program = cnot_program(bench, link.shots(shots), fed_forward=fed_forward)
    data = await link.run(outcome, program)

    def seen() -> NDArray[np.bool_]:
        control, target = (
            ones_of(side.data, iq_of(data, side.data.qubit.name)) for side in bench.sides
        )
        if fed_forward:
            return np.stack([control, target])
        first, second = (ones(end, iq_of(data, end.capture)) for end in link.ends)
        return put_to_use((control, target), (first, second))

    def raw(_: Link) -> Panel:
        read = seen().mean(axis=1)
        series = tuple(
            Series(side.data.qubit.name, np.arange(read.shape[1], dtype=float), row)
            for side, row in zip(bench.sides, read, strict=True)
        )
        return Panel(link.link.name, "setting", "read as 1", series, judged=False)

    def fit(_: Link, panel: Panel) -> Found:
        control, target = (_errors(side.data) for side in bench.sides)
        found = teleported_cnot_of(seen(), (control, target))
        if not outcome.notes:
            outcome.notes += _notes(bench, found, expected, fed_forward=fed_forward)
        if not found.fidelity > CLASSICAL + 3 * found.sigma:
            raise FitFailed(
                f"no CNOT is teleported: process fidelity {found.fidelity:.3f} ± "
                f"{found.sigma:.3f}; without a pair it is {CLASSICAL} at most"
            )
        places = np.arange(len(found.kept), dtype=float)
        kept = np.array(list(found.kept.values()))
        ideal = Series("ideal", places, np.ones(places.size), line=True)
        return {
            quantity: Measured(found.fidelity, found.sigma, "1"),
            "cnot_expected": expected,
        }, replace(
            panel,
            x_label=f"what goes in: {', '.join(found.kept)}",
            y_label="comes out as it should",
            series=(Series("found", places, kept), ideal),
            text=f"process fidelity {{{quantity}}}, of its parts {{cnot_expected}}",
        )

    await analyse(link.first.bench, outcome, (link.link,), raw, fit)
    return outcome


def _errors(node: NodePulses) -> tuple[float, float]:
    up, down = (
        node.bench.known(node.qubit, one).value for one in ("false_excited", "false_ground")
    )
    return up, down


def _notes(
    bench: GateBench, found: FoundCnot, expected: Measured, *, fed_forward: bool
) -> Sequence[str]:
    parts = parts_of(bench, fed_forward=fed_forward)
    kept = ", ".join(f"{name} {one:.3f}" for name, one in parts.kept().items())
    use = (
        "results travelled and turned the data qubits of each shot"
        if fed_forward
        else "results were put to use when all was over, as flips of what was read"
    )
    return [
        f"{use}; the data qubits waited {bench.wait_ns()} ns for them behind the readout",
        f"product of the parts {expected.value:.3f} ± {expected.sigma:.3f}: {kept}; what was found "
        f"differs by {found.fidelity - expected.value:+.3f}",
    ]
