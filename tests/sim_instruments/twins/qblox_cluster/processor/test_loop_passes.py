"""Passes of loops that are left out leave what they would have left: rows, registers and times."""

from collections import Counter
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.benches.thoroughness import cases

from podium.firmware_interfaces.qblox_cluster.q1asm import assemble
from podium.sim_instruments.twins.qblox_cluster.processor import loop_passes, q1_run, written_rows
from podium.sim_instruments.twins.qblox_cluster.processor.q1_processor import (
    Limits,
    Q1Processor,
    SequencerSetup,
)
from podium.sim_instruments.twins.qblox_cluster.processor.q1_run import Q1Run
from podium.sim_instruments.twins.qblox_cluster.processor.real_time_trace import (
    Ending,
    RealTimeTrace,
)

SETUP = SequencerSetup(
    waveform_lengths={0: 100},
    weight_lengths={0: 100},
    acquisition_bins={0: 4000, 1: 3},
    readout=True,
    nco_freq=123_456_789,
)
SHOTS = """
    move {shots},R0
    move 0,R1
shot:
    reset_ph
    set_awg_gain 100,-100
    move 20,R2
    move 4,R3
point:
    wait 900
    play 0,0,100
    wait R3
    acquire 0,R1,1000
    add R1,1,R1
    add R3,8,R3
    sub R2,1,R2
    jnz @point
    {between}
    sub R0,1,R0
    jnz @shot
    upd_param 8
    stop
"""


def run_of(text: str, setup: SequencerSetup = SETUP, limits: Limits | None = None) -> Q1Run:
    """Return a run that has come to its end; it never waits for others."""
    run = Q1Run(Q1Processor(assemble(text), setup), limits or Limits())
    run.proceed()
    while run.ending is Ending.WAITS_FOR_SYNC:
        run.resume_at(run.time_ns)
    return run


def both_ways(
    text: str, setup: SequencerSetup = SETUP, limits: Limits | None = None
) -> tuple[RealTimeTrace, int, int]:
    """Return the trace, rows that were not executed, and all; each pass executed gives the same."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(q1_run, "may_repeat", lambda processor: False)
        wanted = run_of(text, setup, limits).trace()
    run = run_of(text, setup, limits)
    left_out = sum(
        rows.count for rows in run.written.stretches() if isinstance(rows, q1_run.RepeatedRows)
    )
    found = run.trace()
    for one in fields(RealTimeTrace):
        mine, other = getattr(found, one.name), getattr(wanted, one.name)
        assert np.array_equal(mine, other), f"{one.name}: {mine} in place of {other}"
    return found, left_out, len(found)


@pytest.fixture(autouse=True)
def looked_at_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let programs of a few rows be long ones."""
    monkeypatch.setattr(written_rows, "FIRST_ROWS", 8)
    for room in (q1_run, written_rows):
        monkeypatch.setattr(room, "MOST_ROWS", 64)
    monkeypatch.setattr(loop_passes, "WORTH_REPEATING", 30)


def test_shots_of_a_sweep_are_executed_a_few_times() -> None:
    _, left_out, rows = both_ways(SHOTS.format(shots=500, between="move 0,R1"))
    assert left_out > 0.9 * rows


def test_bins_count_on_from_shot_to_shot_as_far_as_there_are_any() -> None:
    trace, left_out, rows = both_ways(SHOTS.format(shots=150, between=""))
    assert left_out > 0.9 * rows
    assert trace.bin.max() == 2999
    assert not trace.flags
    trace, left_out, _ = both_ways(SHOTS.format(shots=250, between=""))
    assert left_out
    assert trace.bin.max() == 3999
    assert trace.flags == ("ACQ BIN INDEX INVALID",)


@pytest.mark.parametrize(
    "between",
    [
        "and R1,63,R1",  # names bins, and not by adding
        "add R5,1,R5\n nop\n wait R5\n",  # each pass is longer
        "wait_sync 4",  # others decide when it goes on
        "set_mrk R5\n add R5,1,R5",
        "latch_rst 4\n set_cond 1,1,0,4\n upd_param 4\n set_cond 0,0,0,4",
    ],
)
def test_passes_that_differ_are_executed(between: str) -> None:
    _, left_out, _ = both_ways(SHOTS.format(shots=60, between=f"move 0,R1\n{between}"))
    assert not left_out


def test_an_oscillator_that_runs_on_is_ahead_by_as_much_each_time() -> None:
    text = SHOTS.format(shots=300, between="move 0,R1").replace("reset_ph", "")
    trace, left_out, rows = both_ways(text, SequencerSetup(**{**_fields(), "nco_freq": 4_000_004}))
    assert left_out > 0.8 * rows
    assert len(set(trace.nco_phase.tolist())) > 100
    trace, left_out, rows = both_ways(text, SequencerSetup(**{**_fields(), "nco_freq": 4_000_003}))
    assert len(set(trace.nco_phase.tolist())) > 100


def _fields() -> dict[str, object]:
    return {one.name: getattr(SETUP, one.name) for one in fields(SETUP)}


@pytest.mark.parametrize(
    "limits",
    [Limits(time_ns=3_000_000), Limits(rows=4_000), Limits(instructions=20_000)],
    ids=["time", "rows", "instructions"],
)
def test_limits_cut_where_they_would(limits: Limits) -> None:
    trace, left_out, _ = both_ways(SHOTS.format(shots=2_000, between="move 0,R1"), limits=limits)
    assert trace.ending is Ending.CUT
    assert left_out


def test_shots_within_points_are_left_out_for_each_point() -> None:
    text = """
    move 30,R0
    move 4,R3
point:
    move 80,R1
    add R3,4,R3
shot:
    wait 2000
    reset_ph
    play 0,0,100
    wait R3
    acquire 1,2,1000
    sub R1,1,R1
    jnz @shot
    sub R0,1,R0
    jnz @point
    stop
    """
    _, left_out, rows = both_ways(text)
    assert left_out > 0.5 * rows


_pieces = st.lists(
    st.sampled_from(
        [
            "wait 40",
            "wait 1000",
            "reset_ph",
            "set_ph 250000000",
            "set_ph_delta 100",
            "set_freq 400000",
            "set_freq -99",
            "set_awg_gain 100,200",
            "set_awg_offs 0,77",
            "set_mrk 3",
            "play 0,0,100",
            "upd_param 16",
            "acquire 0,R10,400",
            "acquire 0,R11,100\nadd R11,2,R11",
            "acquire 0,R10,400\nadd R10,1,R10",
            "acquire_weighed 0,R10,R15,R15,600",
            "add R10,1,R10",
            "add R11,R12,R11",
            "sub R11,1,R11",
            "move 7,R10",
            "move R10,R11",
            "nop",
            "add R13,1,R13",
            "wait R14",
            "move 100,R14\nadd R14,4,R14",
        ]
    ),
    min_size=1,
    max_size=6,
)


def test_any_loops_leave_what_each_pass_leaves() -> None:
    seen: Counter[str] = Counter()

    @settings(max_examples=cases(150, 3000), deadline=None)
    @given(
        st.tuples(_pieces, _pieces, _pieces),
        st.integers(1, 12),
        st.integers(1, 90),
        st.sampled_from([0, 400_000_000, 399_999_999]),
    )
    def try_one(pieces, few, many, nco_freq) -> None:
        setup = SequencerSetup(**{**_fields(), "nco_freq": nco_freq})
        trace, left_out, _ = both_ways(_text(*pieces, few, many), setup)
        seen["left out" if left_out else "executed"] += 1
        seen["bins count on"] += bool(left_out) and len(set(trace.bin.tolist())) > 20
        seen["oscillator runs on"] += bool(left_out) and len(set(trace.nco_phase.tolist())) > 20

    try_one()
    assert min(seen[one] for one in ("left out", "executed", "bins count on")) > 2, seen
    assert seen["oscillator runs on"], seen


def _text(before, inner, outer, few: int, many: int) -> str:
    return f"""
    move 600,R10
    move 300,R11
    move 2,R12
    move 44,R14
    nop
    {chr(10).join(before)}
    wait 3000
    move {many},R0
again:
    move {few},R1
more:
    {chr(10).join(inner)}
    wait 60
    sub R1,1,R1
    jnz @more
    {chr(10).join(outer)}
    wait 500
    sub R0,1,R0
    jnz @again
    upd_param 100
    stop
    """
