"""Fluxoniums lose by inductance and quasiparticles where their facility file says so."""

from pathlib import Path

import numpy as np
import pytest

from podium.firmware_interfaces.yaml_text import parse_yaml
from podium.sim_instruments.physics.chip import rates_of
from podium.sim_instruments.physics.design import DesignError, design_of
from podium.sim_instruments.physics.relaxation import lifetime_s
from podium.sim_instruments.physics.sampling import draw_world
from podium.sim_instruments.physics.sampling_qubits import SamplingError, circuit, drawn_values
from podium.sim_instruments.physics.truth import truth
from podium.sim_instruments.physics.world_file import WorldFile, dump_world, parse_world

EXAMPLE = Path(__file__).parents[3] / "examples" / "ten_nodes" / "facility.yaml"
NODE, NAME = "node_c", "q0"
LOSSES = {
    "inductive_quality": {"value": 1e9, "spread": 2e8},
    "quasiparticles": {"value": 1e-8, "spread": 2e-9},
}


def drawn(losses: object = None, t1: object = None, name: str = NAME) -> WorldFile:
    tree = parse_yaml(EXAMPLE.read_bytes())
    tree["nodes"] = {NODE: tree["nodes"][NODE]}
    tree["links"] = {}
    tree["wiring"] = {key: one for key, one in tree["wiring"].items() if key.startswith(NODE)}
    qubit = tree["nodes"][NODE]["qubits"][name]
    if losses is not None:
        qubit["losses"] = losses
    if t1 is not None:
        qubit["design"]["t1"] = t1
    return draw_world(design_of(tree, "fluxoniums.yaml"), 4)


def t1_s(world: WorldFile, off: float = 0.0) -> float:
    """At so many flux quanta from the sweet spot."""
    chip = world.chip()
    (qubit,) = (one for one in chip.qubits if one.name == f"{NODE}.{NAME}")
    return lifetime_s(qubit.at(off).rates_1_s)


def test_t1_at_the_sweet_spot_is_as_drawn_and_off_it_quasiparticles_take() -> None:
    without, lossy = drawn(), drawn(LOSSES)
    assert t1_s(lossy) == pytest.approx(t1_s(without), rel=0.02)
    much = drawn({"quasiparticles": {"value": 1e-6, "spread": 1e-8}})
    assert t1_s(much) == pytest.approx(t1_s(without), rel=0.02), "0-1 is blind to them there"
    assert t1_s(much, 0.1) < 0.7 * t1_s(without, 0.1)


def test_the_truth_and_the_twin_file_have_the_losses() -> None:
    world = drawn(LOSSES)
    assert parse_world(dump_world(world)) == world
    told = truth(world.chip(), optima=False)
    assert 5e8 <= told[f"{NODE}.{NAME}.inductive_quality"].value <= 1.5e9
    assert 5e-9 <= told[f"{NODE}.{NAME}.quasiparticles"].value <= 1.5e-8
    assert not any("quasiparticles" in name for name in truth(drawn().chip(), optima=False))


def test_without_losses_worlds_stay_to_the_bit() -> None:
    without, lossy = drawn(), drawn(LOSSES)
    assert "inductive_quality" not in dump_world(without)
    changed = {"quality_factor", "white_dephasing", "frequency_noise", *LOSSES}
    for one in set(type(without.nodes[NODE].qubits[NAME]).model_fields) - changed:
        mine, other = (getattr(world.nodes[NODE].qubits[NAME], one) for world in (without, lossy))
        assert mine == other, one


def test_without_losses_the_quality_is_that_of_the_capacitance_to_the_bit() -> None:
    world = drawn().nodes[NODE].qubits[NAME]
    tree = parse_yaml(EXAMPLE.read_bytes())
    design = next(one for one in design_of(tree, "ten.yaml").nodes if one.name == NODE)
    (qubit,) = (one for one in design.qubits if one.name == NAME)
    own = drawn_values(qubit, f"{NODE}.{NAME}", 4)
    found = circuit("fluxonium", own)
    rates = rates_of(found.atom, found.at(0.0), (1.0, None), world.bath_temperature.value)
    assert world.quality_factor.value == float(rates[0, 1] + rates[1, 0]) * own["t1"]


def test_a_t1_that_losses_do_not_leave_is_refused() -> None:
    with pytest.raises(SamplingError, match=r"longer than inductance and quasiparticles leave"):
        drawn({"inductive_quality": {"value": 1e6, "spread": 0.0}})


def test_losses_of_a_transmon_are_refused() -> None:
    tree = parse_yaml((EXAMPLE.parents[1] / "two_qubit" / "facility.yaml").read_bytes())
    tree["nodes"]["node_a"]["qubits"]["q0"]["losses"] = LOSSES
    with pytest.raises(DesignError, match="they are of fluxoniums only"):
        design_of(tree, "two.yaml")


def test_levels_that_hardly_tunnel_are_still_lossy() -> None:
    world = drawn(LOSSES)
    (qubit,) = (one for one in world.chip().qubits if one.name == f"{NODE}.{NAME}")
    rates = qubit.at(0.5).rates_1_s
    assert np.all(np.isfinite(rates))
    assert np.all(rates >= 0)
