"""The line of a coupler between two fluxoniums, by the design, and what a file is refused for."""

from pathlib import Path
from typing import Any

import pytest
from tests.benches.facility.fluxonium_pair import written

from podium.control.facility.coupler_lines import design_rest_v, driven_edge, lines_of, plasmon_hz
from podium.control.facility.load import load_facility
from podium.control.facility.mixers import mixer_port
from podium.control.facility.problems import FacilityError
from podium.sim_instruments.facilities.one_instrument import facility_of

WORLD_GHZ = {(0, 0): 4.5437, (0, 1): 4.4554, (1, 0): 4.4768, (1, 1): 4.4026}
"""Of a world of ding2023, by the levels of both ends: seed 4."""
CHARGES = {(0, 0): 0.627, (0, 1): 0.565, (1, 0): 2.389, (1, 1): 2.110}
"""What a drive of the first end moves there, over its 0-1 transition."""


def tree() -> dict[str, Any]:
    return facility_of("qblox_cluster", "ding2023", 2)


def test_a_coupler_has_a_line_for_each_pair_of_levels(tmp_path: Path) -> None:
    facility = load_facility(written(tree(), tmp_path))
    node = facility.nodes["node_a"]
    edge = driven_edge(facility, node.qubits["q0"])
    assert edge is not None
    assert (edge.played, edge.gate_port) == ("plasmon cz", "node_a.q0.plasmon")
    assert driven_edge(facility, node.qubits["q1"]) is None
    lines = lines_of(node, edge, design_rest_v(node, edge))
    for levels, ghz in WORLD_GHZ.items():
        assert lines.frequency_hz[levels] == pytest.approx(ghz * 1e9, abs=25e6)
        assert lines.charge[levels] == pytest.approx(CHARGES[levels], rel=0.1)
    assert plasmon_hz(facility, node.qubits["q0"]) == lines.frequency_hz[1, 1]
    mixer = mixer_port(facility, "node_a.q0.plasmon")
    assert mixer is not None
    assert mixer.intermediate_hz == pytest.approx(lines.frequency_hz[1, 1] - 4.75e9)


def test_an_output_that_does_not_reach_the_couplers_line_is_refused(tmp_path: Path) -> None:
    far = tree()
    far["wiring"]["node_a.q0.plasmon"]["lo"] = "5.2 GHz"
    with pytest.raises(
        FacilityError, match=r"node_a\.c01's line with q0 in 1, where it rests, of 4\."
    ):
        load_facility(written(far, tmp_path))
