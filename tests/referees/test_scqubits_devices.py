"""scqubits judges the coupled spectra of published devices: lines and ZZ, resonators apart."""

from itertools import product
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse
import scqubits
from ruamel.yaml import YAML
from scqubits.utils import spectrum_utils

from podium.sim_instruments.facilities.chips import CHIPS
from podium.sim_instruments.facilities.one_instrument import facility_of
from podium.sim_instruments.physics.chip import Chip
from podium.sim_instruments.physics.circuit_inversion import Circuit
from podium.sim_instruments.physics.fluxonium import SWEET_SPOT, Fluxonium
from podium.sim_instruments.physics.register import coupled
from podium.sim_instruments.physics.sampling import sample
from podium.sim_instruments.physics.transmon import Transmon

GHZ = 1e9
FAR_HZ = 100e9
"""A resonator that is not there."""
LINE_HZ, DING_HZ = 0.5e6, 1.2e6
"""A world keeps four levels of an atom: of what the transmon of ding2023 pushes its fluxoniums'
lines by, 0.9 MHz come from higher ones. Elsewhere lines agree to 0.1 MHz."""

pytestmark = pytest.mark.filterwarnings("ignore")  # scqubits and what it imports warn freely


@pytest.fixture(autouse=True)
def sparse_matrices(monkeypatch: pytest.MonkeyPatch) -> None:
    """scqubits 4.3.1 wants scipy's sparse matrices; qutip 5.3 hands out sparse arrays."""
    convert = spectrum_utils.Qobj_to_scipy_csc_matrix
    monkeypatch.setattr(
        spectrum_utils,
        "Qobj_to_scipy_csc_matrix",
        lambda operator: scipy.sparse.csc_matrix(convert(operator)),
    )


def drawn(name: str, folder: Path) -> Chip:
    file = folder / f"{name}.yaml"
    with file.open("w") as sink:
        YAML().dump(facility_of("qblox_cluster", name, len(CHIPS[name].qubits)), sink)
    return sample(file, 3).chip()


def theirs(chip: Chip, levels: dict[type, int], coupler_flux: float) -> scqubits.HilbertSpace:
    atoms = []
    for place, qubit in enumerate(chip.qubits):
        atom = qubit.circuit.atom
        count = levels[type(atom)]
        if isinstance(atom, Fluxonium):
            atoms.append(
                scqubits.Fluxonium(
                    EJ=atom.josephson_hz / GHZ,
                    EC=atom.charging_hz / GHZ,
                    EL=atom.inductive_hz / GHZ,
                    flux=SWEET_SPOT,
                    cutoff=110,
                    truncated_dim=count,
                    id_str=f"f{place}_{coupler_flux}",
                )
            )
        else:
            assert isinstance(atom, Transmon)
            atoms.append(
                scqubits.TunableTransmon(
                    EJmax=atom.josephson_hz / GHZ,
                    EC=atom.charging_hz / GHZ,
                    d=atom.asymmetry,
                    flux=coupler_flux if qubit.name in chip.couplers else 0.0,
                    ng=atom.offset_charge,
                    ncut=30,
                    truncated_dim=count,
                    id_str=f"t{place}_{coupler_flux}",
                )
            )
    space = scqubits.HilbertSpace(atoms)
    for (i, j), strength_hz in chip.couplings.items():
        space.add_interaction(
            g=strength_hz / GHZ, op1=atoms[i].n_operator, op2=atoms[j].n_operator, add_hc=False
        )
    space.generate_lookup()
    return space


@pytest.mark.parametrize(
    ("name", "coupler_flux"),
    [
        ("bao2022_pair", 0.0),  # it has no coupler
        *product(("ding2023", "marxer2025", "smirnov2025"), (0.0, 0.2)),
    ],
)
def test_lines_and_zz_of_a_device_are_those_of_scqubits(
    name: str, coupler_flux: float, tmp_path: Path
) -> None:
    chip = drawn(name, tmp_path)
    assert bool(chip.couplers) == (name != "bao2022_pair")
    # that of ding2023 rests at its lower sweet spot, half a flux quantum from its highest f01
    coupler_flux += 0.5 if name == "ding2023" else 0.0
    pairs = [
        Circuit(one.circuit.atom, 0.0, FAR_HZ).pair(
            coupler_flux if one.name in chip.couplers else 0.0
        )
        for one in chip.qubits
    ]
    space = theirs(chip, {Fluxonium: 9, Transmon: 7}, coupler_flux)

    def energy_hz(*levels: int) -> float:
        rest = (0,) * (len(chip.qubits) - len(levels))
        return float(space.energy_by_bare_index((*levels, *rest))) * GHZ

    ground = energy_hz(0, 0)
    lines_hz = [one.f01_hz for one in coupled(pairs, chip.couplings)[:2]]
    allowed_hz = DING_HZ if name == "ding2023" else LINE_HZ
    theirs_hz = [energy_hz(1, 0) - ground, energy_hz(0, 1) - ground]
    assert np.allclose(lines_hz, theirs_hz, atol=allowed_hz)
    zz_hz = energy_hz(1, 1) - energy_hz(1, 0) - energy_hz(0, 1) + ground
    biases_v = chip.sweet_spots_v()
    for place, one in enumerate(chip.qubits):
        if one.name in chip.couplers:
            moved = coupler_flux - abs(float(chip.flux(biases_v)[place]))
            biases_v[one.flux_line] += moved / float(chip.flux_per_volt[place, place])
    ends = chip.qubits[0].name, chip.qubits[1].name
    # crosstalk of the coupler's line moves the qubits a little, theirs stay at the sweet spots
    assert chip.zz_hz(ends, biases_v) == pytest.approx(zz_hz, rel=0.05, abs=3e3)
