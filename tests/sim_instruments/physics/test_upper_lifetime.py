"""A transmon's 2 falls to 1 as its facility file says, or as its charge elements make of T1."""

from pathlib import Path

import pytest

from podium.firmware_interfaces.yaml_text import parse_yaml
from podium.sim_instruments.physics.design import design_of
from podium.sim_instruments.physics.operating_point import QubitPoint
from podium.sim_instruments.physics.sampling import draw_world
from podium.sim_instruments.physics.truth import truth
from podium.sim_instruments.physics.world_file import WorldFile, dump_world, parse_world

EXAMPLE = Path(__file__).parents[3] / "examples" / "linked" / "facility.yaml"
NAME = "node_a.q0"


def drawn(t1_ef: object = None, seed: int = 4) -> WorldFile:
    tree = parse_yaml(EXAMPLE.read_bytes())
    if t1_ef is not None:
        tree["nodes"]["node_a"]["qubits"]["q0"]["design"]["t1_ef"] = t1_ef
    return draw_world(design_of(tree, "facility.yaml"), seed)


def point(world: WorldFile) -> QubitPoint:
    """Return the operating point of node_a.q0, which does not tune."""
    chip = world.chip()
    points = (one for feedline in chip.at(chip.sweet_spots_v()) for one in feedline.qubits)
    return next(one for one in points if one.name == NAME)


def test_2_lives_as_long_as_the_file_says_and_1_as_long_as_without() -> None:
    without, short = point(drawn()), point(drawn("1.5 us"))
    assert 1 / short.rates_1_s[1, 2] == pytest.approx(1.5e-6, rel=1e-9)
    assert short.rates_1_s[0, 1] == without.rates_1_s[0, 1]
    assert short.rates_1_s[2, 3] / without.rates_1_s[2, 3] == pytest.approx(
        short.rates_1_s[1, 2] / without.rates_1_s[1, 2]
    ), "levels above have its quality"
    assert short.rates_1_s[2, 1] / short.rates_1_s[1, 2] == pytest.approx(
        without.rates_1_s[2, 1] / without.rates_1_s[1, 2]
    ), "heat balances it"


def test_a_lifetime_of_2_is_drawn_within_its_spread_and_never_none() -> None:
    wide = {"value": "2 us", "spread": "2 us"}
    found = [1e6 / point(drawn(wide, seed)).rates_1_s[1, 2] for seed in range(12)]
    assert min(found) >= 0.2
    assert max(found) - min(found) > 0.5


def test_the_twin_file_has_it_where_the_facility_does_and_the_truth_of_every_transmon() -> None:
    world = drawn("1.5 us")
    assert parse_world(dump_world(world)) == world
    told = truth(world.chip(), optima=False)
    assert told[f"{NAME}.t1_ef"].value == pytest.approx(1.5e-6)
    other = 1 / drawn().chip().at({})[1].qubits[0].rates_1_s[1, 2]
    assert told["node_b.q0.t1_ef"].value == pytest.approx(other)
    assert told["node_b.q0.t1"].value / other == pytest.approx(1.85, abs=0.1)


def test_without_it_worlds_stay_to_the_bit() -> None:
    without, short = drawn(), drawn("1.5 us")
    assert "upper_quality" not in dump_world(without)
    mine, other = (one.nodes["node_a"].qubits["q0"] for one in (without, short))
    changed = {"upper_quality_factor", "white_dephasing", "frequency_noise"}
    for name in set(type(mine).model_fields) - changed:
        assert getattr(mine, name) == getattr(other, name), name
