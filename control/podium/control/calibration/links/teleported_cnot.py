"""Teleports a CNOT: of a qubit beside the link's first end, on one beside its second.

Control c and target t meet a half each of a pair, a and b (Eisert et al., Phys. Rev. A 62, 052317
(2000)): CNOT of c on a, which is read along Z; CNOT of b on t; b is read along an axis of its
equator. Where a was in 0, t is flipped; where b was in 1, c is turned by half a turn. Both ends'
gates are played at one time and both are read at one time: a flip of b that a's result would have
asked for comes to one of t behind the gate, and turns nothing of what b tells.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

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
from podium.control.calibration.links.entangled_pair import ones, ones_of, shared_excitation
from podium.control.calibration.links.link_bench import EndPulses, LinkBench
from podium.control.calibration.node_pulses import NodePulses
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.reset import passive_reset
from podium.control.calibration.routine import Found, analyse
from podium.control.calibration.routines.single_shot import levels
from podium.control.calibration.sequences import (
    RESULTS_APART_NS,
    ending_together,
    on_grid_ns,
    one_after_another,
)
from podium.control.client.gates import TwoQubitGate, gate_of, together
from podium.control.client.lab import Lab
from podium.control.client.line_corrections import stored_lines
from podium.control.client.result_latencies import line_between
from podium.control.facility.edges import Edge
from podium.control.facility.facility import Link
from podium.control.parameters.entry import Measured, NotMeasured
from podium.control.program.conditions import is_one, is_zero
from podium.control.program.program import (
    Affine,
    Axis,
    Barrier,
    Delay,
    Frame,
    If,
    Program,
    ShiftPhase,
    Statement,
    Table,
    Variable,
)
from podium.firmware_interfaces.exact_time import FS_PER_NS

SHOTS = 100
CLASSICAL = 0.5
"""Process fidelity with a CNOT that nodes reach by messages alone, without a pair: the Choi state
of a CNOT has two equal Schmidt coefficients between its nodes."""
FED_SHOTS = 16
"""A simulated world works each shot out by itself where results travel."""
BEFORE, BEHIND = -0.25, 0.25
"""Axes of the half pi pulses on a target around a cz that make it a CNOT, turns."""
INPUTS = {
    ("z", 1): (0.0, 0.0),
    ("z", -1): (1.0, 0.0),
    ("x", 1): (0.5, 0.25),
    ("x", -1): (0.5, 0.75),
    ("y", 1): (0.5, 0.5),
    ("y", -1): (0.5, 0.0),
}
"""Pulses that prepare an eigenstate from 0: share of a pi pulse, and its axis in turns."""
LATENCIES = ("result_latency", "result_latency_back")
RESET_LIFETIMES = 4.0
EMPTY_FOLDS = 12.0
"""Wait for a feedline to be dark before data qubits are driven, in 1 / (2 pi kappa)."""


@dataclass(frozen=True, slots=True)
class DataEnd:
    """A data qubit, and its gate with the link's end beside it."""

    end: EndPulses
    data: NodePulses
    edge: Edge
    gate: TwoQubitGate

    @classmethod
    def of(cls, end: EndPulses) -> "DataEnd":
        """Return the only one of an end; raises NotMeasured where there is none, or no gate."""
        node = end.bench.runner.facility.nodes[end.node.qubit.node]
        own = end.node.qubit.element
        fits = [e for e in node.edges.values() if own in e.ends and e.gate == "cz"]
        if len(fits) != 1:
            raise NotMeasured(
                f"{end.node.qubit.name} has {len(fits) or 'no'} edges with a cz; one data qubit "
                f"beside it is needed (nodes > {node.name} > edges)",
                f"{node.name}.edges",
            )
        edge = fits[0]
        (other,) = (one for one in edge.ends if one != own)
        data = NodePulses(end.bench, node.qubits[other])
        frames = {own: end.node.drive, other: data.drive, edge.element: f"{edge.name}.flux"}
        gate = gate_of(edge, end.bench.record, end.bench.validities, None, frames)
        assert isinstance(gate, TwoQubitGate)
        return cls(end, data, edge, gate)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the frames that the end does not have."""
        return (self.data.drive, self.data.readout, self.gate.flux)


@dataclass(frozen=True, slots=True)
class CnotBench:
    """A link with a data qubit beside each end."""

    link: LinkBench
    control: DataEnd
    target: DataEnd

    @classmethod
    def of(cls, bench: LinkBench) -> "CnotBench":
        """Return it; raises NotMeasured where a data qubit is missing, or its gate."""
        return cls(bench, DataEnd.of(bench.first), DataEnd.of(bench.second))

    @property
    def sides(self) -> tuple[DataEnd, DataEnd]:
        """The control's end and the target's."""
        return self.control, self.target

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all frames."""
        return (*self.link.names, *(name for side in self.sides for name in side.names))

    def frames(self) -> tuple[Frame, ...]:
        """Return the frames of both ends, both data qubits and both gates."""
        found = [*self.link.frames()]
        for side in self.sides:
            found += [side.data.drive_frame(), side.data.readout_frame(), *side.gate.frames]
        return tuple(found)

    @property
    def one_network(self) -> bool:
        """Tell whether results of both halves go over one trigger network.

        Else each goes over a line, and is behind the other one's own on the network there.
        """
        facility = self.link.first.bench.runner.facility
        nodes = [end.node.qubit.node for end in self.link.ends]
        return line_between(facility, *nodes) is None

    def pair_ns(self) -> int:
        """Return how long a pair takes from the ends' reset on."""
        bench = self.link
        sends, catches = bench.prepared_ns(), bench.catch_after_fs() // FS_PER_NS
        lasts = max(sends, catches) + bench.photon().duration_ns
        return lasts + bench.second.node.pulse_ns

    def dark_ns(self) -> int:
        """Return how long photons of the ends' readouts stay on their feedlines."""
        kappa_hz = min(side.end.bench.best(side.end.node.qubit, "kappa") for side in self.sides)
        return on_grid_ns(EMPTY_FOLDS / (2 * np.pi * kappa_hz))

    def wait_ns(self) -> int:
        """Return how long results of the pair's halves are waited for, of the slower direction.

        Raises NotMeasured.
        """
        return max(self.link.result_wait_ns(*LATENCIES), self.dark_ns())


def setting_axis(bench: CnotBench) -> Axis:
    """Return the axis of all settings: what is prepared, what is read, where the copy is read."""
    variables = []
    for place, side in enumerate(bench.sides):
        prepared = [INPUTS[one.prepared[place], one.signs[place]] for one in SETTINGS]
        variables += setting_variables(side.data, prepared, [one.read[place] for one in SETTINGS])
    copied = tuple(READ_TURNS["x"] + one.turn for one in SETTINGS)
    return Axis("setting", (*variables, Variable("copy_turn", "turn", Table(copied))))


def cnot_program(bench: CnotBench, shots: int, *, fed_forward: bool = False) -> Program:
    """Return a teleported CNOT of all settings' inputs, and a readout of both data qubits.

    ``fed_forward``: results travel and turn the data qubits; else they only wait for them.
    """
    first, second = bench.link.ends
    control, target = (side.data for side in bench.sides)
    early = {
        control: swept(control, "prepared"),
        target: [*swept(target, "prepared"), *half_about(target, BEFORE)],
    }
    pulses = {control: 1, target: 2}
    pair_ns = bench.pair_ns()
    body: list[Statement] = [
        *passive_reset([control, target], bench.names, RESET_LIFETIMES),
        *bench.link.reset(),
        Barrier(bench.names),
    ]
    for node, statements in early.items():
        lead_ns = on_grid_ns(max(0, pair_ns - pulses[node] * node.pulse_ns) * 1e-9)
        body += [Delay((node.drive,), lead_ns * FS_PER_NS), *statements]
    body += [
        *shared_excitation(bench.link, half_about(first.node, BEFORE)),
        Barrier(bench.names),
        *together(*(side.gate for side in bench.sides)),
        *half_about(first.node, BEHIND),
        *half_about(target, BEHIND),
        ShiftPhase(second.node.drive, Affine("copy_turn")),
        second.node.half_pi(),
        Barrier(bench.names),
    ]
    readouts = [
        end.node.measure(
            name=end.capture, discriminator=end.node.discriminator() if fed_forward else None
        )
        for end in bench.link.ends
    ]
    if not fed_forward:
        body += [*readouts[0], *readouts[1]]
    elif bench.one_network:  # which takes one result at a time
        body += one_after_another(readouts)
    else:
        body += ending_together(readouts)
    body += [Barrier(bench.names), Delay(bench.names, bench.wait_ns() * FS_PER_NS)]
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


def parts_of(bench: CnotBench, *, fed_forward: bool) -> CnotParts:
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
    bench = CnotBench.of(link)
    for side in bench.sides:  # nothing is played that could not be read
        levels(side.data.bench, side.data.qubit)
    correct_lines(bench)
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


def correct_lines(bench: CnotBench) -> None:
    """Have the lab undo what is known of the flux lines that the gates are played on."""
    own = bench.link.first.bench
    if isinstance(own.runner, Lab):
        own.runner.correct_lines(stored_lines(own.runner.facility, own.record))


def _errors(node: NodePulses) -> tuple[float, float]:
    up, down = (
        node.bench.known(node.qubit, one).value for one in ("false_excited", "false_ground")
    )
    return up, down


def _notes(
    bench: CnotBench, found: FoundCnot, expected: Measured, *, fed_forward: bool
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
