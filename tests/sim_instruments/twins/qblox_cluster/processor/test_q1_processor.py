from dataclasses import replace

import numpy as np
import pytest

from podium.firmware_interfaces.qblox_cluster.q1asm import assemble
from podium.sim_instruments.twins.qblox_cluster.processor.q1_abilities import NotEmulated
from podium.sim_instruments.twins.qblox_cluster.processor.q1_group import (
    SYNC_NS,
    Q1Group,
    run_alone,
    run_together,
)
from podium.sim_instruments.twins.qblox_cluster.processor.q1_processor import (
    Limits,
    Q1Processor,
    SequencerSetup,
    Trigger,
)
from podium.sim_instruments.twins.qblox_cluster.processor.real_time_trace import (
    Ending,
    EventKind,
    RealTimeTrace,
)

ILLEGAL = "SEQUENCE PROCESSOR Q1 ILLEGAL INSTRUCTION"
RT_ILLEGAL = "SEQUENCE PROCESSOR RT EXEC ILLEGAL INSTRUCTION"
UNDERFLOW = "SEQUENCE PROCESSOR RT EXEC COMMAND UNDERFLOW"
CONTROL = SequencerSetup(waveform_lengths={0: 20, 1: 20})
READOUT = SequencerSetup(
    waveform_lengths={0: 20, 1: 20},
    weight_lengths={0: 100},
    acquisition_bins={0: 10_000},
    readout=True,
)
SYNCED = SequencerSetup(sync=True)


def run(text: str, setup: SequencerSetup = CONTROL, **options: object) -> RealTimeTrace:
    return run_alone(Q1Processor(assemble(text), setup), **options)  # type: ignore[arg-type]


def test_a_rabi_scan_plays_and_acquires_where_the_program_says() -> None:
    trace = run(
        """
              wait_sync    104
              set_mrk      3
              move         0,R1          # bin
              move         3,R0          # points
        point: asl         R1,8,R2
              reset_ph
              nop
              set_awg_gain R2,R2
              play         0,1,20
              acquire      0,R1,1000
              add          R1,1,R1
              loop         R0,@point
              stop         7
        """,
        READOUT,
    )
    assert trace.kind.tolist() == [EventKind.PLAY, EventKind.ACQUIRE] * 3
    assert trace.time_ns.tolist() == [104, 124, 1124, 1144, 2144, 2164]
    assert trace.gain0.tolist() == trace.gain1.tolist() == [0, 0, 256, 256, 512, 512]
    assert trace.wave0.tolist() == [0, -1, 0, -1, 0, -1]
    assert trace.wave1.tolist() == [1, -1, 1, -1, 1, -1]
    assert trace.acq.tolist() == [-1, 0, -1, 0, -1, 0]
    assert trace.bin.tolist() == [-1, 0, -1, 1, -1, 2]
    assert trace.marker.tolist() == [3] * 6
    assert trace.nco_phase.tolist() == [0] * 6
    assert (trace.end_ns, trace.exit_code, trace.flags) == (3164, 7, ())
    assert trace.ending is Ending.STOPPED
    assert trace.instructions == 4 + 3 * 9 + 1


def test_parameters_wait_for_the_next_latch() -> None:
    trace = run(
        "set_awg_gain 1,2\nset_awg_offs 3,-4\nset_mrk 5\nwait 100\nupd_param 8\n"
        "set_awg_offs 0,0\nwait 100\nplay 0,0,4\nstop"
    )
    assert trace.kind.tolist() == [EventKind.UPDATE, EventKind.PLAY]
    assert trace.gain0.tolist() == [1, 1]
    assert trace.offs1.tolist() == [-4, 0]
    assert trace.marker.tolist() == [5, 5]


def test_parameters_of_the_module_hold_until_the_program_sets_them() -> None:
    setup = SequencerSetup(gain=(11, -12), offset=(13, 14), nco_freq=400_000_000, nco_phase=10**8)
    trace = run("upd_param 10\nset_awg_gain 1,1\nset_ph 0\nupd_param 10\nstop", setup)
    assert (trace.gain0.tolist(), trace.gain1.tolist()) == ([11, 1], [-12, 1])
    assert (trace.offs0.tolist(), trace.offs1.tolist()) == ([13, 13], [14, 14])
    assert trace.nco_phase.tolist() == [10**8, 0]  # 100 MHz: 10 ns are one turn


def test_registers_are_cut_to_the_width_of_what_they_set() -> None:
    trace = run(
        "move 0x1ffff,R0\nmove -2,R1\nnop\nset_awg_gain R0,R1\nset_mrk R0\nset_freq R1\n"
        "upd_param 4\nstop"
    )
    assert (trace.gain0[0], trace.gain1[0]) == (-1, -2)
    assert trace.marker[0] == 15
    assert trace.nco_freq[0] == -2


@pytest.mark.parametrize("freq", [0, 1, -1, 123_456_789, 2_000_000_000, -1_999_999_999])
def test_the_phase_is_exact_however_long_the_run(freq: int) -> None:
    trace = run(
        f"""set_freq {freq}
        set_ph 250000000
        reset_ph
        set_ph_delta 1
        upd_param 7
        move 300000,R0
        nop
        again: wait 65535
        loop R0,@again
        set_ph_delta 5
        upd_param 4
        set_freq 4
        upd_param 4
        wait 1000
        reset_ph
        upd_param 4
        stop"""
    )
    assert trace.flags == ()
    later = 7 + 300_000 * 65_535
    assert trace.time_ns.tolist() == [0, later, later + 4, later + 1008]
    quarters = [
        10**9 + 4,
        10**9 + 24 + freq * later,
        10**9 + 24 + freq * (later + 4),  # a new frequency goes on from the old one's phase
        0,  # and forgets what set_ph and set_ph_delta did
    ]
    assert trace.nco_phase.tolist() == [(quarter // 4) % 10**9 for quarter in quarters]


def test_the_real_time_side_starts_with_its_first_instruction() -> None:
    early = run("nop\n" * 10 + "upd_param 4\nstop")
    assert early.time_ns.tolist() == [4]
    late = run("nop\n" * 100 + "upd_param 100\nupd_param 100\nstop")
    assert late.time_ns.tolist() == [364, 464]
    assert late.flags == ()


def test_a_real_time_side_that_runs_dry_stops_with_a_flag() -> None:
    trace = run("upd_param 4\n" + "nop\n" * 12 + "upd_param 4\nstop")
    assert trace.flags == (UNDERFLOW,)
    assert trace.time_ns.tolist() == [0]
    assert trace.ending is Ending.STOPPED
    assert "line 14 (upd_param 4)" in trace.log[0]
    assert run("upd_param 100\n" + "nop\n" * 12 + "upd_param 4\nstop").flags == ()


def test_a_stop_that_comes_too_late_is_an_underflow_and_none_without_real_time_work() -> None:
    assert run("upd_param 4\n" + "nop\n" * 20 + "stop").flags == (UNDERFLOW,)
    assert run("nop\n" * 20 + "stop").flags == ()


def test_the_classical_side_waits_when_the_queue_is_full() -> None:
    # 33 long waits fill the queue; what is computed after them costs nothing.
    busy = "wait 10000\n" * 200
    trace = run(busy + "nop\n" * 1000 + "upd_param 4\nstop")
    assert trace.flags == ()
    assert trace.time_ns.tolist() == [2_000_000]
    # The queue holds 32 waits of 10 us: 80 000 ticks of classical work are too many.
    body = "move 20000,R0\nagain: nop\nloop R0,@again\n"
    assert run(busy + body + "upd_param 4\nstop").flags == (UNDERFLOW,)


@pytest.mark.parametrize(
    "text",
    [
        "wait 3\nstop",
        "upd_param 0\nstop",
        "move 65536,R0\nnop\nwait R0\nstop",
        "set_freq 2000000001\nstop",
        "move 0x80000000,R0\nnop\nset_freq R0\nstop",
        "wait_sync 2\nstop",
    ],
)
def test_what_the_hardware_cannot_execute_in_time_stops_with_a_flag(text: str) -> None:
    trace = run(text)
    assert trace.flags == (RT_ILLEGAL,)
    assert trace.ending is Ending.STOPPED
    assert len(trace.log) == 1


@pytest.mark.parametrize(
    "text",
    ["illegal\nstop", "nop", "", "jmp 16383\nstop", "move -1,R0\nnop\njmp R0\nstop", "jmp @e\ne:"],
)
def test_an_address_without_an_instruction_stops_with_a_flag(text: str) -> None:
    trace = run(text)
    assert trace.flags == (ILLEGAL,)
    assert trace.ending is Ending.STOPPED


def test_a_control_module_knows_no_acquisitions() -> None:
    text = "acquire 0,0,1000\nstop"
    assert run(text, CONTROL).flags == (ILLEGAL,)
    assert run(text, READOUT).flags == ()


@pytest.mark.parametrize(
    ("line", "flag"),
    [
        ("play 2,0,20", "AWG WAVE PLAYBACK INDEX INVALID PATH 0"),
        ("play 0,2,20", "AWG WAVE PLAYBACK INDEX INVALID PATH 1"),
        ("acquire 1,0,20", "ACQ INDEX INVALID"),
        ("acquire 0,10000,20", "ACQ BIN INDEX INVALID"),
        ("acquire_weighed 0,0,1,0,20", "ACQ WEIGHT PLAYBACK INDEX INVALID PATH 0"),
        ("acquire_weighed 0,0,0,1,20", "ACQ WEIGHT PLAYBACK INDEX INVALID PATH 1"),
    ],
)
def test_an_unknown_index_raises_a_flag_and_the_run_goes_on(line: str, flag: str) -> None:
    trace = run(f"{line}\nplay 0,1,20\nstop", READOUT)
    assert trace.flags == (flag,)
    assert trace.kind.tolist() == [EventKind.UPDATE, EventKind.PLAY]
    assert trace.end_ns == 40


def test_acquisitions_faster_than_the_binning_are_lost_once_its_buffer_is_full() -> None:
    text = "move 20,R0\nnop\nagain: acquire 0,0,{}\nloop R0,@again\nstop"
    assert run(text.format(300), READOUT).flags == ()
    fast = run(text.format(100), READOUT)
    assert fast.flags == ("ACQ BINNING FIFO ERROR",)
    lost = fast.kind == EventKind.UPDATE
    assert not lost[:8].any()
    assert lost.any()


def test_synced_sequencers_go_on_together() -> None:
    short = Q1Processor(assemble("wait_sync 4\nupd_param 4\nstop"), SYNCED)
    long = Q1Processor(
        assemble("wait 1000\nwait_sync 10\nupd_param 2000\nwait_sync 4\nupd_param 4\nstop"), SYNCED
    )
    alone = Q1Processor(assemble("wait_sync 4\nupd_param 4\nstop"), CONTROL)
    traces = run_together((short, long, alone))
    met_ns = 1000 + SYNC_NS
    assert traces[0].time_ns.tolist() == [met_ns + 4]
    assert traces[2].time_ns.tolist() == [4]
    # The first one has stopped: the second waits for it for ever at the second wait_sync.
    assert traces[1].time_ns.tolist() == [met_ns + 10]
    assert traces[1].ending is Ending.WAITS_FOR_SYNC
    assert traces[0].ending is traces[2].ending is Ending.STOPPED


def test_sequencers_that_sync_at_every_shot_stay_together() -> None:
    text = "move 1000,R0\nnop\nshot: wait_sync 4\nupd_param {}\nloop R0,@shot\nstop"
    fast, slow = run_together(
        [Q1Processor(assemble(text.format(ns)), SYNCED) for ns in (100, 1000)]
    )
    assert len(fast) == 1000
    assert np.array_equal(fast.time_ns, slow.time_ns)
    assert np.unique(np.diff(slow.time_ns)).tolist() == [1000 + SYNC_NS + 4]


def test_runs_do_not_depend_on_earlier_ones() -> None:
    processor = Q1Processor(
        assemble("add R0,1,R0\nnop\nset_awg_gain R0,R0\nupd_param 4\nstop"), CONTROL
    )
    assert [run_alone(processor).gain0.tolist() for _ in range(2)] == [[1], [1]]


def test_rows_beyond_the_first_buffer_join_without_a_seam() -> None:
    trace = run("move 30000,R0\nnop\nagain: set_awg_gain R0,R0\nplay 0,1,100\nloop R0,@again\nstop")
    assert np.array_equal(trace.time_ns, 100 * np.arange(30_000))
    assert np.array_equal(trace.gain0, np.arange(30_000, 0, -1))


@pytest.mark.parametrize(
    ("text", "limits"),
    [
        ("again: jmp @again", Limits(instructions=1000)),
        ("again: wait 1000\njmp @again", Limits(time_ns=10**6)),
        ("again: upd_param 1000\njmp @again", Limits(rows=10_000)),
    ],
)
def test_a_program_without_end_is_cut_at_the_limits(text: str, limits: Limits) -> None:
    trace = run(text, limits=limits)
    assert trace.ending is Ending.CUT
    assert trace.end_ns <= limits.time_ns + 1000
    assert len(trace) <= limits.rows


def test_wait_trigger_takes_the_next_trigger_at_its_address() -> None:
    triggers = [Trigger(100, 1), Trigger(500, 2), Trigger(900, 1)]
    text = "wait 200\nwait_trigger 1,20\nupd_param 4\nwait_trigger 2,4\nstop"
    trace = run(text, triggers=triggers)
    assert trace.time_ns.tolist() == [920]
    assert trace.ending is Ending.WAITS_FOR_TRIGGER


def test_a_condition_that_is_not_met_makes_a_wait_of_the_instruction() -> None:
    text = """set_latch_en 1,4
        wait 496
        set_cond 1,0b,0,40
        set_awg_gain 5,5
        set_ph 7
        play 0,1,100
        set_cond 0,0,0,4
        upd_param 100
        stop""".replace("0b", "2")
    met = run(text, triggers=[Trigger(400, 2)])
    assert met.time_ns.tolist() == [500, 600]
    assert met.nco_phase.tolist() == [7, 7]
    missed = run(text, triggers=[Trigger(400, 3)])
    assert missed.time_ns.tolist() == [540]
    assert missed.kind.tolist() == [EventKind.UPDATE]
    assert (missed.gain0.tolist(), missed.nco_phase.tolist()) == ([5], [0])
    # Nor is the phase of what was skipped taken over when the next one is.
    next_one = text.replace("upd_param", "set_ph_delta 3\n        upd_param")
    assert run(next_one, triggers=[Trigger(400, 3)]).nco_phase.tolist() == [3]
    inverted = SequencerSetup(
        waveform_lengths={0: 4, 1: 4}, trigger_inverts=(False, True) + (False,) * 13
    )
    assert len(run(text, inverted, triggers=[Trigger(400, 3)])) == 2
    counting = SequencerSetup(waveform_lengths={0: 4, 1: 4}, trigger_counts=(2,) * 15)
    assert len(run(text, counting, triggers=[Trigger(400, 2)])) == 1
    assert len(run(text, counting, triggers=[Trigger(300, 2), Trigger(400, 2)])) == 2


def test_what_asks_for_triggers_is_refused_without_them() -> None:
    processor = Q1Processor(assemble("nop\nset_cond 1,1,0,4\nstop"), CONTROL, name="slot2.seq0")
    with pytest.raises(NotEmulated, match=r"slot2.seq0: line 2: set_cond 1,1,0,4: .*triggers"):
        run_alone(processor)


def test_a_module_that_counts_opens_and_closes_a_window_and_others_know_none() -> None:
    text = "acquire_ttl 0,7,1,1000\nwait 500\nacquire_ttl 0,9,0,4\nacquire_ttl 1,0,1,4\nstop"
    trace = run(text, replace(READOUT, counts=True))
    kinds = [EventKind.OPEN_TTL, EventKind.CLOSE_TTL, EventKind.UPDATE]
    assert trace.kind.tolist() == kinds
    assert trace.time_ns.tolist() == [0, 1500, 1504]
    assert trace.bin.tolist() == [7, 9, -1]
    assert trace.flags == ("ACQ INDEX INVALID",)
    assert run(text, READOUT).flags == (ILLEGAL,)


def test_a_pulse_of_a_time_tag_sequencer_is_high_for_its_own_duration() -> None:
    text = "play_pulse 5,20\nwait 100\nset_digital 1,1,0\nplay_pulse 7,40\nupd_param 4\nstop"
    trace = run(text, SequencerSetup(tags=True, gain=(0, 0)))
    assert trace.time_ns.tolist() == [0, 20, 120, 160, 160]
    assert trace.gain0.tolist() == [1, 0, 1, 1, 1]
    assert trace.offs0.tolist() == [5, 5, 7, 7, 0]


def test_a_run_halts_where_it_depends_on_triggers_that_are_not_known_yet() -> None:
    text = "set_latch_en 1,4\nwait 996\nset_cond 1,1,0,20\nupd_param 100\nset_cond 0,0,0,4\nstop"
    together = Q1Group([Q1Processor(assemble(text), CONTROL)])
    together.proceed((), 500)
    assert together.waits_for_triggers
    assert together.needs_ns == 1000
    assert together.traces()[0].ending is Ending.WAITS_TO_KNOW
    together.proceed([Trigger(700, 1)], 999)
    assert together.waits_for_triggers
    together.proceed((), 1000)
    assert not together.waits_for_triggers
    (trace,) = together.traces()
    assert trace.ending is Ending.STOPPED
    assert trace.time_ns.tolist() == [1000]
    assert trace.instructions == len(text.splitlines())


def test_binning_is_slower_while_many_sequencers_of_a_module_acquire() -> None:
    text = "move 20,R0\nnop\nagain: acquire 0,0,{}\nloop R0,@again\nstop"
    for spacing_ns in (300, 600, 900):
        setup = replace(READOUT, acquisition_spacing_ns=spacing_ns)
        assert run(text.format(spacing_ns), setup).flags == ()
        assert run(text.format(spacing_ns // 2), setup).flags == ("ACQ BINNING FIFO ERROR",)
