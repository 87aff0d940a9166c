"""Consumes a pair for a gate between data qubits: what every teleported gate has in it.

Control c and target t meet a half each of a pair, a and b (Eisert et al., Phys. Rev. A 62, 052317
(2000)): CNOT of c on a, which is read along Z; CZ of b on t; b is read along an axis of its
equator. Where a was in 0, t is turned by half a turn; where b was in 1, c is. That is a CZ of c and
t; between two half pi pulses on t, a CNOT. Both ends' gates are played at one time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp

import numpy as np

from podium.control.calibration.axis_pulses import half_about
from podium.control.calibration.links.entangled_pair import shared_excitation
from podium.control.calibration.links.link_bench import EndPulses, LinkBench
from podium.control.calibration.node_pulses import NodePulses
from podium.control.calibration.reset import passive_reset
from podium.control.calibration.sequences import (
    ending_together,
    on_grid_ns,
    one_after_another,
    ringdown_s,
)
from podium.control.client.gates import TwoQubitGate, gate_of, together
from podium.control.client.lab import Lab
from podium.control.client.line_corrections import stored_lines
from podium.control.client.result_latencies import line_between
from podium.control.facility.edges import Edge
from podium.control.parameters.entry import Measured, NotMeasured
from podium.control.program.program import (
    Barrier,
    Delay,
    Frame,
    Play,
    ShiftPhase,
    Statement,
    Value,
)
from podium.firmware_interfaces.exact_time import FS_PER_NS

BEFORE, BEHIND = -0.25, 0.25
"""Axes of the half pi pulses around a cz that make it a CNOT, turns."""
LATENCIES = ("result_latency", "result_latency_back")
RESET_LIFETIMES = 4.0
TURNED = ("data_turn_first", "data_turn_second")
"""By how much a data qubit is ahead behind the readout of the half beside it, turns: its own
resonator has some of that tone's photons. Taken out where it was measured."""
EMPTY_FOLDS = 12.0
"""Wait for a feedline to be dark before data qubits are driven, in 1 / (2 pi kappa)."""
AGAIN_FOLDS = 26.0
"""The same before a qubit is driven that was read itself: 2e-6 of the field is left, which a pair
that is made next would feel as a shift of its end's frequency."""


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
    def end_turns(self) -> float:
        """Return by how much the gate turns the frame of the link's end, turns."""
        return self.gate.phases[self.edge.ends.index(self.end.node.qubit.element)]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the frames that the end does not have."""
        return (self.data.drive, self.data.readout, self.gate.flux)


@dataclass(frozen=True, slots=True)
class GateBench:
    """A link with a data qubit beside each end."""

    link: LinkBench
    control: DataEnd
    target: DataEnd

    @classmethod
    def of(cls, bench: LinkBench) -> "GateBench":
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
        sender, receiver = bench.pair_pulses()
        sends, catches = bench.prepared_ns(sender), bench.catch_after_fs(sender) // FS_PER_NS
        return max(sends, catches) + bench.photon().duration_ns + receiver.pulse_ns

    def dark_ns(self) -> int:
        """Return how long photons of the ends' readouts stay on their feedlines."""
        kappa_hz = min(side.end.bench.best(side.end.node.qubit, "kappa") for side in self.sides)
        return on_grid_ns(EMPTY_FOLDS / (2 * np.pi * kappa_hz))

    def wait_ns(self) -> int:
        """Return how long results of the pair's halves are waited for, of the slower direction.

        Raises NotMeasured.
        """
        return max(self.link.result_wait_ns(*LATENCIES), self.dark_ns())

    def again_ns(self) -> int:
        """Return the same where the halves are driven behind it: all feedlines are dark by then.

        Raises NotMeasured.
        """
        every = [one for side in self.sides for one in (side.data, side.end.node)]
        return max(self.wait_ns(), on_grid_ns(ringdown_s(every, AGAIN_FOLDS)))

    def correct_lines(self) -> None:
        """Have the lab undo what is known of the flux lines that the gates are played on."""
        own = self.link.first.bench
        if isinstance(own.runner, Lab):
            own.runner.correct_lines(stored_lines(own.runner.facility, own.record))

    def begin_in_one(self) -> tuple[Measured, Measured]:
        """Return how often each data qubit begins a shot in 1: by heat, and from the shot before.

        Which ended in 1 half of the time. Heat that was not measured counts as none.
        """
        first, second = (_begins_in_one(side.data) for side in self.sides)
        return first, second

    def at_rest(self) -> list[Statement]:
        """Return the statements after which all four qubits are in 0, but for what is thermal."""
        data = [side.data for side in self.sides]
        return [
            *passive_reset(data, self.names, RESET_LIFETIMES),
            *self.link.reset(),
            Barrier(self.names),
        ]


def _begins_in_one(data: NodePulses) -> Measured:
    left = exp(-RESET_LIFETIMES) / 2
    heat = data.bench.record.get(f"{data.qubit.name}.thermal_population")
    return (
        Measured(left, 0.0, "1") if heat is None else Measured(left + heat.value, heat.sigma, "1")
    )


def consumed_pair(
    bench: GateBench,
    copy_turn: Value,
    early: Mapping[NodePulses, Sequence[Statement]],
    behind: Sequence[Statement] = (),
    captures: Sequence[str] | None = None,
    wait_ns: int | None = None,
) -> list[Statement]:
    """Return a pair, both gates and readouts of its halves, and the wait for these.

    ``copy_turn``: of the axis along which the second half is read; ``early``: what data qubits play
    while the pair is made, pulses that end as it does; ``behind``: what is played behind the gates.
    ``captures``: names of both halves' results, on which something depends; None: nothing does.
    ``wait_ns``: for these; None: as long as they travel.
    """
    first, second = bench.link.ends
    pair_ns, body = bench.pair_ns(), list[Statement]()
    for node, statements in early.items():
        pulses = sum(isinstance(one, Play) for one in statements)
        lead_ns = on_grid_ns(max(0, pair_ns - pulses * node.pulse_ns) * 1e-9)
        body += [Delay((node.drive,), lead_ns * FS_PER_NS), *statements]
    body += [
        *shared_excitation(bench.link, half_about(first.node, BEFORE)),
        Barrier(bench.names),
        *together(*(side.gate for side in bench.sides)),
        *half_about(first.node, BEHIND),
        *behind,
        ShiftPhase(second.node.drive, copy_turn),
        second.node.half_pi(),
        Barrier(bench.names),
    ]
    wait_ns = bench.wait_ns() if wait_ns is None else wait_ns
    body += [
        *read_halves(bench, captures),
        Barrier(bench.names),
        Delay(bench.names, wait_ns * FS_PER_NS),
    ]
    for side, quantity in zip(bench.sides, TURNED, strict=True):
        turned = bench.link.first.bench.measured(bench.link.link, quantity)
        if turned is not None:
            body.append(ShiftPhase(side.data.drive, turned))
    return body


def read_halves(
    bench: GateBench,
    captures: Sequence[str] | None,
    amplitudes: Sequence[Value | None] = (None, None),
) -> list[Statement]:
    """Read both halves, so that results can travel; ``captures``: as of :func:`consumed_pair`.

    ``amplitudes``: of the tones, of full scale; None: as they were set.
    """
    readouts = [
        end.node.measure(
            amplitude,
            name=end.capture if captures is None else captures[place],
            discriminator=None if captures is None else end.node.discriminator(),
        )
        for place, (end, amplitude) in enumerate(zip(bench.link.ends, amplitudes, strict=True))
    ]
    if captures is None:
        return [*readouts[0], *readouts[1]]
    if bench.one_network:  # which takes one result at a time
        return one_after_another(readouts)
    return ending_together(readouts)
