"""scqubits judges our fluxoniums and registers: bare and dressed spectra of drawn worlds.

Control has its own, smaller model of a fluxonium; it is judged as well.
"""

from pathlib import Path

import numpy as np
import pytest
import scipy.sparse
import scqubits
from scqubits.utils import spectrum_utils
from tests.benches.thoroughness import sampled

from podium.control.facility.fluxonium import Energies, spectrum
from podium.sim_instruments.physics.chip import Chip
from podium.sim_instruments.physics.circuit_inversion import Circuit
from podium.sim_instruments.physics.fluxonium import SWEET_SPOT, Fluxonium
from podium.sim_instruments.physics.relaxation import inductive_rates, quasiparticle_rates
from podium.sim_instruments.physics.sampling import sample
from podium.sim_instruments.physics.transmon import Transmon

EXAMPLE = Path(__file__).parents[2] / "examples" / "ten_nodes" / "facility.yaml"
GHZ = 1e9

pytestmark = pytest.mark.filterwarnings("ignore")  # scqubits and what it imports warn freely


@pytest.fixture(scope="module")
def chip() -> Chip:
    world = sample(EXAMPLE, 3)
    kept = {name: world.nodes[name] for name in ("node_c", "node_d")}
    return world.model_copy(update={"nodes": kept}).chip()


@pytest.fixture(autouse=True)
def sparse_matrices(monkeypatch: pytest.MonkeyPatch) -> None:
    """scqubits 4.3.1 wants scipy's sparse matrices; qutip 5.3 hands out sparse arrays."""
    convert = spectrum_utils.Qobj_to_scipy_csc_matrix
    monkeypatch.setattr(
        spectrum_utils,
        "Qobj_to_scipy_csc_matrix",
        lambda operator: scipy.sparse.csc_matrix(convert(operator)),
    )


def fluxoniums(chip: Chip) -> list[Circuit]:
    return [q.circuit for q in chip.qubits if isinstance(q.circuit.atom, Fluxonium)]


def theirs(atom: Fluxonium, flux: float, levels: int) -> scqubits.Fluxonium:
    return scqubits.Fluxonium(
        EJ=atom.josephson_hz / GHZ,
        EC=atom.charging_hz / GHZ,
        EL=atom.inductive_hz / GHZ,
        flux=SWEET_SPOT + flux,
        cutoff=110,
        truncated_dim=levels,
    )


@pytest.mark.parametrize("flux", sampled([0.0, 0.07, 0.21, 0.5, -0.33], kept=[0.0, -0.33]))
def test_scqubits_finds_our_fluxoniums_levels_and_charge_elements(chip: Chip, flux: float) -> None:
    for circuit in fluxoniums(chip):
        assert isinstance(circuit.atom, Fluxonium)
        other = theirs(circuit.atom, flux, 8)
        energy_hz = other.eigenvals(evals_count=8) * GHZ
        charge = np.abs(other.matrixelement_table("n_operator", evals_count=8))
        ours = circuit.atom.bare(flux, 8)
        assert np.allclose(ours.energy_hz, energy_hz - energy_hz[0], rtol=0, atol=10.0)
        assert np.allclose(np.abs(ours.charge), charge, atol=1e-6)
        energies = Energies(
            circuit.atom.charging_hz, circuit.atom.josephson_hz, circuit.atom.inductive_hz
        )
        planned = spectrum(energies, SWEET_SPOT + flux)
        assert np.allclose(planned.levels_hz[:5], energy_hz[:5] - energy_hz[0], rtol=0, atol=1e4)
        assert np.allclose(planned.charge[:5, :5], charge[:5, :5], atol=1e-4)


@pytest.mark.parametrize("flux", sampled([0.0, 0.1, 0.4], kept=[0.1]))
def test_scqubits_dresses_our_fluxoniums_to_the_same_frequencies(chip: Chip, flux: float) -> None:
    for circuit in fluxoniums(chip):
        assert isinstance(circuit.atom, Fluxonium)
        atom = theirs(circuit.atom, flux, 16)
        resonator = scqubits.Oscillator(E_osc=circuit.resonator_hz / GHZ, truncated_dim=8)
        space = scqubits.HilbertSpace([atom, resonator])
        space.add_interaction(
            g=circuit.coupling_hz / GHZ,
            op1=atom.n_operator,
            op2=resonator.creation_operator,
            add_hc=True,
        )
        space.generate_lookup()

        def energy_hz(level: int, photons: int, space: scqubits.HilbertSpace = space) -> float:
            return float(space.energy_by_bare_index((level, photons))) * GHZ

        ours = circuit.at(flux)
        for level in range(3):
            vacuum, photon = energy_hz(level, 0), energy_hz(level, 1)
            assert ours.levels_hz[level] == pytest.approx(vacuum - energy_hz(0, 0), abs=1e3)
            assert ours.resonator_hz[level] == pytest.approx(photon - vacuum, abs=1e3)


def registered(chip: Chip, volts: float) -> tuple[np.ndarray, scqubits.HilbertSpace]:
    """Return our register's f01 and scqubits' space of the same three transmons, no resonators."""
    lines = {f"node_d.q{n}.flux": volts for n in range(4)}
    flux = chip.flux(chip.sweet_spots_v() | lines)
    places = [i for i, q in enumerate(chip.qubits) if q.name.startswith("node_d.")]
    atoms = []
    for place in places:
        ours = chip.qubits[place].circuit.atom
        assert isinstance(ours, Transmon)
        atoms.append(
            scqubits.TunableTransmon(
                EJmax=ours.josephson_hz / GHZ,
                EC=ours.charging_hz / GHZ,
                d=ours.asymmetry,
                flux=float(flux[place]),
                ng=0.0,
                ncut=30,
                truncated_dim=4,
                id_str=f"t{place}_{volts}",
            )
        )
    space = scqubits.HilbertSpace(atoms)
    for (i, j), strength_hz in chip.couplings.items():
        one, other = atoms[places.index(i)], atoms[places.index(j)]
        space.add_interaction(
            g=strength_hz / GHZ, op1=one.n_operator, op2=other.n_operator, add_hc=False
        )
    space.generate_lookup()
    points = chip.at(chip.sweet_spots_v() | lines)
    ours_hz = [q.levels_hz[1] for line in points for q in line.qubits if q.name[:6] == "node_d"]
    return np.array(ours_hz), space


@pytest.mark.parametrize("volts", sampled([0.0, 0.25], kept=[0.25]))
def test_scqubits_shifts_the_lines_of_our_register_as_we_do(chip: Chip, volts: float) -> None:
    """Couplings only: what the resonators do is taken out on both sides."""
    coupled_hz, space = registered(chip, volts)
    bare_chip = Chip(chip.qubits, chip.feedlines, chip.flux_per_volt, chip.flux_at_zero)
    lines = chip.sweet_spots_v() | {f"node_d.q{n}.flux": volts for n in range(4)}
    alone_hz = np.array(
        [q.levels_hz[1] for f in bare_chip.at(lines) for q in f.qubits if q.name[:6] == "node_d"]
    )
    ground = float(space.energy_by_bare_index((0, 0, 0, 0)))
    for n, (with_hz, without_hz) in enumerate(zip(coupled_hz, alone_hz, strict=True)):
        index = tuple(1 if place == n else 0 for place in range(4))
        line_hz = (float(space.energy_by_bare_index(index)) - ground) * GHZ
        bare_hz = float(np.diff(space.subsystem_list[n].eigenvals(evals_count=2))[0]) * GHZ
        shift_hz = with_hz - without_hz
        assert abs(shift_hz) > 20e3
        # the resonators move lines and charges by a percent, and so the shift
        assert shift_hz == pytest.approx(line_hz - bare_hz, rel=0.05, abs=2e3)


@pytest.mark.parametrize("flux", [0.0, 0.04, 0.27])
def test_losses_of_inductance_and_quasiparticles_are_theirs(flux: float) -> None:
    """Rates both ways to a part in 1e8; at half flux quasiparticles are blind to 0-1."""
    atom, kelvin = Fluxonium(1.0 * GHZ, 4.0 * GHZ, 0.9 * GHZ), 0.021
    bare, judge = atom.bare(flux, 4), theirs(atom, flux, 6)
    levels, charge = bare.energy_hz, np.abs(bare.charge)
    inductive = inductive_rates(levels, charge, 1.0 * GHZ, 0.9 * GHZ, 4e8, kelvin)
    sines = atom.half_sines(flux, 4)
    tunnelled = quasiparticle_rates(levels, sines, 4.0 * GHZ, 2e-8, kelvin)
    how = {"T": kelvin, "total": False, "get_rate": True}
    for n, m in ((1, 0), (2, 1), (3, 0), (2, 0)):
        for by, to in ((n, m), (m, n)):
            told = GHZ * judge.t1_inductive(by, to, Q_ind=4e8, **how)
            assert inductive[to, by] == pytest.approx(told, rel=1e-8, abs=1e-12)
            told = GHZ * judge.t1_quasiparticle_tunneling(by, to, x_qp=2e-8, Delta=3.4e-4, **how)
            assert tunnelled[to, by] == pytest.approx(told, rel=1e-8, abs=1e-20)
    if flux == 0:
        assert tunnelled[0, 1] < 1e-20 < tunnelled[0, 2]
