"""Defects beside a qubit: what they take at the bias, what they push, and how they are drawn."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.benches.physics.chip import CHIP as WITHOUT
from tests.benches.physics.chip import QUBITS
from tests.benches.physics.defect_chip import CHIP, DEFECT, NAME, SPOTS, chip_with, master
from tests.benches.thoroughness import cases

from podium.firmware_interfaces.yaml_text import parse_yaml
from podium.sim_instruments.physics.defects import Defect
from podium.sim_instruments.physics.design import DesignError, design_of
from podium.sim_instruments.physics.draw import draw
from podium.sim_instruments.physics.sampling import draw_world
from podium.sim_instruments.physics.spread import Spread
from podium.sim_instruments.physics.truth import truth
from podium.sim_instruments.physics.world_file import WorldFile, dump_world, parse_world

TWO = Path(__file__).parents[3] / "examples" / "two_qubit" / "facility.yaml"
DEFECTS = {
    "per_ghz": 4,
    "lowest": "5.0 GHz",
    "highest": "6.0 GHz",
    "coupling": {"value": "1 MHz", "spread": "0.5 MHz"},
    "t1": {"value": "500 ns", "spread": "200 ns"},
    "t2": {"value": "500 ns", "spread": "200 ns"},
}


def drawn(seed: int, defects: object = None) -> WorldFile:
    tree = parse_yaml(TWO.read_bytes())
    if defects is not None:
        tree["nodes"]["node_a"]["qubits"]["q0"]["defects"] = defects
    return draw_world(design_of(tree, "two.yaml"), seed)


@pytest.mark.parametrize("detuned_hz", [-80e6, -25e6, 10e6, 40e6])
def test_far_from_a_defect_a_qubit_decays_as_both_together_do(detuned_hz: float) -> None:
    """Master equation of both: populations after 10 us give the rate, to 3 %."""
    defect = Defect("d", 5e9, 0.8e6, 0.3e-6, 0.25e-6)
    lower = np.array([[0.0, 1.0], [0.0, 0.0]])
    q, d = np.kron(lower, np.eye(2)), np.kron(np.eye(2), lower)
    white_1_s = 5e4
    hamiltonian = detuned_hz * q.T @ q + 0.8e6 * (q.T @ d + d.T @ q)
    jumps = [(d, 1 / 0.3e-6), (d.T @ d, 2 * defect.dephasing_1_s), (q.T @ q, 2 * white_1_s)]
    start = np.zeros((4, 4))
    start[2, 2] = 1.0
    early, late = (
        np.einsum("ij,ji", (turned @ start.ravel()).reshape(4, 4), q.T @ q).real
        for turned in master(hamiltonian, jumps, [3000.0, 13000.0])
    )
    rate = np.log(early / late) / 10e-6
    assert defect.loss_1_s(5e9 + detuned_hz, 1.0, white_1_s) == pytest.approx(rate, rel=0.03)


def test_at_the_bias_t1_is_shorter_and_f01_is_pushed() -> None:
    spots = WITHOUT.sweet_spots_v()
    (plain,), (beside,) = (
        WITHOUT.at(spots),
        chip_with(replace(DEFECT, frequency_hz=5.98e9)).at(SPOTS),
    )
    one, other = plain.qubits[0], beside.qubits[0]
    off_hz = float(one.levels_hz[1]) - 5.98e9
    pushed_hz = float(other.levels_hz[1] - one.levels_hz[1])
    assert pushed_hz == pytest.approx(2e6**2 / off_hz, rel=0.02)
    more_1_s = (other.rates_1_s - one.rates_1_s)[0, 1]
    width = 1 / DEFECT.t2_s + QUBITS[0].white_dephasing_1_s
    lorentzian = 2 * (2 * np.pi * 2e6) ** 2 * width / (2 * np.pi * off_hz) ** 2
    assert more_1_s == pytest.approx(lorentzian, rel=0.03)
    assert other.rates_1_s[0, 1] > 2 * one.rates_1_s[0, 1]
    assert plain.qubits[1].rates_1_s[0, 1] == beside.qubits[1].rates_1_s[0, 1]


def test_a_defect_in_resonance_shares_the_excitation() -> None:
    f01_hz = float(CHIP.bare_at(NAME, SPOTS, 0.0)[0][1])
    shared = chip_with(replace(DEFECT, frequency_hz=f01_hz - 1e6)).at(SPOTS)[0].qubits[0]
    assert 0.5 < shared.alone < 0.7
    assert CHIP.at(SPOTS)[0].qubits[0].alone > 0.999


def test_defects_are_drawn_by_their_density_and_the_truth_names_them() -> None:
    """Poisson: the mean of worlds at 4 each lies within 5 sigmas (1e-6 of them do not)."""
    worlds = [drawn(seed, DEFECTS) for seed in range(cases(12, 60))]
    beside = [world.nodes["node_a"].qubits["q0"].beside for world in worlds]
    assert np.mean([len(one) for one in beside]) == pytest.approx(
        4.0, abs=5 * np.sqrt(4.0 / len(worlds))
    )
    every = [one for some in beside for one in some]
    assert all(5.0e9 <= one.frequency_hz <= 6.0e9 and one.t2_s < 2 * one.t1_s for one in every)
    assert all(one.coupling_hz >= 10e3 for one in every)
    world = next(one for one, some in zip(worlds, beside, strict=True) if len(some) > 2)
    assert parse_world(dump_world(world)) == world
    told = truth(world.chip(), optima=False)
    lowest = world.nodes["node_a"].qubits["q0"].beside[0]
    assert told["node_a.q0.tls1_frequency"].value == lowest.frequency_hz
    assert told["node_a.q0.tls1_coupling"].value == lowest.coupling_hz
    assert told["node_a.q0.tls2_frequency"].value > lowest.frequency_hz
    assert "node_a.q1.tls1_frequency" not in told


def test_what_else_is_drawn_stays_to_the_bit() -> None:
    without = drawn(5)
    assert "defects" not in dump_world(without)
    with_them = drawn(5, DEFECTS)
    assert with_them.nodes["node_a"].qubits["q0"].beside
    qubits = with_them.nodes["node_a"].qubits
    bare = qubits | {"q0": qubits["q0"].model_copy(update={"defects": {}})}
    node = with_them.nodes["node_a"].model_copy(update={"qubits": bare})
    assert with_them.model_copy(update={"nodes": {"node_a": node}}) == without


def test_a_fluxonium_with_defects_is_refused() -> None:
    tree = parse_yaml(TWO.read_bytes())
    qubit = tree["nodes"]["node_a"]["qubits"]["q0"]
    qubit["kind"], qubit["defects"] = "fluxonium", DEFECTS
    for name, energy in (("charging", "1 GHz"), ("josephson", "4 GHz"), ("inductive", "1 GHz")):
        qubit["design"][f"{name}_energy"] = energy
    with pytest.raises(DesignError, match="they are of transmons only"):
        design_of(tree, "two.yaml")


def test_a_draw_depends_on_its_own_name() -> None:
    world = drawn(5, DEFECTS)
    spread = Spread(1e6, 0.5e6, "Hz", low=10e3)
    (first, *_) = world.nodes["node_a"].qubits["q0"].beside
    assert first.coupling_hz == draw(spread, 5, "node_a.q0.tls1", "coupling")
