"""Builds Grover's search on four entries over two nodes, each controlled Z by a pair of the link.

Two data qubits begin in every entry at once; the oracle turns the sign of the marked one, what is
found about the mean is turned over, and both qubits are in the marked entry (Grover, Phys. Rev.
Lett. 79, 325 (1997)). Oracle and mean take a controlled Z each. Both pairs of a shot are made by
the same two ends, which are read, flipped where they were found in 1, and used again; so are the
data qubits before the shot. All results travel, and turn frames of the data qubits.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from podium.control.calibration.axis_pulses import half_about
from podium.control.calibration.fits.two_qubit_state import READ_TURNS
from podium.control.calibration.links.consumed_pair import GateBench, consumed_pair, read_halves
from podium.control.calibration.links.entangled_pair import PHASES, read_both, shared_excitation
from podium.control.calibration.node_pulses import NodePulses
from podium.control.calibration.reset import RESULT_AFTER_NS, passive_reset
from podium.control.calibration.sequences import one_after_another
from podium.control.compilers.placing import place_in_fs
from podium.control.program.conditions import is_one, is_zero
from podium.control.program.program import (
    Affine,
    Axis,
    Barrier,
    Delay,
    If,
    Linear,
    Program,
    ShiftPhase,
    Statement,
    Table,
    Variable,
)
from podium.firmware_interfaces.exact_time import FS_PER_NS

ENTRIES = ("00", "01", "10", "11")
"""What may be marked: the first node's bit, then the second's."""
ROUNDS = 2
"""Controlled Zs, and pairs."""
READS = 4
"""Readouts one after another whose effect on the data qubits is found at once."""
UP, DOWN = 0.25, -0.25
"""Axes of the half pi pulses on data qubits, turns: from 0 to the equator, and back."""


def grover_program(bench: GateBench, pair_turns: Sequence[float], shots: int) -> Program:
    """Return the search for each entry, and a readout of both data qubits.

    ``pair_turns``: phase of each pair of a shot, as :func:`pairs_program` finds it.
    """
    data = [side.data for side in bench.sides]
    body: list[Statement] = [*bench.at_rest(), *_data_to_zero(bench)]
    early: Mapping[NodePulses, Sequence[Statement]] = {one: half_about(one, UP) for one in data}
    for number, turns in enumerate(pair_turns):
        body += _controlled_z(bench, number, turns, early)
        if number == 0:
            body += [ShiftPhase(one.drive, Affine(_oracle(one))) for one in data]
        for one in data:
            body += half_about(one, DOWN)
        body.append(Barrier(bench.names))
        early = {}
    body += one_after_another([one.measured() for one in data])  # as of all of their results
    return Program(
        "Grover's search",
        bench.frames(),
        (*body, Barrier(bench.names)),
        (Axis("entry", _marks(data)),),
        shots=shots,
        keep_shots=True,
    )


def pairs_program(bench: GateBench, search: Program, shots: int) -> Program:
    """Return pairs at the instants of a shot of the search, half pi on both ends, axis swept.

    As both ends' photons differ a little in frequency, a later pair has another phase.
    """
    swept = Variable("turn", "turn", Linear.steps(0.0, 1 / (PHASES - 1), PHASES))
    waits = Variable("wait", "fs", Table((0, 0)))

    def program(wait: Variable) -> Program:
        second = bench.link.second
        body = [
            *bench.at_rest(),
            Delay(bench.names, Affine("wait")),
            Barrier(bench.names),
            *shared_excitation(bench.link),
            bench.link.first.node.half_pi(),
            ShiftPhase(second.node.drive, Affine("turn")),
            second.node.half_pi(),
            *read_both(bench.link),
            Barrier(bench.names),
        ]
        axes = (Axis("pair", (wait,)), Axis("phase", (swept,)))
        return Program(
            "pairs of a search", bench.frames(), tuple(body), axes, shots=shots, keep_shots=True
        )

    base_fs = sends_fs(bench, program(waits))[-1]
    later = tuple(at - base_fs for at in sends_fs(bench, search)[-ROUNDS:])
    return program(Variable("wait", "fs", Table(later)))


def beside_program(bench: GateBench, shots: int) -> Program:
    """Return half pi on both data qubits before and behind :data:`READS` readouts of the halves.

    These are played or not; the axis of the pulses behind them is swept.
    """
    data = [side.data for side in bench.sides]
    loud = [end.node.probe_amplitude() for end in bench.link.ends]
    names = [f"{end.capture}_height" for end in bench.link.ends]
    swept = Variable("turn", "turn", Linear.steps(0.0, 1 / (PHASES - 1), PHASES))
    heights = tuple(
        Variable(name, "1", Table((0.0, height))) for name, height in zip(names, loud, strict=True)
    )
    body: list[Statement] = [
        *passive_reset([*data, *(end.node for end in bench.link.ends)], bench.names),
        *(statement for one in data for statement in half_about(one, UP)),
        Barrier(bench.names),
    ]
    for number in range(READS):
        captures = tuple(f"{end.capture}_{number}" for end in bench.link.ends)
        body += [
            *read_halves(bench, captures, [Affine(name) for name in names]),
            Barrier(bench.names),
            Delay(bench.names, bench.again_ns() * FS_PER_NS),
        ]
    for one in data:
        body += [ShiftPhase(one.drive, Affine("turn")), one.half_pi()]
    body.append(Barrier(bench.names))
    body += one_after_another([one.measured() for one in data])
    axes = (Axis("readout", heights), Axis("phase", (swept,)))
    return Program(
        "data qubits beside a readout",
        bench.frames(),
        (*body, Barrier(bench.names)),
        axes,
        shots=shots,
    )


def sends_fs(bench: GateBench, program: Program) -> list[int]:
    """Return when the first end begins each of its sideband pulses, fs from a shot's begin."""
    name = bench.link.first.sideband
    (placed,) = (one for one in place_in_fs(program).frames if one.frame.name == name)
    return [int(np.ravel(one.start_fs)[0]) for one in placed.pulses]


def _oracle(data: NodePulses) -> str:
    return f"{data.qubit.name}_oracle"


def _marks(data: Sequence[NodePulses]) -> tuple[Variable, ...]:
    """Return by entry the turns that make a controlled Z turn its sign alone: a Z of each qubit
    whose partner is to be found in 0."""
    partners = [[float(entry[1 - place] == "0") for entry in ENTRIES] for place in (0, 1)]
    return tuple(
        Variable(_oracle(one), "turn", Table(tuple(0.5 * z for z in zs)))
        for one, zs in zip(data, partners, strict=True)
    )


def _data_to_zero(bench: GateBench) -> list[Statement]:
    """Read both data qubits and flip what is found in 1."""
    data = [side.data for side in bench.sides]
    names = {one: f"{one.qubit.name}_reset" for one in data}
    readouts = [one.measure(name=names[one], discriminator=one.discriminator()) for one in data]
    wait_ns = max(bench.again_ns(), RESULT_AFTER_NS)
    return [
        *one_after_another(readouts),
        Barrier(bench.names),
        Delay(bench.names, wait_ns * FS_PER_NS),
        *(If(is_one(names[one]), (one.pi(),)) for one in data),
        Barrier(bench.names),
    ]


def _controlled_z(
    bench: GateBench,
    number: int,
    pair_turns: float,
    early: Mapping[NodePulses, Sequence[Statement]],
) -> list[Statement]:
    """Return a teleported controlled Z, behind which both ends are in 0, their frames as before."""
    first, second = bench.link.ends
    control, target = bench.sides
    captures = tuple(f"{end.capture}_{number}" for end in bench.link.ends)
    copy_turn = READ_TURNS["x"] + pair_turns
    return [
        *consumed_pair(bench, copy_turn, early, captures=captures, wait_ns=bench.again_ns()),
        If(is_zero(captures[0]), (ShiftPhase(target.data.drive, 0.5),)),
        If(is_one(captures[1]), (ShiftPhase(control.data.drive, 0.5),)),
        If(is_one(captures[0]), (first.node.pi(),)),
        If(is_one(captures[1]), (second.node.pi(),)),
        ShiftPhase(first.node.drive, -control.end_turns),
        ShiftPhase(second.node.drive, -target.end_turns - copy_turn),
        Barrier(bench.names),
    ]
