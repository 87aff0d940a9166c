"""Messages between sequencers: sent by programs, received by programs, in simulated time."""

import pytest

from podium.firmware_interfaces.qblox_cluster.q1asm import assemble
from podium.sim_instruments.twins.qblox_cluster.processor.message_routes import (
    Route,
    Routes,
    self_cast_only,
)
from podium.sim_instruments.twins.qblox_cluster.processor.q1_abilities import NotEmulated
from podium.sim_instruments.twins.qblox_cluster.processor.q1_group import Q1Group, run_together
from podium.sim_instruments.twins.qblox_cluster.processor.q1_messages import (
    CAST_NS,
    CAST_WORD_NS,
    DATA_NS,
    RESULT_NS,
    WORD_NS,
    Measurement,
    MessageTransit,
    Outbox,
)
from podium.sim_instruments.twins.qblox_cluster.processor.q1_processor import (
    Q1Processor,
    SequencerSetup,
    Trigger,
)
from podium.sim_instruments.twins.qblox_cluster.processor.real_time_trace import (
    Ending,
    RealTimeTrace,
)

ILLEGAL = "SEQUENCE PROCESSOR Q1 ILLEGAL INSTRUCTION"
UNDERFLOW = "SEQUENCE PROCESSOR RT EXEC COMMAND UNDERFLOW"
CONTROL = SequencerSetup(waveform_lengths={0: 20, 1: 20})
READOUT = SequencerSetup(acquisition_bins={0: 10}, readout=True, integration_ns=1000)
TAGS = SequencerSetup(tags=True)


def cast(sequencers: int) -> Routes:
    """Ids from 16 on go to all sequencers."""
    everybody = Route(tuple(range(sequencers)))
    return lambda sender, id_: self_cast_only(sender, id_) if id_ <= 15 else everybody


def run(*texts: str, setup: SequencerSetup = CONTROL) -> tuple[RealTimeTrace, ...]:
    processors = [Q1Processor(assemble(text), setup) for text in texts]
    return run_together(processors, routes=cast(len(processors)))


SHOW = "nop\nset_awg_gain R1,R2\nupd_param 1000\nstop"
"""Shows the lower halves of R1 and R2 as gains."""


def test_a_sequencer_hears_itself_after_a_while() -> None:
    (trace,) = run(f"fb_com_data 5,77,1000\nfb_pop_data 5,R1\n{SHOW}")
    assert trace.gain0.tolist() == [77]
    assert trace.time_ns.tolist() == [1000]
    assert trace.flags == ()


def test_the_classical_side_stands_still_until_the_message_comes() -> None:
    # Sent at 0, there at 60 ns: what takes longer than the time left runs dry.
    after = "nop\n" * 10
    least = next(
        ns
        for ns in range(4, 400, 4)
        if not run(f"fb_com_data 5,77,{ns}\nfb_pop_data 5,R1\n{after}upd_param 1000\nstop")[0].flags
    )
    assert least == DATA_NS + 40 + 4


def test_a_message_goes_from_sequencer_to_sequencer_and_takes_longer() -> None:
    sender = "move 1234,R3\nnop\nfb_com_data 20,R3,1000\nstop"
    receiver = f"fb_pull_data R1,R2\n{SHOW}"
    _, trace = run(sender, receiver)
    assert (trace.gain0.tolist(), trace.gain1.tolist()) == ([20], [1234])
    # 8 ticks of the classical side on what arrived at 380 ns, on a tick: it had not begun before
    sent_ns = 0
    assert trace.time_ns[0] >= sent_ns + DATA_NS + CAST_NS
    assert trace.time_ns[0] <= sent_ns + DATA_NS + CAST_NS + 40


def test_messages_with_another_id_are_thrown_away_by_pop() -> None:
    text = "fb_com_data 4,1,100\nfb_com_data 5,2,100\nfb_com_data 4,3,2000\n"
    (trace,) = run(f"{text}fb_pop_data 5,R1\nfb_pop_data 4,R2\n{SHOW}")
    assert (trace.gain0.tolist(), trace.gain1.tolist()) == ([2], [3])


def test_they_are_taken_in_the_order_in_which_they_arrive() -> None:
    # The first arrives last: it goes over the backplane.
    text = "fb_com_data 16,1,4\nfb_com_data 3,2,2000\nfb_pull_data R1,R5\nfb_pull_data R2,R5"
    (trace,) = run(f"{text}\n{SHOW}")
    assert (trace.gain0.tolist(), trace.gain1.tolist()) == ([3], [16])


def test_a_chain_of_sequencers_that_wait_for_each_other_goes_on_in_order() -> None:
    first = "upd_param 100\nfb_com_data 16,7,4\nstop"
    middle = "fb_pop_data 16,R1\nnop\nadd R1,1,R1\nnop\nfb_com_data 17,R1,4\nstop"
    last = f"fb_pop_data 17,R1\n{SHOW}"
    traces = run(first, middle, last)
    assert traces[2].gain0.tolist() == [8]
    assert traces[2].time_ns[0] > 100 + 2 * (DATA_NS + CAST_NS)
    assert [trace.flags for trace in traces] == [(), (), ()]


def test_id_0_and_an_id_without_a_route_send_nothing() -> None:
    text = "fb_com_data 0,1,4\nfb_com_data 200,1,4\nstop"
    processor = Q1Processor(assemble(text), CONTROL)
    receiver = Q1Processor(assemble("fb_pull_data R1,R2\nstop"), CONTROL)
    assert run_together([processor, receiver])[1].ending is Ending.WAITS_FOR_MESSAGE


def test_who_waits_in_vain_waits_for_ever_or_runs_dry() -> None:
    waiting, dry = run("fb_pop_data 3,R1\nstop", "upd_param 4\nfb_pop_data 3,R1\nstop")
    assert waiting.ending is Ending.WAITS_FOR_MESSAGE
    assert dry.ending is Ending.STOPPED
    assert dry.flags == (UNDERFLOW,)
    assert "line 2 (fb_pop_data 3,R1)" in dry.log[0]


def test_a_register_that_a_message_writes_is_read_a_tick_too_early_like_any_other() -> None:
    early = "fb_com_data 5,77,1000\nfb_pop_data 5,R1\nset_awg_gain R1,R1\nupd_param 100\nstop"
    (trace,) = run(early)
    assert trace.gain0.tolist() == [0]
    assert "reads a register" in trace.log[0]
    stale = "move 9,R2\nfb_acq_tb_valid R2,100\nmove 5,R1\nfb_com_data 1,R1,999\nfb_pop_data 1,R1\n"
    (trace,) = run(stale + SHOW, setup=READOUT)
    assert trace.gain0.tolist() == [0]  # what was sent is what R1 was before


def test_a_command_is_the_same_by_number_and_by_name() -> None:
    names = "fb_com_cfg 0,8,8,4\nfb_com_data 5,0x1ff,1000\nfb_pop_data 5,R1\n"
    numbers = f"fb_cmd 0x60,{8 << 16 | 8 << 8},4\nfb_cmd 0x105,0x1ff,1000\nfb_pop_data 5,R1\n"
    for text in (names, numbers):
        (trace,) = run(f"{text}fb_pop_data 5,R2\n{SHOW}")
        assert (int(trace.gain0[0]) & 0xFFFF, trace.gain1[0]) == (0xFF00, 0)


def test_a_condition_skips_messages_too() -> None:
    text = "set_latch_en 1,4\nwait 100\nset_cond 1,1,0,20\nfb_com_data 5,1,1000\nstop"
    for triggers, end_ns in (([], 124), ([Trigger(50, 1)], 1104)):
        processors = [Q1Processor(assemble(text), CONTROL)]
        assert run_together(processors, triggers=triggers)[0].end_ns == end_ns


@pytest.mark.parametrize(
    ("line", "setup"),
    [
        ("fb_acq_tb_id 5,4", CONTROL),
        ("fb_tdc_tags_id 0,4", READOUT),
        ("play_netzero 1,4", READOUT),
        ("reset_netzero", TAGS),
        ("upd_thres 0,1,4", READOUT),
        ("fb_cmd 0x11,1,4", CONTROL),
        ("fb_cmd 0xff,1,4", CONTROL),
        ("play_pulse 0,4", CONTROL),
    ],
)
def test_what_a_kind_of_sequencer_does_not_know_is_no_instruction(
    line: str, setup: SequencerSetup
) -> None:
    (trace,) = run(f"{line}\nstop", setup=setup)
    assert trace.flags == (ILLEGAL,)


def test_mock_bits_are_shared_after_every_acquisition() -> None:
    text = (
        "fb_acq_tb_mock 1,1,1,4\nfb_acq_tb_id 6,4\nacquire 0,0,4000\n"
        "fb_acq_tb_id 0,4\nacquire 0,0,4000\nfb_pop_data 6,R1\n" + SHOW
    )
    (trace,) = run(text, setup=READOUT)
    assert trace.gain0.tolist()[-1] == 3
    assert trace.flags == ()
    sent = Outbox(integration_ns=1000).messages([(0, 0x5D, 0x11), (4, 0x40, 6), (8, -1, 2)])
    assert [(m.ready_ns, m.id, m.words) for m in sent] == [(8 + 1000 + RESULT_NS, 6, (1,))]


SHARE = "fb_acq_tb_cfg 0,4,8,4\nfb_acq_tb_id 6,4\nfb_acq_iq_shift 2,4\nfb_acq_iq_id 7,4\n"


def test_what_is_measured_is_promised_when_it_arrives_and_filled_when_it_is_known() -> None:
    text = f"{SHARE}acquire 0,0,4000\nfb_pop_data 6,R1\nfb_pop_data 7,R2\nfb_pop_data 7,R3\nnop"
    processor = Q1Processor(assemble(f"{text}\nset_awg_gain R2,R3\nupd_param 4\nstop"), READOUT)
    together = Q1Group([processor])
    together.proceed(())
    assert together.waits_for_results
    assert together.traces()[0].ending is Ending.WAITS_FOR_MESSAGE
    assert together.earliest_ns(0) == [16 + 4000], "not before its own time"
    together.measured(0, 16, Measurement(True, complex(100.5, -3.25)))
    together.proceed(())
    assert not together.waits_for_results
    (trace,) = together.traces()
    assert (trace.ending, trace.flags) == (Ending.STOPPED, ())
    assert trace.registers[1] == 0b11 << 4
    assert trace.registers[2:4] == (round(100.5 * 4096) >> 2, round(-3.25 * 1024) & 0xFFFF_FFFF)


def test_a_promise_is_kept_at_its_time_and_in_its_order() -> None:
    entries = [(0, 0x40, 6), (4, 0x41, 7), (8, -1, 2), (2000, 0x105, 9)]
    bit, values, data = Outbox(integration_ns=1000).messages(entries)
    assert [bit.ready_ns, values.ready_ns] == [8 + 1000 + RESULT_NS] * 2
    post = MessageTransit(1, self_cast_only)
    for message in (bit, values, data):
        post.send(0, message)
    assert post.promised(0)
    post.measured(0, 4, Measurement(True, 0j))
    assert post.promised(0), "of another acquisition"
    post.measured(0, 8, Measurement(False, 2 - 1j))
    assert not post.promised(0)
    at_ns = 8 + 1000 + RESULT_NS
    assert post.collect(0) == [(at_ns, 6, 2)], "not above, but valid"
    at_ns += WORD_NS
    assert post.collect(0) == [(at_ns, 7, 8192), (at_ns, 7, (1 << 32) - 4096)]
    assert not post.promised(0)
    assert post.collect(0) == [(2000 + DATA_NS, 5, 9)]


def test_weights_that_last_longer_than_the_integration_delay_what_is_shared() -> None:
    entries = [(0, 0x40, 6), (8, -1, 3 + 16 * (1 + 4096 * 2))]
    (bit,) = Outbox(1000, {0: 1500, 1: 200}).messages(entries)
    assert bit.ready_ns == 8 + 1500 + RESULT_NS


def test_a_message_does_not_overtake_one_that_depends_on_a_measurement() -> None:
    reader = f"{SHARE.replace(' 6,', ' 16,')}acquire 0,0,4000\nstop"
    relay = "fb_pop_data 16,R1\nnop\nfb_com_data 17,1,4\nstop"
    late = "wait 60000\nfb_com_data 17,2,4\nstop"
    receiver = f"fb_pop_data 17,R1\n{SHOW}"
    processors = [Q1Processor(assemble(text), READOUT) for text in (reader, relay, late, receiver)]
    together = Q1Group(processors, routes=cast(4))
    together.proceed(())
    assert together.waits_for_results
    assert together.traces()[3].ending is Ending.WAITS_FOR_MESSAGE
    together.measured(0, 16, Measurement(True, 0j))
    together.proceed(())
    assert together.traces()[3].gain0.tolist() == [1]


@pytest.mark.parametrize("line", ["fb_com_extra 1,5,4", "fb_acq_tb_extra R1,4"])
def test_what_is_not_known_of_messages_is_refused_before_the_run(line: str) -> None:
    with pytest.raises(NotEmulated, match="line 2"):
        Q1Processor(assemble(f"nop\n{line}\nstop"), READOUT)


def test_who_waits_for_a_result_without_a_world_is_refused() -> None:
    text = "fb_acq_tb_mock 0,0,0,4\nfb_acq_tb_id 6,4\nacquire 0,0,4000\nfb_pop_data 6,R1\nstop"
    with pytest.raises(NotEmulated, match="there is no world"):
        run(text, setup=READOUT)


def test_messages_that_are_combined_are_joined_where_they_arrive_together() -> None:
    post = MessageTransit(3, lambda sender, id_: Route((2,)))
    for sender, (value, wc) in enumerate([(1, 1), (6, 1), (8, 0)]):
        entries = [(0, 0x60, wc), (100, 0x100 + 40, value)]
        for message in Outbox(0).messages(entries):
            post.send(sender, message)
    arrival_ns = 100 + DATA_NS + CAST_NS
    assert post.earliest_ns(2) == arrival_ns
    assert post.collect(2) == [(arrival_ns, 40, 8)]
    assert post.collect(2) == [(arrival_ns, 40, 7)]
    assert post.earliest_ns(2) is None


def test_a_longer_message_takes_longer_and_arrives_word_by_word() -> None:
    entries = [(0, 0x60, 40 << 16 | 8 << 8), (100, 0x105, 0xABCD)]
    (message,) = Outbox(0).messages(entries)
    post = MessageTransit(1, self_cast_only)
    post.send(0, message)
    arrival_ns = 100 + DATA_NS + WORD_NS
    assert post.collect(0) == [(arrival_ns, 5, 0), (arrival_ns, 5, 0xABCD << 8)]
    far = MessageTransit(1, lambda sender, id_: Route((0,)))
    far.send(0, message)
    assert far.earliest_ns(0) == 100 + DATA_NS + CAST_NS + CAST_WORD_NS


def test_a_message_does_not_overtake_one_of_who_waits_for_a_trigger() -> None:
    early = "wait_trigger 1,4\nfb_com_data 16,1,4\nstop"
    late = "wait 60000\nfb_com_data 16,2,4\nstop"
    receiver = f"fb_pull_data R5,R1\n{SHOW}"
    processors = [Q1Processor(assemble(text), CONTROL) for text in (early, late, receiver)]
    together = Q1Group(processors, routes=cast(3))
    together.proceed((), 0)
    assert together.traces()[2].ending is Ending.WAITS_FOR_MESSAGE
    together.proceed([Trigger(1000, 1)], 2000)
    assert together.traces()[2].gain0.tolist() == [1]
