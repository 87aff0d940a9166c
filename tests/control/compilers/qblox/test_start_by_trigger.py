"""Programs that begin on the external trigger, as the emulator plays them."""

import numpy as np
import pytest
from tests.benches.compilers.qblox_playback import emulate, processors, shot
from tests.benches.programs.example_programs import NS, first_light, rabi, target

from podium.control.compilers.qblox.compile import compile_program
from podium.control.compilers.qblox.emit import LEAD_NS
from podium.control.compilers.qblox.start import preamble_ns
from podium.control.program.envelopes import sample_envelope
from podium.control.program.program import Delay, Frame, Play, Program
from podium.control.program.waveforms import Drag, FlatTop, Gaussian
from podium.control.timebase.skew_ledger import split
from podium.firmware_interfaces.exact_time import TickGrid
from podium.firmware_interfaces.qblox_cluster.limits import SYNC_NS
from podium.firmware_interfaces.qblox_cluster.program import ExternalStart
from podium.sim_instruments.twins.qblox_cluster.processor.q1_group import run_together
from podium.sim_instruments.twins.qblox_cluster.processor.q1_processor import Trigger

ARRIVAL_NS = 1_000_000


def triggered(start: ExternalStart, name: str = "rabi"):
    compiled = compile_program(first_light()[name] if name != "rabi" else rabi(), target(), start)
    traces = run_together(processors(compiled), triggers=[Trigger(ARRIVAL_NS, start.address)])
    return compiled, traces


@pytest.mark.parametrize("offset_ns", [0, 1, 3, 4, 65_000, 1_000_000])
def test_the_first_shot_comes_when_the_program_says(offset_ns: int) -> None:
    compiled, traces = triggered(ExternalStart(3, offset_ns))
    released_ns = ARRIVAL_NS + 4 + SYNC_NS
    assert {int(trace.time_ns[1]) for trace in traces} == {released_ns + compiled.first_shot_ns}
    last_ns = max(trace.end_ns for trace in traces)
    tail_ns = last_ns - released_ns - compiled.duration_fs // 1_000_000
    assert 0 <= tail_ns <= 8, "and the last shot ends with the computed duration"


@pytest.mark.parametrize("name", first_light())
def test_a_trigger_changes_nothing_of_the_shots(name: str) -> None:
    _, traces = triggered(ExternalStart(15), name)
    at_once = emulate(compile_program(first_light()[name], target()))
    for ours, theirs in zip(traces, at_once, strict=True):
        assert np.array_equal(np.diff(ours.time_ns[1:]), np.diff(theirs.time_ns[1:]))
        for column in ("wave0", "gain0", "offs0", "nco_freq", "marker", "bin"):
            assert np.array_equal(getattr(ours, column), getattr(theirs, column)), column
        assert np.array_equal(ours.nco_phase[1:], theirs.nco_phase[1:])
        assert ours.flags == theirs.flags == ()


def centre_ns(samples: np.ndarray) -> float:
    return float(np.sum(samples * (np.arange(len(samples)) + 0.5)) / np.sum(samples))


@pytest.mark.parametrize("late_fs", [1_000, 250_000, 500_000, 999_999])
def test_the_rest_of_a_skew_is_taken_out_by_the_shapes_of_pulses(late_fs: int) -> None:
    ticks = round(late_fs / 1e6 + 1e-9)  # what is nearest, and the rest to either side
    on_ticks, late = (
        compile_program(rabi(), target(), start)
        for start in (ExternalStart(3, 5 + ticks), ExternalStart(3, 5, late_fs))
    )
    assert late.first_shot_ns == on_ticks.first_shot_ns
    moved = 0
    for ours, theirs in zip(late.sequencers, on_ticks.sequencers, strict=True):
        assert ours.text == theirs.text, "no instant on the grid has changed"
        for one, other in zip(ours.waveforms, theirs.waveforms, strict=True):
            assert len(one.samples) == len(other.samples)
            if one.name.startswith(("gaussian_i", "drag_i")):
                moved += 1
                shift_ns = centre_ns(np.array(one.samples)) - centre_ns(np.array(other.samples))
                assert ticks + shift_ns == pytest.approx(late_fs / 1e6, abs=0.001)
    assert moved


@pytest.mark.parametrize("delay_fs", [0, 1_234_567, 7_499_999, 7_500_000, 12_999_999])
def test_what_is_heard_of_soft_pulses_comes_later_by_all_of_a_skew(delay_fs: int) -> None:
    frame = Frame("f", "node_a.q0.drive", target().ports["node_a.q0.drive"].lo_hz)
    grid = TickGrid.from_rate_hz(1_000_000_000)
    for wave in (Gaussian(40 * NS, 10 * NS), FlatTop(80 * NS, 12 * NS), FlatTop(80 * NS, 2 * NS)):
        for between_fs in (0, 330_000):
            body = (
                Delay(("f",), 8 * NS + between_fs),
                Play("f", wave, 0.9),
                Delay(("f",), 5000 * NS - between_fs),
            )
            part = split(delay_fs, grid)
            start = ExternalStart(3, part.ticks, int(part.remainder_fs))
            compiled = compile_program(Program("p", (frame,), body), target(), start)
            (trace,) = run_together(processors(compiled), triggers=[Trigger(ARRIVAL_NS, 3)])
            first_ns = int(trace.time_ns[1])
            heard = shot(compiled.sequencers[0], trace, first_ns, 200).words.real
            edge_ns = first_ns - (ARRIVAL_NS + 4 + SYNC_NS) - preamble_ns(None) - LEAD_NS + 4
            due_ns = 8 + (between_fs + delay_fs + wave.duration_fs // 2) / 1e6
            # a picosecond, and what rounding each sample to a word leaves
            assert edge_ns + centre_ns(heard) == pytest.approx(due_ns, abs=0.002)


@pytest.mark.parametrize("late_fs", [-500_001, 1_000_000])
def test_a_rest_of_a_tick_or_more_is_refused(late_fs: int) -> None:
    with pytest.raises(ValueError, match="whole ticks belong into offset_ns"):
        compile_program(rabi(), target(), ExternalStart(3, 0, late_fs))


@pytest.mark.parametrize("late_fs", [0, 300_000])
def test_a_late_program_is_what_the_reference_renderer_says(late_fs: int) -> None:
    compiled = compile_program(rabi(), target(), ExternalStart(3, 0, late_fs))
    shapes = {play.waveform for play in rabi().body if isinstance(play, Play)}
    stored = {wave.samples for one in compiled.sequencers for wave in one.waveforms}
    for shape in shapes:
        if isinstance(shape, Gaussian | Drag):
            ideal = sample_envelope(shape, late_fs).real
            assert any(
                len(held) == len(ideal) and np.abs(np.array(held) - ideal).max() <= 0.5 / 32767
                for held in stored
            )


def test_without_a_trigger_nothing_is_played() -> None:
    compiled = compile_program(rabi(), target(), ExternalStart(1))
    traces = run_together(processors(compiled), triggers=[Trigger(1000, 2)])
    assert all(len(trace) == 1 for trace in traces), "outputs on, and no more"


@pytest.mark.parametrize(
    ("start", "told"),
    [
        (ExternalStart(0), "addresses 1 to 15"),
        (ExternalStart(16), "addresses 1 to 15"),
        (ExternalStart(1, -1), "0 to 1000000000 ns"),
        (ExternalStart(1, 10**9 + 1), "0 to 1000000000 ns"),
    ],
)
def test_a_start_that_does_not_exist_is_refused(start: ExternalStart, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        compile_program(rabi(), target(), start)


def test_a_start_at_once_is_what_it_was() -> None:
    compiled = compile_program(rabi(), target())
    assert compiled.start is None
    assert "wait_trigger" not in compiled.sequencers[0].text
    waiting = compile_program(rabi(), target(), ExternalStart(3, 5))
    for sequencer in waiting.sequencers:
        words = " ".join(sequencer.text.split())
        assert "upd_param 4 wait_trigger 3,4 wait_sync 4 wait" in words
