"""A run's signals are the same, whether its trace is kept as a whole or taken in parts."""

import dataclasses

import numpy as np
import pytest
from tests.benches.qblox_cluster.output_stage import run_of

from podium.firmware_interfaces.qblox_cluster.q1asm import assemble
from podium.sim_instruments.physics.deduplicate import EqualArrays
from podium.sim_instruments.twins.qblox_cluster.inputs import input_stage
from podium.sim_instruments.twins.qblox_cluster.outputs.output_stage import SwitchTimeline
from podium.sim_instruments.twins.qblox_cluster.processor import written_rows
from podium.sim_instruments.twins.qblox_cluster.processor.q1_group import Q1Group
from podium.sim_instruments.twins.qblox_cluster.runs.performance import (
    processors_of,
    sequencer_signals,
    taken_signals,
    with_shared_arrays,
)
from podium.sim_instruments.twins.qblox_cluster.runs.sequencer_run import SequencerRun

LOOP = """
      move 0,R1
      move 300,R0
loop: reset_ph
      set_mrk 3
      set_awg_gain R1,R1
      play 0,1,60
      set_mrk 1
      upd_param 300
      set_awg_offs 900,0
      upd_param 8
      set_awg_offs 0,0
      acquire 0,0,1200
      add R1,97,R1
      nop
      loop R0,@loop
      stop
"""
OUT_OF_STEP = LOOP.replace("reset_ph", "nop").replace("set_awg_gain R1,R1", "set_awg_gain 900,5")
SWITCH = {0: SwitchTimeline(np.arange(0, 400_000, 777), np.arange(515) % 5 != 1)}


def readout(text: str, model: str = "QRM-RF") -> SequencerRun:
    return dataclasses.replace(
        run_of(model), program=assemble(text), acquisitions={0: 1}, inputs=((0,), (1,))
    )


def flat(value: object) -> list[object]:
    """Return all that a value holds, arrays as themselves."""
    if dataclasses.is_dataclass(value) and not isinstance(value, SequencerRun):
        return [x for one in dataclasses.fields(value) for x in flat(getattr(value, one.name))]
    if isinstance(value, tuple | list):
        return [x for one in value for x in flat(one)]
    return [value]


@pytest.mark.parametrize("text", [LOOP, OUT_OF_STEP])
@pytest.mark.parametrize("most", [50, 4096])
def test_signals_of_parts_are_those_of_the_whole_trace(text, most, monkeypatch) -> None:
    run = readout(text)
    group = Q1Group(processors_of((run,)))
    group.proceed(())
    (trace,) = group.traces()
    wanted = sequencer_signals(run, trace, SWITCH)
    monkeypatch.setattr(written_rows, "FIRST_ROWS", most)
    monkeypatch.setattr(written_rows, "MOST_ROWS", most)
    again = Q1Group(processors_of((run,)))
    again.proceed(())
    parts, thin = taken_signals(run, again.runs[0], SWITCH)
    parts = with_shared_arrays(parts, EqualArrays())
    assert thin.end_ns == trace.end_ns
    assert thin.flags == trace.flags
    assert len(thin) < len(trace)
    assert wanted[0][0].start_ns.size > 300
    found = flat(parts)
    for one, other in zip(flat(wanted), found, strict=True):
        if isinstance(one, np.ndarray):
            assert one.dtype == other.dtype
            assert np.array_equal(one, other)
        else:
            assert one == other or one is other
    assert len(again.runs[0].trace()) == 0, "its rows are forgotten"


def test_markers_are_those_of_the_whole_trace() -> None:
    run = readout(LOOP)
    group = Q1Group(processors_of((run,)))
    group.proceed(())
    thin = group.runs[0].acquisitions_and_markers()
    trace = group.runs[0].trace()
    at = np.searchsorted(thin.time_ns, trace.time_ns, side="right") - 1
    assert np.array_equal(thin.marker[at], trace.marker)


def test_acquisitions_are_binned_alike_however_many_at_a_time(monkeypatch) -> None:
    run = readout(LOOP)
    group = Q1Group(processors_of((run,)))
    group.proceed(())
    listened = input_stage.listening(run, group.traces()[0])
    random = np.random.default_rng(2)
    means = random.normal(size=300) + 1j * random.normal(size=300)
    answers = (input_stage.CaptureAnswer(0.1 * means, None),) * len(listened.trains)
    whole = input_stage.heard(listened, answers)
    monkeypatch.setattr(input_stage, "AT_A_TIME", 7)
    found = input_stage.heard(listened, answers)
    assert found.flags == whole.flags
    assert "ACQ INTEGRATOR OUT-OF-RANGE PATH 0" in found.flags
    assert whole.bins[0]["average_count"].tolist() == [300]
    assert np.array_equal(whole.bins[0], found.bins[0])
