"""Finds what an edge's gate does to all states, by process tomography."""

from dataclasses import replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.axis_pulses import setting_variables, swept
from podium.control.calibration.bench import Bench, iq_of
from podium.control.calibration.declaration import DRIVE, LEVELS, READOUT_SETTINGS, Declaration
from podium.control.calibration.edge_pulses import EdgePulses
from podium.control.calibration.fits.least_squares import FitFailed
from podium.control.calibration.fits.process import INPUTS as ALL_INPUTS
from podium.control.calibration.fits.process import (
    average_fidelity,
    of_unitary,
    outcomes,
    process_tomography,
)
from podium.control.calibration.fits.two_qubit_state import (
    AXES,
    both,
    ideal_gate,
    read_rotation,
    turned,
)
from podium.control.calibration.outcome import Outcome, Panel, Picture
from podium.control.calibration.pair_counts import begun, confusion_of, counts_of, shots_of
from podium.control.calibration.routine import Found, analyse
from podium.control.facility.edges import Edge
from podium.control.parameters.entry import Measured
from podium.control.parameters.validity import DAY_S, Lifetime
from podium.control.program.program import Axis, Program

INPUTS = ALL_INPUTS[:4]
"""Of each end: as many as tell its process."""
SETTINGS = tuple(product(product(INPUTS, INPUTS), product(AXES, AXES)))
"""Each pair of inputs, measured along each pair of axes."""
SHOTS = 300
ENTANGLES = 0.5
"""A process that entangles nothing has at most this fidelity with a CZ, and half of it with an
iSWAP: the square of the largest coefficient of its Schmidt decomposition."""


def process_program(p: EdgePulses) -> Program:
    """Return a pulse on each end, the gate, a pulse on each, a readout of which all is kept."""
    variables = [
        variable
        for k, one in enumerate(p.both)
        for variable in setting_variables(
            one, [given[k] for given, _ in SETTINGS], [axes[k] for _, axes in SETTINGS]
        )
    ]
    before, behind = (
        p.one_by_one([swept(one, word) for one in p.both]) for word in ("prepared", "read")
    )
    [before] = p.in_step([before])
    body = [*begun(p), *before, *p.gate(), *behind, *p.read()]
    axis = Axis("setting", tuple(variables))
    frames = (*p.frames(), *p.gate_frames())
    shots = shots_of(p, SHOTS)
    return Program("process tomography", frames, tuple(body), (axis,), shots, keep_shots=True)


def effects_of(confusion: NDArray[np.float64]) -> NDArray[np.complex128]:
    """Return what each outcome of each setting measures of a process, (settings, 4, 16, 16)."""
    kets = [
        both(*(turned(np.pi * share, turns) for share, turns in given))[:, 0]
        for given, _ in SETTINGS
    ]
    inputs = np.stack([np.outer(ket, ket.conj()) for ket in kets])
    rotations = [both(*map(read_rotation, axes)) for _, axes in SETTINGS]
    return outcomes(inputs, rotations, confusion)


async def gate_process(bench: Bench, edges: tuple[Edge, ...]) -> Outcome:
    """Sixteen inputs, the gate, nine pairs of axes: the likeliest process, readout corrected.

    Errors of the pulses before and behind the gate are in it, those of the readout are not. Stores
    ``process_fidelity`` and ``average_fidelity`` (1), with the gate as it should be; a CNOT is
    played as a CZ. Chuang and Nielsen, J. Mod. Opt. 44, 2455 (1997).
    """
    outcome = Outcome("gate_process", "Process tomography")
    for edge in edges:
        await _of_edge(bench, outcome, edge)
    return outcome


async def _of_edge(bench: Bench, outcome: Outcome, edge: Edge) -> None:
    p = EdgePulses.of(bench, edge)
    data = await bench.run(outcome, process_program(p))
    gate = ideal_gate(edge.gate)

    def raw(_: Edge) -> Panel:
        seen = iq_of(data, edge.ends[0]).mean(axis=0).real.reshape(len(INPUTS) ** 2, -1) * 1e3
        axes = (np.arange(seen.shape[1], dtype=float), np.arange(seen.shape[0], dtype=float))
        picture = Picture(*axes, seen, f"I of {edge.ends[0]} (mV)")
        return Panel(edge.element, "pair of axes", "pair of inputs", picture=picture)

    def fit(_: Edge, panel: Panel) -> Found:
        found = process_tomography(counts_of(p, data), effects_of(confusion_of(p)), gate)
        if not found.fidelity > ENTANGLES + 3 * found.fidelity_sigma:
            raise FitFailed(
                f"no gate is seen: process fidelity {found.fidelity:.3f} ± "
                f"{found.fidelity_sigma:.3f}; what entangles nothing has {ENTANGLES} at most"
            )
        levels = len(gate)
        average = average_fidelity(found.fidelity, levels)
        values = {
            "process_fidelity": Measured(found.fidelity, found.fidelity_sigma, "1"),
            "average_fidelity": Measured(
                average, found.fidelity_sigma * levels / (levels + 1), "1"
            ),
        }
        ideal = of_unitary(gate)
        off = np.abs(found.choi - np.outer(ideal, ideal.conj()))
        places = np.arange(len(off), dtype=float)
        picture = Picture(places, places, off, "Choi matrix less the ideal one, absolute")
        text = "process fidelity {process_fidelity}, average over states {average_fidelity}"
        return values, replace(
            panel, x_label="column", y_label="row", picture=picture, text=text, judged=False
        )

    await analyse(bench, outcome, (edge,), raw, fit)


GATE_PROCESS = Declaration(
    gate_process,
    targets="edges",
    turns_of=(),
    needs=("sweet_spot", *DRIVE, *READOUT_SETTINGS, *LEVELS),
    gives={
        "process_fidelity": Lifetime(1 * DAY_S),
        "average_fidelity": Lifetime(1 * DAY_S),
    },
    places=(),
    cost_s=8.0,
)
