"""Makes a Bell state with the gate, and finds what it is by tomography."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.bench import Bench, iq_of
from podium.control.calibration.declaration import (
    DRIVE,
    EDGE_GATE,
    LEVELS,
    READOUT_SETTINGS,
    Declaration,
)
from podium.control.calibration.edge_pulses import EdgePulses
from podium.control.calibration.fits.least_squares import FitFailed
from podium.control.calibration.fits.two_qubit_state import (
    I2,
    READ_TURNS,
    SETTINGS,
    both,
    effects,
    ideal_gate,
    pauli_means,
    read_rotation,
    tomography,
    turned,
)
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.pair_counts import begun, confusion_of, counts_of, shots_of
from podium.control.calibration.routine import Found, analyse
from podium.control.facility.edges import Edge, Gate
from podium.control.parameters.entry import Measured
from podium.control.parameters.validity import DAY_S, Lifetime
from podium.control.program.program import (
    Affine,
    Axis,
    Program,
    ShiftPhase,
    Statement,
    Table,
    Variable,
)

Array = NDArray[np.float64]
SHOTS = 1500
ENTANGLED = 0.5
"""States that are not entangled have at most this fidelity with a Bell state."""


def bell_program(p: EdgePulses, shots: int) -> Program:
    """Return half pi on both, the gate, half pi on the second end, and nine settings of a readout.

    Every shot is kept. Where heat leaves an end in 1 too often, a readout before tells which began
    in 0.
    """
    variables = []
    for k, one in enumerate(p.both):
        name, half = one.qubit.element, one.pi_amplitude() / 2
        axes = [setting[k] for setting in SETTINGS]
        heights = tuple(0.0 if axis == "z" else half for axis in axes)
        variables.append(Variable(f"{name}_height", "1", Table(heights)))
        turns = tuple(READ_TURNS[axis] for axis in axes)
        variables.append(Variable(f"{name}_turn", "turn", Table(turns)))
    last: list[list[Statement]] = [
        [ShiftPhase(one.drive, Affine(f"{one.qubit.element}_turn")),
         one.pulse(Affine(f"{one.qubit.element}_height"))]
        for one in p.both
    ]  # fmt: skip
    body = [
        *begun(p),
        *p.one_by_one([[p.first.half_pi()], [p.second.half_pi()]]),
        *p.gate(),
        *p.one_by_one([[p.second.half_pi()], *last]),
        *p.read(),
    ]
    axis = Axis("setting", tuple(variables))
    frames = (*p.frames(), *p.gate_frames())
    return Program("Bell state", frames, tuple(body), (axis,), shots=shots, keep_shots=True)


def wanted(gate: Gate = "cz") -> NDArray[np.complex128]:
    """Return the state that ideal pulses and an ideal gate make, shape (4,).

    A CNOT is played as a CZ.
    """
    half = turned(np.pi / 2, 0.0)
    return np.asarray((both(I2, half) @ ideal_gate(gate) @ both(half, half))[:, 0])


def rotations(ahead_turns: float = 0.0) -> list[NDArray[np.complex128]]:
    """Return what is played before the readout in each setting.

    ``ahead_turns``: by which the second's state turns ahead of its drive's frame.
    """
    return [
        both(read_rotation(first), read_rotation(second, ahead_turns)) for first, second in SETTINGS
    ]


async def bell_state(bench: Bench, edges: tuple[Edge, ...]) -> Outcome:
    """Half pi pulses, the gate, a half pi pulse: a Bell state, measured along nine pairs of axes.

    The likeliest state is found with the readout's errors in its model. Stores ``bell_fidelity``
    and ``bell_concurrence`` (1).
    """
    outcome = Outcome("bell_state", "Bell state")
    for edge in edges:
        await _of_edge(bench, outcome, edge)
    return outcome


async def _of_edge(bench: Bench, outcome: Outcome, edge: Edge) -> None:
    p = EdgePulses.of(bench, edge)
    program = bell_program(p, shots_of(p, SHOTS))
    data = await bench.run(outcome, program)
    should = wanted(edge.gate)
    ideal = pauli_means(np.outer(should, should.conj()))
    places = np.arange(len(ideal), dtype=float)
    label = f"pair of Paulis: {', '.join(ideal)}"

    def raw(_: Edge) -> Panel:
        means = [iq_of(data, q.qubit.element).mean(axis=0) * 1e3 for q in p.both]
        series = tuple(
            Series(q.qubit.element, np.arange(len(SETTINGS), dtype=float), mean.real)
            for q, mean in zip(p.both, means, strict=True)
        )
        return Panel(edge.element, "setting", "mean I (mV)", series)

    def fit(_: Edge, panel: Panel) -> Found:
        counts, confusion = counts_of(p, data), confusion_of(p)
        found = tomography(counts, effects(rotations(), confusion), should)
        if not found.fidelity > ENTANGLED + 3 * found.fidelity_sigma:
            raise FitFailed(
                f"the state is no Bell state: fidelity {found.fidelity:.3f} ± "
                f"{found.fidelity_sigma:.3f}; without entanglement it is {ENTANGLED} at most"
            )
        seen = np.array(list(pauli_means(found.state).values()))
        series = (
            Series("found", places, seen),
            Series("ideal", places, np.array(list(ideal.values())), line=True),
        )
        text = "fidelity {bell_fidelity}, concurrence {bell_concurrence}"
        return {
            "bell_fidelity": Measured(found.fidelity, found.fidelity_sigma, "1"),
            "bell_concurrence": Measured(
                found.concurrence, max(found.concurrence_sigma, 1e-6), "1"
            ),
        }, replace(panel, x_label=label, y_label="mean", series=series, text=text, judged=False)

    await analyse(bench, outcome, (edge,), raw, fit)


BELL_STATE = Declaration(
    bell_state,
    targets="edges",
    turns_of=("cz", "coupler cz", "carrier cz", "plasmon cz", "iswap", "carrier iswap", "cnot"),
    needs=(
        *("sweet_spot", *DRIVE, *READOUT_SETTINGS, *LEVELS),
        *("readout_threshold", "false_excited", "false_ground"),
        *EDGE_GATE,
    ),
    gives={"bell_fidelity": Lifetime(1 * DAY_S), "bell_concurrence": Lifetime(1 * DAY_S)},
    places=(90,),
    cost_s=1.5,
)
