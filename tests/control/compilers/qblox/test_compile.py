import json
from dataclasses import replace

import pytest
from tests.benches.programs.edge_programs import kept_shots, phases_of_two_axes
from tests.benches.programs.example_programs import (
    first_light,
    punch_out,
    rabi,
    single_shot,
    target,
    time_of_flight,
)

from podium.control.compilers.qblox.compile import compile_program
from podium.firmware_interfaces.compiled_program import ExternalTone
from podium.firmware_interfaces.qblox_cluster.program import (
    from_plain,
    to_plain,
)

PROGRAMS = first_light()


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_artifact_goes_through_json(name: str) -> None:
    compiled = compile_program(PROGRAMS[name], target())
    assert from_plain(json.loads(json.dumps(to_plain(compiled)))) == compiled


def test_the_same_program_gives_the_same_text() -> None:
    assert compile_program(rabi(), target()) == compile_program(rabi(), target())


def test_modules_tones_and_connectors_are_those_of_the_ports() -> None:
    compiled = compile_program(rabi(), target())
    assert compiled.cluster == "cluster_a"
    assert compiled.tones == {"lo_q2": ExternalTone(4.9e9, 0.0)}
    readout, rf_drive, baseband = compiled.modules
    assert (readout.slot, readout.module, readout.lo_hz) == (2, "QRM-RF", {"out0": 7.2e9})
    assert readout.output_attenuation_db == {"out0": 30}
    assert readout.input_attenuation_db == {"in0": 0}
    assert rf_drive.lo_hz == {"out0": 5.8e9, "out1": 5.0e9}
    assert (baseband.slot, baseband.lo_hz) == (6, {})
    by_frame = {sequencer.frame: sequencer for sequencer in compiled.sequencers}
    assert by_frame["q2.drive"].output == "out0_1"
    assert by_frame["q2.drive"].nco_hz == pytest.approx(0.3e6)
    assert by_frame["q1.readout"].input == "in0"
    assert [s.sequencer for s in compiled.sequencers if s.slot == 2] == [0, 1, 2]
    assert by_frame["q0.drive"].integration_ns == 0
    assert by_frame["q0.readout"].integration_ns == 800


def test_results_say_where_each_capture_lies_and_its_shape() -> None:
    first, second = compile_program(kept_shots(), target()).results
    assert (first.capture, second.capture) == ("first", "second")
    assert (first.axes, first.shape, first.shots, first.keep_shots) == (("a",), (5,), 4, True)
    (layout, *_) = compile_program(punch_out(), target()).results
    assert (layout.axes, layout.shape) == (("amplitude", "frequency"), (7, 13))
    bins = {
        a.bins for s in compile_program(single_shot(), target()).sequencers for a in s.acquisitions
    }
    assert bins == {50}


def test_a_trace_is_taken_from_the_first_sequencer_that_captures() -> None:
    compiled = compile_program(time_of_flight(), target())
    assert compiled.modules[0].scope_sequencer == 0
    assert [layout.trace for layout in compiled.results] == [True]
    without = compile_program(replace(time_of_flight(), trace=False), target())
    assert without.modules[0].scope_sequencer is None
    assert [layout.trace for layout in without.results] == [False]


def test_three_qubits_take_their_own_amplitudes_from_one_axis() -> None:
    compiled = compile_program(rabi(), target())
    amplitudes = {
        entry.frame: entry for entry in compiled.quantised if entry.quantity == "amplitude"
    }
    for k in range(3):
        entry = amplitudes[f"q{k}.drive"]
        assert entry.axes == ("amplitude",)
        assert entry.asked[-1] == pytest.approx(0.9 / (k + 1))


def test_more_points_and_shots_take_no_more_instructions() -> None:
    small = compile_program(rabi(51, 2), target())
    large = compile_program(rabi(101, 4096), target())
    assert [use.instructions for use in small.resources] == [
        use.instructions for use in large.resources
    ]


def test_the_listing_says_what_each_line_is_for() -> None:
    listing = compile_program(rabi(), target()).listing
    assert "q2.drive" in listing
    assert "play 0 Drag" in listing
    assert "/16384" in listing


def test_equal_shapes_share_waveform_memory() -> None:
    (drive, *_) = (
        s for s in compile_program(PROGRAMS["echo"], target()).sequencers if s.frame == "q0.drive"
    )
    assert [len(w.samples) for w in drive.waveforms] == [40, 40]  # real and imaginary part


def test_a_phase_that_two_axes_add_up_to_stays_below_one_turn() -> None:
    """The emulator takes any phase; the operand of set_ph goes to one turn."""
    text = compile_program(phases_of_two_axes(), target()).sequencers[0].text.splitlines()
    sums = [k for k, line in enumerate(text) if line.startswith("add") and "cmp" in text[k + 2]]
    assert any(line.startswith("set_ph R") for line in text)
    assert len(sums) >= 2
