"""scqubits, an independent simulator of superconducting circuits, judges our spectra.

Groszkowski & Koch, Quantum 5, 583 (2021). It works in its own bases and cutoffs.
"""

from pathlib import Path

import numpy as np
import pytest
import scipy.sparse
import scqubits
from scqubits.utils import spectrum_utils

from podium.sim_instruments.physics.circuit_inversion import Circuit
from podium.sim_instruments.physics.resonator import LEVELS
from podium.sim_instruments.physics.sampling import sample

EXAMPLE = Path(__file__).parents[2] / "examples" / "first_light" / "facility.yaml"
GHZ = 1e9

pytestmark = pytest.mark.filterwarnings("ignore")  # scqubits and what it imports warn freely


def circuits() -> list[Circuit]:
    return [qubit.circuit for seed in (1, 2) for qubit in sample(EXAMPLE, seed).chip().qubits]


def transmon_of(circuit: Circuit, flux: float, levels: int) -> scqubits.TunableTransmon:
    ours = circuit.atom
    return scqubits.TunableTransmon(
        EJmax=ours.josephson_hz / GHZ,
        EC=ours.charging_hz / GHZ,
        d=ours.asymmetry,
        flux=flux,
        ng=ours.offset_charge,
        ncut=40,
        truncated_dim=levels,
    )


@pytest.mark.parametrize("flux", [0.0, 0.17, 0.35, 0.5])
def test_scqubits_finds_our_transmons_levels_and_charge_elements(flux: float) -> None:
    for circuit in circuits():
        theirs = transmon_of(circuit, flux, 6)
        energy_hz = theirs.eigenvals(evals_count=6) * GHZ
        ours = circuit.atom.levels(flux, 6)
        assert np.allclose(ours.energy_hz, energy_hz - energy_hz[0], rtol=0, atol=10.0)
        charge = np.abs(theirs.matrixelement_table("n_operator", evals_count=6))
        assert np.allclose(np.abs(ours.charge), charge, atol=1e-6)


@pytest.fixture
def sparse_matrices(monkeypatch: pytest.MonkeyPatch) -> None:
    """scqubits 4.3.1 wants scipy's sparse matrices; qutip 5.3 hands out sparse arrays."""
    convert = spectrum_utils.Qobj_to_scipy_csc_matrix
    monkeypatch.setattr(
        spectrum_utils,
        "Qobj_to_scipy_csc_matrix",
        lambda operator: scipy.sparse.csc_matrix(convert(operator)),
    )


@pytest.mark.usefixtures("sparse_matrices")
@pytest.mark.parametrize("flux", [0.0, 0.2, 0.45])
def test_scqubits_dresses_our_transmons_to_the_same_frequencies(flux: float) -> None:
    for circuit in circuits()[:3]:
        transmon = transmon_of(circuit, flux, 10)
        resonator = scqubits.Oscillator(E_osc=circuit.resonator_hz / GHZ, truncated_dim=8)
        space = scqubits.HilbertSpace([transmon, resonator])
        space.add_interaction(
            g=circuit.coupling_hz / GHZ,
            op1=transmon.n_operator,
            op2=resonator.creation_operator,
            add_hc=True,
        )
        space.generate_lookup()

        def energy_hz(level: int, photons: int, space: scqubits.HilbertSpace = space) -> float:
            return float(space.energy_by_bare_index((level, photons))) * GHZ

        ours = circuit.at(flux)
        for level in range(LEVELS - 1):
            vacuum, photon = energy_hz(level, 0), energy_hz(level, 1)
            near = 100.0 if level < 2 else 1e3  # the cutoffs differ
            assert ours.levels_hz[level] == pytest.approx(vacuum - energy_hz(0, 0), abs=near)
            assert ours.resonator_hz[level] == pytest.approx(photon - vacuum, abs=near)
