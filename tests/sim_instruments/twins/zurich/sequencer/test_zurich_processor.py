import contextlib

import numpy as np
import pytest
from tests.benches.referees.seqc_corpus import compile_seqc
from tests.benches.zurich.processor import processor

from podium.firmware_interfaces.zurich.elf import SequencerElf
from podium.firmware_interfaces.zurich.sequencer_assembly import (
    FORMS,
    IllegalInstruction,
    Instruction,
    decode,
    encode,
)
from podium.sim_instruments.twins.zurich.sequencer import image
from podium.sim_instruments.twins.zurich.sequencer.inputs import take
from podium.sim_instruments.twins.zurich.sequencer.processor import Input, Processor
from podium.sim_instruments.twins.zurich.sequencer.sequencer_state import (
    AMPLITUDE_ONE,
    CYCLE,
    FREQUENCY_TURN,
    PHASE_TURN,
    Kind,
    Row,
    Source,
    State,
    Status,
)


def times(trace, kind):
    return trace.kinds(kind)[:, Row.TIME].tolist()


def amplitudes(rows):
    packed = rows[:, [Row.AMPLITUDES_01, Row.AMPLITUDES_23]]
    return packed.copy().view("<i4").reshape(len(rows), 4) / AMPLITUDE_ONE


def phases(rows):
    return rows[:, Row.PHASES].copy().view("<u4").reshape(len(rows), 2) / PHASE_TURN * 360


def test_a_point_in_time_lies_at_the_start_of_the_play_before_it():
    trace = processor(
        "repeat (5) { playZero(1024); setTrigger(1); setTrigger(0); playZero(512); }",
        log_silence=True,
    ).run()
    starts = np.array(times(trace, Kind.ZERO))[::2]
    triggers = trace.kinds(Kind.TRIGGER)
    on, off = triggers[::2, Row.TIME], triggers[1::2, Row.TIME]
    assert on[1:].tolist() == starts[1:].tolist()  # the first: nothing to run ahead of
    assert set((off - on).tolist()) == {2 * CYCLE}  # a constant and a store


def test_a_wait_holds_the_sequencer_and_not_the_player():
    trace = processor("playZero(64); wait(100); playZero(64);", log_silence=True).run()
    first, second = times(trace, Kind.ZERO)
    assert second - first == 8 * (100 + 3)  # the store and its constant, then the play
    assert trace.gaps == 0  # asked for
    waited = processor("playZero(4096); waitWave(); playZero(64);", log_silence=True).run()
    first, second = times(waited, Kind.ZERO)
    assert second == first + 4096 + CYCLE


def test_a_program_too_slow_for_its_plays_leaves_gaps():
    work = "a = a + 1; a = a & 7;" * 20
    source = f"var a = 0; repeat (10) {{ playZero(32); {work} }}"
    trace = processor(source, log_silence=True).run()
    assert trace.gaps > 5
    starts = np.array(times(trace, Kind.ZERO))
    assert trace.gap_samples == int(np.sum(np.diff(starts) - 32))
    assert trace.played == 320


def test_a_trigger_is_waited_for_and_the_run_goes_on_when_it_is_known():
    one = processor("repeat (2) { waitDigTrigger(1); playZero(64); }", log_silence=True)
    trace = one.run()
    assert (trace.status, trace.waiting) == (Status.WAITING, Source.DIGITAL_1)
    one.feed([Input(5, Source.DIGITAL_2), Input(1001, Source.DIGITAL_1)])
    trace = one.run()
    assert trace.status is Status.WAITING
    assert times(trace, Kind.ZERO) == [1008 + CYCLE]
    one.feed([Input(1001, Source.DIGITAL_1), Input(3000, Source.DIGITAL_1)])
    trace = one.run()
    assert trace.status is Status.ENDED
    assert times(trace, Kind.ZERO)[1] == 3000 + CYCLE  # the one at 1001 came while it played
    with pytest.raises(ValueError, match="in the order of time"):
        one.feed([Input(2999, Source.DIGITAL_1)])


@pytest.mark.parametrize(
    ("device", "call", "source"),
    [
        ("SHFSG8", "waitZSyncTrigger()", Source.ZSYNC),
        ("HDAWG8", "waitDIOTrigger()", Source.DIO),
        ("HDAWG8", "waitSineOscPhase(2)", Source.PHASE_2),
        ("HDAWG8", "waitTimestamp()", Source.TIMESTAMP),
        ("HDAWG8", "waitCntTrigger(0)", Source.COUNTER),
        ("SHFQA4", "waitDigTrigger(2)", Source.DIGITAL_2),
    ],
)
def test_each_wait_hears_its_own_source(device, call, source):
    one = processor(f"{call}; playZero(64);", device)
    assert one.run().waiting is source
    one.feed([Input(10, other) for other in Source if other is not source])
    assert one.run().waiting is source
    one.feed([Input(100, source)])
    assert one.run().status is Status.ENDED


def test_results_come_shifted_cut_and_offset_at_the_time_asked_for():
    one = processor(
        "configureFeedbackProcessing(ZSYNC_DATA_PROCESSED_A, 2, 3, 10);"
        "configureFeedbackProcessing(QA_DATA_PROCESSED, 0, 1, 0);"
        "waitZSyncTrigger(); setUserReg(0, getFeedback(ZSYNC_DATA_PROCESSED_A, 100));"
        "setUserReg(1, getFeedback(QA_DATA_PROCESSED));",
        "SHFQC",
    )
    one.feed(
        [
            Input(80, Source.ZSYNC, 0),
            Input(800, Source.ZSYNC, 0b1101100),
            Input(840, Source.QA, 3),
            Input(2000, Source.ZSYNC, 0),
        ]
    )
    early = one.run(known=400)
    assert early.status is Status.UNKNOWN
    trace = one.run()
    assert trace.user_registers[:2] == (0b011 + 10, 1)
    assert trace.late == 0


def test_results_are_cut_as_the_nodes_say_until_a_program_says_otherwise():
    one = processor(
        "setUserReg(0, getFeedback(ZSYNC_DATA_PROCESSED_A));"
        "setUserReg(1, getFeedback(ZSYNC_DATA_PROCESSED_B));"
        "configureFeedbackProcessing(ZSYNC_DATA_PROCESSED_B, 0, 16, 0);"
        "setUserReg(2, getFeedback(ZSYNC_DATA_PROCESSED_B));",
        feedback=(image.Feedback(2, 0b101, 7), image.Feedback(), image.Feedback()),
    )
    one.feed([Input(0, Source.ZSYNC, 0b11_0110_1100)])
    assert one.run().user_registers[:3] == (0b001 + 7, 0b0110_1100, 0b11_0110_1100)


def test_a_result_asked_for_too_late_is_counted():
    one = processor(
        "waitZSyncTrigger(); wait(500); setUserReg(0, getFeedback(ZSYNC_DATA_RAW, 100));"
    )
    one.feed([Input(80, Source.ZSYNC, 0), Input(800, Source.ZSYNC, 9)])
    trace = one.run()
    assert (trace.late, trace.user_registers[0]) == (1, 9)


@pytest.mark.parametrize(
    ("device", "constant", "source"),
    [
        ("SHFSG8", "ZSYNC_DATA_RAW", Source.ZSYNC),
        ("SHFSG8", "ZSYNC_DATA_PROCESSED_B", Source.ZSYNC),
        ("HDAWG8", "ZSYNC_DATA_PROCESSED_A", Source.ZSYNC),
        ("HDAWG8", "ZSYNC_DATA_RAW", Source.DIO),
        ("SHFQC", "QA_DATA_PROCESSED", Source.QA),
    ],
)
def test_a_table_entry_is_chosen_by_a_result(device, constant, source):
    config = f"configureFeedbackProcessing({constant}, 0, 2, 1);" if "PROCESSED" in constant else ""
    entries = [
        {"index": k, "waveform": {"playZero": True, "length": 32 + 16 * k}} for k in range(5)
    ]
    one = processor(
        f"{config} playZero(512); executeTableEntry({constant});",
        device,
        entries,
        log_silence=True,
    )
    one.feed([Input(0, source, 2)])
    lengths = one.run().kinds(Kind.ZERO)[:, Row.A].tolist()
    assert lengths == [512, 32 + 16 * (2 + bool(config))]


def test_amplitudes_and_phases_of_a_table_add_up_and_saturate():
    entries = [
        {"index": 0, "waveform": {"index": 0}, "amplitude00": {"value": 0.25}},
        {
            "index": 1,
            "waveform": {"index": 0},
            "amplitude00": {"value": 0.5, "increment": True},
            "amplitude11": {"value": -1.0, "increment": True},
            "phase": {"value": 100.0, "increment": True},
            "oscillatorSelect": {"value": 5},
        },
        {"index": 2, "phase": {"value": -30.0}},
    ]
    trace = processor(
        "wave w = ones(64); assignWaveIndex(1, 2, w, 0);"
        "executeTableEntry(0); repeat (4) { executeTableEntry(1); } executeTableEntry(2);"
        "incrementSinePhase(45);",
        entries=entries,
        amplitudes=(1.0, -1.0, 1.0, 0.5),
    ).run()
    played = trace.kinds(Kind.WAVE)
    assert amplitudes(played)[:, 0].tolist() == [0.25, 0.75, 1.0, 1.0, 1.0]
    assert amplitudes(played)[:, 3].tolist() == [0.5, -0.5, -1.0, -1.0, -1.0]
    assert (amplitudes(played)[:, 1] == -1).all()
    assert phases(played)[:, 0] == pytest.approx([0, 100, 200, 300, 40], abs=1e-4)
    assert (played[:, Row.CONFIG] >> 32).tolist() == [0, 5, 5, 5, 5]
    assert phases(trace.kinds(Kind.SETTING))[0, 0] == pytest.approx(330, abs=1e-4)
    assert phases(trace.kinds(Kind.SINE_PHASE))[0, 0] == pytest.approx(15, abs=1e-4)


def test_an_entry_that_is_not_there_stops_the_program():
    entries = [{"index": 3, "waveform": {"index": 7}}]
    for index in (2, 3, 9):
        trace = processor(f"playZero(64); executeTableEntry({index});", entries=entries).run()
        assert (trace.status, trace.fault) == (Status.BAD_TABLE_INDEX, index)
        assert trace.played == 64


def test_oscillators_take_frequencies_and_steps_of_a_sweep():
    trace = processor(
        "setOscFreq(0, -3e8); configFreqSweep(1, 1e6, 2e5); var k;"
        "for (k = 0; k < 3; k++) { setSweepStep(1, k); playZero(512); } setOscFreq(0, 5e6);"
        "resetOscPhase(3);"
    ).run()
    rows = trace.kinds(Kind.FREQUENCY)
    assert rows[:, Row.A].tolist() == [0, 1, 1, 1, 0]
    hz = rows[:, Row.B] / FREQUENCY_TURN * 2e9
    assert hz == pytest.approx([-3e8, 1e6, 1.2e6, 1.4e6, 5e6], abs=1e-4)
    assert trace.kinds(Kind.RESET_OSCILLATORS)[:, Row.A].tolist() == [3]


def test_a_sweep_is_kept_while_another_oscillator_is_set():
    trace = processor("configFreqSweep(1, 1e6, 2e5); setOscFreq(0, 7e6); setSweepStep(1, 2);").run()
    hz = trace.kinds(Kind.FREQUENCY)[:, Row.B] / FREQUENCY_TURN * 2e9
    assert hz == pytest.approx([7e6, 1.4e6], abs=1e-4)


def test_readout_starts_with_its_masks():
    trace = processor(
        "repeat (2) { waitDigTrigger(1); playZero(64);"
        "startQA(QA_GEN_3, QA_INT_0 | QA_INT_2, true, 0, 0x81); playZero(4096); }",
        "SHFQA4",
        log_silence=True,
    )
    trace.feed([Input(100, Source.DIGITAL_1), Input(9000, Source.DIGITAL_1)])
    done = trace.run()
    rows = done.kinds(Kind.START_QA)
    assert rows[:, Row.A].tolist() == [0x81000008] * 2
    assert rows[:, Row.B].tolist() == [0xC0000005] * 2
    assert done.kinds(Kind.ZERO)[:, Row.A].tolist() == [64, 4096] * 2


def test_branches_of_a_switch_go_on_together():
    source = (
        "switch (getUserReg(0)) { case 0: playZero(32); case 1: playZero(48);"
        "case 2: playZero(64); default: playZero(80); }"
    )
    starts = set()
    for value, length in ((0, 32), (1, 48), (2, 64), (9, 80)):
        trace = processor(source, user_registers=(value,), log_silence=True).run()
        (row,) = trace.kinds(Kind.ZERO)
        assert row[Row.A] == length
        starts.add(int(row[Row.TIME]))
    assert len(starts) == 1


def test_rates_are_those_of_the_program_or_of_the_node():
    source = "wave w = ones(64); playZero(64); playWave(w); playWave(w, 3); playZero(64, 4);"
    lengths = [
        trace.rows[:, Row.A].tolist()
        for trace in (processor(source, rate=rate, log_silence=True).run() for rate in (0, 2))
    ]
    assert lengths == [[64, 64, 512, 1024], [256, 256, 512, 1024]]


def test_random_numbers_are_those_of_the_vendors_model():
    source = "setPRNGSeed(5); setPRNGRange(10, 20); " + "".join(
        f"setUserReg({k}, getPRNGValue());" for k in range(4)
    )
    state, expected = 5, []
    for _ in range(4):
        state = state >> 1 ^ (0xB400 if state & 1 else 0)
        expected.append((state * 11 >> 16) + 10)
    assert processor(source).run().user_registers[:4] == tuple(expected)


def test_limits_stop_a_program_that_never_ends_and_it_goes_on():
    one = processor("while (true) { playZero(1024); setTrigger(1); playHold(64); }")
    trace = one.run(until=10_000)
    assert trace.status is Status.TIME_LIMIT
    before = len(trace.rows)
    whole = processor("while (true) { playZero(1024); setTrigger(1); playHold(64); }")
    assert np.array_equal(one.run(until=50_000).rows, whole.run(until=50_000).rows)
    assert len(one.trace().rows) > before
    counted = processor("while (true) { playZero(1024); }").run(instructions=1000)
    assert counted.status is Status.COUNT_LIMIT
    assert 1000 <= counted.instructions < 1004


def test_full_blocks_of_rows_change_nothing():
    entries = [{"index": 0, "waveform": {"index": 0}, "phase": {"value": 1.0, "increment": True}}]
    trace = processor(
        "wave w = ones(64); assignWaveIndex(1, 2, w, 0);"
        "repeat (9000) { executeTableEntry(0); setTrigger(1); }",
        entries=entries,
    ).run()
    played = trace.kinds(Kind.WAVE)
    assert len(played) == 9000
    assert len(trace.kinds(Kind.TRIGGER)) == 9000
    step = round(PHASE_TURN / 360)
    assert played[-1, Row.PHASES] == 9000 * step % PHASE_TURN
    assert (np.diff(played[:, Row.TIME]) == 64).all()


def test_rows_come_in_pieces_whose_memory_is_used_again():
    source = "repeat (5000) { playZero(64); setTrigger(1); setTrigger(0); }"
    whole = processor(source, log_silence=True).run().rows
    one, pieces = processor(source, log_silence=True), []
    while (trace := one.run(rows=1)).status is Status.FULL:
        pieces.append(trace.rows.copy())
        one.forget()
    assert len(pieces) == 3
    assert np.array_equal(np.concatenate([*pieces, trace.rows]), whole)


def test_a_trigger_beyond_the_limit_is_not_lost():
    one = processor("waitDigTrigger(1); playZero(64);", log_silence=True)
    one.feed([Input(5000, Source.DIGITAL_1)])
    assert one.run(until=4000).status is Status.TIME_LIMIT
    trace = one.run()
    assert (trace.status, times(trace, Kind.ZERO)) == (Status.ENDED, [5000 + CYCLE])


@pytest.mark.parametrize(("asked", "played"), [(0, 32), (-5, 32), (33, 48), (64, 64), (100, 112)])
def test_a_length_in_a_register_is_extended_like_a_constant(asked, played):
    source = "var a = getUserReg(0); playZero(a);"
    trace = processor(source, user_registers=(asked,), log_silence=True).run()
    assert trace.kinds(Kind.ZERO)[:, Row.A].tolist() == [played]


@pytest.mark.parametrize(
    ("made", "given", "positive"),
    [
        ("a + a", 0x3000_0000, True),
        ("a + a", 0x6000_0000, False),  # 32 bits: the sign changes
        ("a >> 1", 8, True),
        ("a >> 1", -8, False),
    ],
)
def test_registers_have_32_bits_and_a_sign(made, given, positive):
    source = f"var a = getUserReg(0); a = {made}; if (a > 0) {{ playZero(64); }}"
    trace = processor(source, user_registers=(given,), log_silence=True).run()
    assert trace.kinds(Kind.ZERO)[:, Row.A].tolist() == [64] * positive


def test_an_input_counts_from_the_instant_after_it():
    inputs = np.array([[100, Source.ZSYNC, 7]])
    state = np.zeros(len(State), np.int64)
    take(inputs, state, 100)
    assert (state[State.CURSOR], state[State.RAW]) == (0, 0)
    take(inputs, state, 101)
    assert (state[State.CURSOR], state[State.RAW]) == (1, 7)


def any_word(generator: np.random.Generator) -> int:
    """A legal word, its jumps short and its peripherals among those that there are."""
    form = FORMS[generator.integers(len(FORMS))]
    destination, source = generator.integers(0, 16, 2).tolist()
    constant = int(generator.integers(generator.choice([40, 150, 1 << 19])))
    for word in (
        encode(Instruction(form, destination, source, constant)),
        encode(Instruction(form, destination, source, 0)),
        encode(Instruction(form, destination, 0, constant)),
        encode(Instruction(form, 0, 0, 0)),
    ):
        with contextlib.suppress(IllegalInstruction):
            decode(word)
            return word
    raise AssertionError(form)


def test_any_words_end_in_a_status():
    generator = np.random.Generator(np.random.Philox(11))
    seen = set()
    for k in range(500):
        text = np.array([any_word(generator) for _ in range(40)], "<u4").tobytes()
        model = (image.SHFSG, image.HDAWG, image.SHFQA)[k % 3]
        made = image.make_image(SequencerElf(text, "", "", (), (), "", ""), model)
        trace = Processor(made).run(instructions=2000, until=10**12)
        seen.add(trace.status)
        assert trace.instructions < 2100
    assert seen >= {
        Status.ENDED,
        Status.ILLEGAL,
        Status.BAD_TABLE_INDEX,
        Status.WAITING,
        Status.COUNT_LIMIT,
    }


def test_an_instruction_that_the_instrument_does_not_have_stops_it():
    elf = compile_seqc("startQA(QA_GEN_0);", "SHFQA4").elf
    trace = Processor(image.make_image(elf, image.SHFSG)).run()
    assert (trace.status, trace.fault) == (Status.ILLEGAL, 121)


def test_a_fault_leads_to_its_line():
    elf = compile_seqc("playZero(64);\nplayZero(64);\nexecuteTableEntry(7);\nplayZero(64);").elf
    trace = Processor(image.make_image(elf, image.SHFSG)).run()
    assert trace.status is Status.BAD_TABLE_INDEX
    assert elf.line_of(trace.pc) == 3
    assert elf.line_of(0) == 0


def test_a_program_beyond_the_memory_is_refused():
    text = bytes(4 * 16_385)
    elf = SequencerElf(text, "", "", (), (), "", "")
    image.make_image(elf, image.SHFSG)
    with pytest.raises(image.DoesNotRun, match="16385 instructions; the HDAWG has room for 16384"):
        image.make_image(elf, image.HDAWG)


def test_a_play_from_nowhere_is_named():
    one = processor("wave w = ones(64); playWave(w);", "HDAWG8")
    trace = one.run()
    assert one.image.waveform_at(int(trace.rows[0, Row.B])).length == 64
    assert one.image.nowhere(trace.rows[:, Row.B]) == ()
    assert one.image.nowhere(np.array([64, trace.rows[0, Row.B]])) == (64,)
    with pytest.raises(image.DoesNotRun, match="0x12345678"):
        one.image.waveform_at(0x12345678)
