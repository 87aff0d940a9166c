"""Programs that begin on the external trigger, as the emulator plays them."""

import numpy as np
import pytest
from tests.control.compilers.qblox.example_programs import first_light, rabi, target
from tests.control.compilers.qblox.played import emulate, processors

from podium.control.compilers.qblox.compile import compile_program
from podium.firmware_interfaces.qblox_cluster.limits import SYNC_NS
from podium.firmware_interfaces.qblox_cluster.program import ExternalStart
from podium.sim_instruments.twins.qblox_cluster.q1_processor import Trigger, run_together

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
