"""What arrives in other loops is taken away by the inverse of all that arrives."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from podium.control.client.line_corrections import LineCorrections, check_lines, stored_lines
from podium.control.client.pulsed_crosstalk import stored_crosstalk
from podium.control.facility.facility import Facility, FluxWiring
from podium.control.facility.frozen_map import FrozenMap
from podium.control.facility.line_response import Cancel, LineResponse
from podium.control.facility.load import load_facility
from podium.control.parameters.entry import ParameterEntry
from podium.control.parameters.memory_record import MemoryRecord
from podium.control.program.program import Frame, Program
from podium.control.runs.errors import RunRefused

EXAMPLES = Path(__file__).parents[3] / "examples" / "two_qubit"
FLUXES = ("node_a.q0.flux", "node_a.q1.flux")


@pytest.fixture(scope="module")
def facility() -> Facility:
    return load_facility(EXAMPLES / "facility.yaml")


def record_of(values: dict[str, float]) -> MemoryRecord:
    record = MemoryRecord()
    record.put(
        ParameterEntry(f"node_a.{name}", value, 1e-6, "1", "r", "pulsed_crosstalk", 1.8e9, 0)
        for name, value in values.items()
    )
    return record


def test_with_what_lines_play_no_other_loop_has_anything_left(facility: Facility) -> None:
    arrives = np.array([[1.0, -0.08], [0.05, 1.0]])
    record = record_of(
        {
            "q0.pulsed_crosstalk_amplitude_q1": arrives[0, 1],
            "q1.pulsed_crosstalk_amplitude_q0": arrives[1, 0],
        }
    )
    played = np.eye(2)
    for port, cancels in stored_crosstalk(facility, record).items():
        for one in cancels:
            played[FLUXES.index(port), FLUXES.index(one.source)] = one.part
    assert np.array_equal(np.diag(played), [1, 1]), "a pulse stays as it is on its own line"
    left = arrives @ played
    assert abs(left[0, 1]) < 1e-15
    assert abs(left[1, 0]) < 1e-15
    assert np.diag(left) == pytest.approx(1, abs=5e-3)


def test_where_one_way_was_measured_only_that_is_taken_away(facility: Facility) -> None:
    record = record_of({"q1.pulsed_crosstalk_amplitude_q0": 0.05, "q1.flux_delay": 2e-9})
    q1 = LineResponse(delay_s=2e-9, cancels=(Cancel(FLUXES[0], -0.05),))
    lines = stored_lines(facility, record)
    assert lines == {FLUXES[1]: q1}
    corrections = LineCorrections(facility, {})
    corrections.replace(lines)
    for port, found in ((FLUXES[0], lines), (FLUXES[1], lines), ("node_a.q0.drive", {})):
        assert corrections.of(Program("p", (Frame("f", port, 0.0),), ())) == found
    assert stored_crosstalk(facility, record_of({"q0.pulsed_crosstalk_q1": 0.05})) == {}


def test_more_in_other_loops_than_in_the_own_one_is_no_crosstalk(facility: Facility) -> None:
    with pytest.raises(RunRefused, match="measure it anew by `pulsed_crosstalk`"):
        stored_crosstalk(facility, record_of({"q1.pulsed_crosstalk_amplitude_q0": -1.1}))


def test_what_another_controller_would_have_to_play_is_refused(facility: Facility) -> None:
    wiring = facility.wiring[FLUXES[1]]
    assert isinstance(wiring, FluxWiring)
    assert wiring.pulses is not None
    pulses = replace(wiring.pulses, output=replace(wiring.pulses.output, instrument="cluster_b"))
    other = FrozenMap({**facility.wiring, FLUXES[1]: replace(wiring, pulses=pulses)})
    lines = {FLUXES[1]: LineResponse(cancels=(Cancel(FLUXES[0], -0.05),))}
    check_lines(facility, lines)
    with pytest.raises(RunRefused, match=r"q1.flux of cluster_b .* on node_a.q0.flux, which clus"):
        check_lines(replace(facility, wiring=other), lines)
