"""Flux lines that are undone: they go beside the program, to the controllers that can."""

from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest

from podium.control.client.line_corrections import check_lines, stored_lines, without_delays
from podium.control.compilers.errors import DoesNotFit
from podium.control.facility.facility import Facility
from podium.control.facility.line_response import LineResponse, response_of
from podium.control.facility.load import load_facility
from podium.control.families.family import compiler_for, families_of, with_lines
from podium.control.parameters.entry import ParameterEntry
from podium.control.parameters.store import ParameterStore
from podium.control.program.program import Delay, Frame, Play, Program
from podium.control.program.waveforms import Square
from podium.control.runs.errors import RunRefused
from podium.control.timebase.timed_program import (
    TimedProgram,
    name_of,
    timed_from_json,
    timed_to_json,
)
from podium.firmware_interfaces.qblox_cluster.program import ClusterProgram
from podium.firmware_interfaces.zurich.rack import ZurichRack

EXAMPLES = Path(__file__).parents[3] / "examples" / "two_qubit"
PORT = "node_a.q0.flux"
LINE = LineResponse(((-0.03, 5e-9), (0.015, 60e-9)), 400e-6)
PROGRAM = Program(
    "p", (Frame("f", PORT, 0.0),), (Play("f", Square(ns=40), 0.5), Delay(("f",), ns=2000))
)


@pytest.fixture(scope="module")
def facility() -> Facility:
    return load_facility(EXAMPLES / "facility.yaml")


def test_lines_go_with_a_program_and_come_back_equal() -> None:
    text = timed_to_json(TimedProgram(PROGRAM, {}, {PORT: LINE}))
    back = timed_from_json(text)
    assert (back.program, back.lines) == (PROGRAM, {PORT: LINE})
    assert name_of(PROGRAM, {}) != name_of(PROGRAM, {PORT: LINE})
    assert name_of(PROGRAM, {PORT: LINE}) != name_of(PROGRAM, {PORT: replace(LINE, high_pass_s=1)})


def test_the_same_program_is_compiled_with_and_without_lines(facility: Facility) -> None:
    compiler = compiler_for(facility)
    (plain,), (undone,) = (
        made.values() for made in (compiler(PROGRAM), compiler.undoing({PORT: LINE})(PROGRAM))
    )
    assert isinstance(plain, ClusterProgram)
    assert isinstance(undone, ClusterProgram)
    assert plain.modules[0].filters["out0"]["exp0_config"] == "bypassed"
    assert undone.modules[0].filters["out0"]["exp0_config"] == "enabled"
    assert any("60 ns by exponential filter 0" in one for one in undone.resources[0].undoes)
    assert undone.duration_fs - plain.duration_fs == (60 + 2 * 50 + 80) * 10**6


def test_lines_of_other_controllers_are_left_to_them(facility: Facility) -> None:
    family = families_of(facility)["cluster_a"]
    assert with_lines(family, "cluster_a", {"node_b.q0.flux": LINE}) is family
    assert with_lines(family, "cluster_a", {PORT: LINE}) is with_lines(
        family, "cluster_a", {PORT: LINE}
    )


def test_a_port_that_plays_no_pulses_is_refused(facility: Facility) -> None:
    check_lines(facility, {PORT: LINE})
    with pytest.raises(RunRefused, match=r"node_a.q0.drive is no flux line that pulses are played"):
        check_lines(facility, {"node_a.q0.drive": LINE})


def test_responses_are_taken_from_the_store(facility: Facility, tmp_path: Path) -> None:
    values = {"flux_amplitude1": -0.03, "flux_tau1": 5e-9, "flux_high_pass": 400e-6, "f01": 6e9}
    with ParameterStore(tmp_path / "p.sqlite") as store:
        store.put(
            ParameterEntry(f"node_a.q0.{name}", value, 1e-12, "s", "r", "line", 1.8e9, 0)
            for name, value in values.items()
        )
        # A high-pass is not undone: its filter sums up what is played until it overflows.
        assert stored_lines(facility, store) == {PORT: LineResponse(((-0.03, 5e-9),), None)}
        store.put([ParameterEntry("node_a.q1.flux_tau2", 1e-8, 1e-9, "s", "r", "line", 1.8e9, 0)])
        with pytest.raises(RunRefused, match="flux_tau2 is there without flux_amplitude2"):
            stored_lines(facility, store)
    assert response_of({"f01": 6e9}) is None


def test_a_delay_is_taken_from_the_store_and_goes_with_a_program() -> None:
    late = response_of({"flux_delay": 3.4e-9})
    assert late == LineResponse(delay_s=3.4e-9)
    assert late is not None
    assert not late.distorts
    both = {PORT: replace(LINE, delay_s=-2e-9), "node_a.q1.flux": late}
    assert timed_from_json(timed_to_json(TimedProgram(PROGRAM, {}, both))).lines == both
    assert "delay" not in timed_to_json(TimedProgram(PROGRAM, {}, {PORT: LINE}))
    assert without_delays(both) == {PORT: LINE}
    with pytest.raises(ValueError, match=r"would arrive 0\.001 s later .* at most 1e-06"):
        response_of({"flux_delay": 1e-3})


def test_a_reflection_of_0_is_none() -> None:
    delay = {"flux_reflection_delay": 11e-9}
    assert response_of({"flux_reflection": 0.0, **delay}) is None
    found = response_of({"flux_reflection": 1e-3, **delay})
    assert found == LineResponse(reflection=(1e-3, 11e-9))


class Plain:
    """A family that sets no filters."""

    ports: ClassVar = {"box": {PORT}}


def test_controllers_without_filters_refuse_lines() -> None:
    with pytest.raises(DoesNotFit, match=r"box: the response of node_a.q0.flux is to be undone"):
        with_lines(Plain(), "box", {PORT: LINE})  # type: ignore[arg-type]


def test_an_hdawg_undoes_lines_by_its_filters_and_says_so() -> None:
    compiler = compiler_for(load_facility(EXAMPLES / "facility_zi.yaml"))
    (rack,) = compiler.undoing({PORT: LINE})(PROGRAM).values()
    assert isinstance(rack, ZurichRack)
    (awg,) = rack.programs
    (words,) = awg.resources[0].undoes
    assert words.startswith("node_a.q0.flux: 60 ns by exponential filter 0; 5 ns by the FIR filter")
    assert "the high-pass of 400 us by the high-pass filter; nothing in samples" in words
    assert f"undone: {words}" in awg.listing
    (plain,) = compiler(PROGRAM).values()
    assert isinstance(plain, ZurichRack)
    assert plain.programs[0].resources[0].undoes == ()
