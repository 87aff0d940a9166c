"""stim, an independent simulator of stabiliser circuits, judges our two-qubit Cliffords.

Gidney, Quantum 5, 497 (2021).
"""

import numpy as np
import pytest
import stim
from tests.benches.thoroughness import cases

from podium.control.calibration.two_qubit_cliffords import (
    GROUP,
    IDLE,
    OF_CZ,
    OF_ISWAP,
    TURNS,
    Layers,
    Native,
    Tableaux,
    cliffords,
    draw,
    gate_tableau,
    tableau_of_layers,
)

QUARTERS_Z = ("", "S", "Z", "S_DAG")
QUARTERS_X = ("", "SQRT_X", "X")
PAULI = ("I", "X", "Y", "Z")
GATES = {"cz": "CZ", "iswap": "ISWAP"}
"""In stim's words."""
of_both = pytest.mark.parametrize("native", [OF_CZ, OF_ISWAP], ids=lambda one: one.gate)


def circuit_of(layers: Layers, native: Native) -> stim.Circuit:
    """Return the gates of layers in stim's words."""
    circuit = stim.Circuit()
    for k, layer in enumerate(layers):
        if k:
            circuit.append(GATES[native.gate], [0, 1])
        for qubit, place in enumerate(layer):
            turn = TURNS[place]
            for gate in (QUARTERS_Z[turn.before], QUARTERS_X[turn.pulse], QUARTERS_Z[turn.after]):
                if gate:
                    circuit.append(gate, [qubit])
    return circuit


def of_stim(circuit: stim.Circuit) -> tuple[str, ...]:
    """Return the images of XI, ZI, IX, IZ."""
    whole = stim.Circuit()
    whole.append("I", [0, 1])
    tableau = (whole + circuit).to_tableau()
    return tuple(str(one(q)) for q in (0, 1) for one in (tableau.x_output, tableau.z_output))


def of_ours(tableau: Tableaux) -> tuple[str, ...]:
    return tuple(
        ("+" if tableau.signs[k] > 0 else "-")
        + (PAULI[tableau.images[k] // 4] + PAULI[tableau.images[k] % 4]).replace("I", "_")
        for k in (4, 12, 1, 3)
    )


@of_both
def test_every_element_is_what_stim_makes_of_its_gates(native: Native) -> None:
    group = cliffords(native)
    every = range(0, GROUP, cases(14, 1))
    seen = set()
    for k in every:
        images = of_stim(circuit_of(group.layers[k], native))
        assert of_ours(group.tableaux[k]) == images
        seen.add(images)
    assert len(seen) == len(every)
    assert len(group.layers) == GROUP == len(set(group.layers))


@of_both
def test_stim_knows_no_tableau_that_is_not_an_element(native: Native) -> None:
    group = cliffords(native)
    every = {tableau.keys().item() for tableau in (group.tableaux[k] for k in range(GROUP))}
    for tableau in stim.Tableau.iter_all(2, unsigned=True):
        images = np.array(
            [
                PAULI.index("IXYZ"[one[0]]) * 4 + one[1]
                for q in (0, 1)
                for one in (tableau.x_output(q), tableau.z_output(q))
            ]
        )
        assert int(images @ (32 ** np.arange(4))) in every


@of_both
def test_sequences_end_in_their_target_by_stims_tableaux(native: Native) -> None:
    for seed in range(cases(20, 40)):
        for interleaved in (False, True):
            drawn = draw(7, (11, seed), interleaved, native)
            whole = stim.Circuit()
            for k, element in enumerate(drawn.layers):
                if interleaved and k:
                    whole.append(GATES[native.gate], [0, 1])
                whole += circuit_of(element, native)
            simulator = stim.TableauSimulator()
            simulator.do(whole)
            assert [simulator.peek_z(q) for q in (0, 1)] == [
                -1 if drawn.target & bit else 1 for bit in (2, 1)
            ]


@of_both
def test_the_identity_is_no_pulse_and_gates_are_stims(native: Native) -> None:
    gate = stim.Circuit(f"{GATES[native.gate]} 0 1")
    assert of_ours(gate_tableau(native)) == of_stim(gate)
    assert of_ours(tableau_of_layers(((IDLE, IDLE),), native)) == ("+X_", "+Z_", "+_X", "+_Z")
