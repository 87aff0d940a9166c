"""Worlds with edges have couplers and lines with a response, and the truth names them."""

from pathlib import Path

import pytest

from podium.firmware_interfaces.yaml_text import parse_yaml
from podium.sim_instruments.physics.design import design_of
from podium.sim_instruments.physics.flux_truth import coupler_truth, flux_line_truth
from podium.sim_instruments.physics.sampling import draw_world, sample
from podium.sim_instruments.physics.world_file import WorldFileError, dump_world, parse_world

EXAMPLES = Path(__file__).parents[3] / "examples"
TWO = EXAMPLES / "two_qubit" / "facility.yaml"


def with_coupler():
    """The example, with a coupler between its qubits."""
    tree = parse_yaml(TWO.read_bytes())
    node = tree["nodes"]["node_a"]
    node["couplers"] = {
        "c01": {"design": {"f01": "7.4 GHz", "anharmonicity": "-150 MHz", "t1": "20 us"}}
    }
    node["edges"]["q0_q1"] |= {
        "coupler": "c01",
        "exchange_first": "80 MHz",
        "exchange_second": "75 MHz",
    }
    tree["wiring"]["node_a.c01.flux"] = tree["wiring"]["node_a.q1.flux"]
    return tree


def test_lines_of_a_node_with_edges_are_drawn_and_others_are_ideal() -> None:
    world = sample(TWO, 7)
    assert parse_world(dump_world(world)) == world
    told = flux_line_truth(world.chip())
    line = world.nodes["node_a"].flux_lines["q0"]
    assert told["node_a.q0.flux_tau4"].value == pytest.approx(line.exponentials[3].tau.value)
    assert told["node_a.q0.flux_amplitude1"].value == line.exponentials[0].amplitude.value
    assert 2e-9 <= told["node_a.q1.flux_tau1"].value < told["node_a.q1.flux_tau4"].value <= 50e-6
    assert abs(told["node_a.q1.pulsed_crosstalk_q0"].value) < 0.02
    other = sample(TWO, 8).nodes["node_a"].flux_lines["q0"]
    assert other.exponentials[0].amplitude.value != line.exponentials[0].amplitude.value
    ideal = sample(EXAMPLES / "first_light" / "facility.yaml", 7)
    assert not ideal.nodes["node_a"].flux_lines
    assert not flux_line_truth(ideal.chip())


def test_pulses_from_the_output_that_holds_the_bias_pass_no_bias_tee() -> None:
    tree = parse_yaml(TWO.read_bytes())
    with_tee = draw_world(design_of(tree, "a file"), 7).nodes["node_a"].flux_lines
    flux = tree["wiring"]["node_a.q0.flux"]
    flux |= {"source": flux["output"], "line_attenuation": "0 dB"}
    world = draw_world(design_of(tree, "a file"), 7)
    lines = world.nodes["node_a"].flux_lines
    assert with_tee["q0"].high_pass is not None
    assert lines["q0"].high_pass is None
    assert lines["q0"].exponentials == with_tee["q0"].exponentials
    assert lines["q1"] == with_tee["q1"]
    assert "node_a.q0.flux_high_pass" not in flux_line_truth(world.chip())


def test_ideal_lines_leave_all_else_as_it_is() -> None:
    drawn, ideal = sample(TWO, 7), sample(TWO, 7, ideal_lines=True)
    assert not ideal.nodes["node_a"].flux_lines
    assert not flux_line_truth(ideal.chip())
    lines = drawn.nodes["node_a"].flux_lines
    node = ideal.nodes["node_a"].model_copy(update={"flux_lines": lines})
    assert ideal.model_copy(update={"nodes": {"node_a": node}}) == drawn


def test_a_coupler_is_drawn_from_its_design_and_told() -> None:
    world = draw_world(design_of(with_coupler(), "a file"), 3)
    node, chip = world.nodes["node_a"], world.chip()
    assert parse_world(dump_world(world)) == world
    assert node.edges["q0_q1"].pulsed == "c01"
    assert {frozenset(one.ends) for one in node.couplings.values()} == {
        frozenset({"q0", "q1"}),
        frozenset({"q0", "c01"}),
        frozenset({"q1", "c01"}),
    }
    told = coupler_truth(chip, chip.sweet_spots_v())
    # f01 of the design is without the qubits, which push it up
    assert told["node_a.c01.f01"].value == pytest.approx(7.4e9, rel=0.05)
    assert told["node_a.c01.t1"].value == pytest.approx(20e-6, rel=0.1)
    assert "node_a.c01.flux" in chip.flux_lines
    assert "c01" in node.flux_lines


def test_a_line_that_nobody_has_is_refused() -> None:
    text = dump_world(sample(TWO, 7)).replace(
        "      q0:\n        delay:", "      q5:\n        delay:"
    )
    with pytest.raises(WorldFileError, match="q5, which has no flux line"):
        parse_world(text)
