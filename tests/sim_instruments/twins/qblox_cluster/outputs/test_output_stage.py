"""The fast path from events to signals against a slow one that goes nanosecond by nanosecond."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.benches.qblox_cluster.output_stage import WAVEFORMS, rendered, run_of, trace_of
from tests.benches.thoroughness import cases

from podium.firmware_interfaces.qblox_cluster import limits
from podium.sim_instruments.physics.deduplicate import distinct
from podium.sim_instruments.twins.qblox_cluster.outputs import segment_cutter
from podium.sim_instruments.twins.qblox_cluster.outputs.output_stage import (
    ALWAYS_ON,
    FilteredLines,
    PlayedPieces,
    RunPart,
    SwitchTimeline,
    lo_turns,
    pulse_trains,
    switch_timeline,
)
from podium.sim_instruments.twins.qblox_cluster.outputs.segment_cutter import SegmentCutter
from podium.sim_instruments.twins.qblox_cluster.processor.real_time_trace import (
    PASSES,
    EventKind,
    RealTimeTrace,
    RepeatedTrace,
)
from podium.sim_instruments.twins.qblox_cluster.runs.sequencer_run import SequencerRun


def slowly(
    run: SequencerRun, trace: RealTimeTrace, switch: SwitchTimeline, factor: float, lo_hz: int
) -> np.ndarray:
    """Return the signal of each nanosecond on the lab's time axis, carrier included."""
    signal = np.zeros(trace.end_ns, np.complex128)
    playing: list[tuple[int, int] | None] = [None, None]
    row = -1
    for t in range(trace.end_ns):
        while row + 1 < len(trace) and trace.time_ns[row + 1] <= t:
            row += 1
            if trace.kind[row] == EventKind.PLAY:
                for path, wave in enumerate((trace.wave0[row], trace.wave1[row])):
                    if wave >= 0:
                        playing[path] = (int(wave), int(trace.time_ns[row]))
        if row < 0:
            continue
        on = False
        for when, value in zip(switch.time_ns, switch.on, strict=True):
            on = bool(value) if when <= t else on
        if not on:
            continue
        words = []
        for path, (gain, offset) in enumerate(
            ((trace.gain0, trace.offs0), (trace.gain1, trace.offs1))
        ):
            word = 0
            if playing[path] is not None:
                wave, since = playing[path]
                if t - since < len(WAVEFORMS[wave]):
                    word = int(WAVEFORMS[wave][t - since]) * int(gain[row]) >> 15
            words.append(min(max(word + int(offset[row]), -32768), 32767))
        z = (words[0] + 1j * words[1]) / 32767
        if run.configuration.modulate:
            if abs(z) > 1 + 1 / 32767:
                z /= abs(z)
            since_row = t - int(trace.time_ns[row])
            turns = int(trace.nco_phase[row]) * 1e-9
            turns += int(trace.nco_freq[row]) * since_row % 4_000_000_000 / 4e9
            z *= np.exp(2j * np.pi * turns)
        signal[t] = z * factor * np.exp(2j * np.pi * (lo_hz * t % 10**9) * 1e-9)
    return signal


def rows_of(draw_rows: list[tuple]) -> list[dict[str, int]]:
    rows, time = [], 0
    for wait, kind, wave0, wave1, gain, offset, frequency, phase in draw_rows:
        time += wait
        rows.append(
            {
                "time_ns": time, "kind": kind, "wave0": wave0, "wave1": wave1,
                "gain0": gain, "gain1": -gain, "offs0": offset[0], "offs1": offset[1],
                "nco_freq": frequency, "nco_phase": phase,
            }
        )  # fmt: skip
    return rows


random_rows = st.lists(
    st.tuples(
        st.integers(4, 9),
        st.sampled_from([EventKind.UPDATE, EventKind.PLAY, EventKind.ACQUIRE]),
        st.sampled_from([-1, 0, 1, 3]),
        st.sampled_from([-1, 0, 1, 3]),
        st.sampled_from([0, 32767, -12345]),
        st.tuples(*[st.sampled_from([0, 0, 9000, -30000])] * 2),
        st.sampled_from([0, 400_000_000, -400_000_001]),
        st.sampled_from([0, 250_000_000, 999_999_999]),
    ),
    max_size=8,
).map(rows_of)
switches = st.lists(st.tuples(st.integers(0, 60), st.booleans()), max_size=4).map(
    lambda pairs: SwitchTimeline(
        np.array(sorted({t for t, _ in pairs}), np.int64),
        np.array([dict(pairs)[t] for t in sorted({t for t, _ in pairs})], np.bool_),
    )
)


@settings(max_examples=cases(50, 300), deadline=None)
@given(random_rows, switches, st.booleans(), st.integers(0, 12))
def test_trains_render_to_what_a_slow_sequencer_puts_out(rows, switch, modulate, rest) -> None:
    run = run_of(modulate=modulate)
    trace = trace_of(rows, (rows[-1]["time_ns"] if rows else 0) + rest)
    trains, _ = pulse_trains(run, trace, {0: switch})
    full = limits.rf_output_full_scale(0)
    expected = slowly(run, trace, switch, full, 5_000_000_000)
    got = sum((rendered(t, trace.end_ns) for t in trains), np.zeros(trace.end_ns, np.complex128))
    # phases are kept to 1e-9 turns, so a hundred steps of rounding stay below 1e-6
    np.testing.assert_allclose(got, expected, atol=1e-6 * full)


@settings(max_examples=cases(30, 300), deadline=None)
@given(random_rows, switches, st.booleans(), st.integers(0, 12), st.integers(1, 4))
def test_a_trace_in_parts_is_cut_as_in_one_piece(rows, switch, modulate, rest, apart) -> None:
    end_ns = (rows[-1]["time_ns"] if rows else 0) + rest
    lengths = np.array([len(WAVEFORMS.get(n, ())) for n in range(4)], np.int64)
    parts = [trace_of(rows[k : k + apart], end_ns) for k in range(0, len(rows), apart)]
    rules = lengths, modulate, switch.time_ns, switch.on
    wanted = SegmentCutter(*rules).segments((trace_of(rows, end_ns),))
    found = SegmentCutter(*rules).segments(parts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(segment_cutter, "ROWS_AT_A_TIME", apart)
        slowly = SegmentCutter(*rules).segments((trace_of(rows, end_ns),))
    for one, in_parts, at_a_time in zip(wanted, found, slowly, strict=True):
        assert np.array_equal(one, in_parts)
        assert np.array_equal(one, at_a_time)


@settings(max_examples=cases(60, 500), deadline=None)
@given(
    random_rows.filter(bool),
    random_rows.filter(bool),
    switches,
    st.booleans(),
    st.integers(0, 60),
    st.integers(5, 12),
    st.sampled_from([0, 0, 7, 250_000_000]),
    st.integers(1, 4),
)
def test_rows_that_come_again_are_cut_as_if_all_were_written_out(
    before, rows, switch, modulate, rest, times, ahead, apart
) -> None:
    step_ns = rows[-1]["time_ns"] - rows[0]["time_ns"] + 4 + rest
    begin_ns = before[-1]["time_ns"]
    passes = [
        {
            **row,
            "time_ns": begin_ns + row["time_ns"] + k * step_ns,
            "nco_phase": (row["nco_phase"] + k * ahead) % 1_000_000_000,
        }
        for k in range(times)
        for row in rows
    ]
    after = {**before[0], "time_ns": passes[-1]["time_ns"] + 5}
    end_ns = after["time_ns"] + rest
    lengths = np.array([len(WAVEFORMS.get(n, ())) for n in range(4)], np.int64)
    rules = lengths, modulate, switch.time_ns, switch.on
    wanted = SegmentCutter(*rules).segments((trace_of([*before, *passes, after], end_ns),))
    begin = trace_of(passes[: PASSES * len(rows)], end_ns)
    parts = (
        trace_of(before, end_ns),
        RepeatedTrace(begin, times, step_ns, ahead),
        trace_of([after], end_ns),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(segment_cutter, "ROWS_AT_A_TIME", apart)
        found = SegmentCutter(*rules).segments(parts)
    for one, repeated in zip(wanted, found, strict=True):
        assert np.array_equal(one, repeated)


def test_equal_pulses_share_a_piece_whatever_follows_them() -> None:
    rows = [
        {"time_ns": 0, "kind": EventKind.PLAY, "wave0": 0, "wave1": 1},
        {"time_ns": 40, "kind": EventKind.PLAY, "wave0": 0, "wave1": 1, "nco_phase": 5},
        {"time_ns": 5000, "kind": EventKind.PLAY, "wave0": 0, "wave1": 1},
    ]
    (train,), overflowed = pulse_trains(run_of(), trace_of(rows, 9000), {0: ALWAYS_ON})
    assert len(train.pieces) == 1
    assert train.pieces[0].duration_ns == 5
    np.testing.assert_array_equal(train.start_ns, [0, 40, 5000])
    assert overflowed  # the second path plays full scale beside the first


def test_parts_of_a_run_share_pieces_and_each_says_that_a_word_overflowed() -> None:
    part = RunPart(FilteredLines(), PlayedPieces(), goes_on=True)
    row = {"kind": EventKind.PLAY, "wave0": 0, "wave1": 1}
    found = [
        pulse_trains(run_of(), trace_of([{"time_ns": at, **row, "gain0": gain}], at + 50), {}, part)
        for at, gain in ((0, 20_000), (70, 20_000), (140, 10_000))
    ]
    (first, again, weaker), overflowed = zip(*found, strict=True)
    assert first[0].pieces[0] is again[0].pieces[0]
    assert not np.array_equal(weaker[0].pieces[0].samples, first[0].pieces[0].samples)
    assert overflowed == (True, True, True)


def test_an_acquisition_in_the_middle_does_not_cut_a_tone() -> None:
    rows = [
        {"time_ns": 0, "offs0": 8000, "nco_freq": 400_000_001, "nco_phase": 17},
        {
            "time_ns": 103, "offs0": 8000, "nco_freq": 400_000_001, "kind": EventKind.ACQUIRE,
            "nco_phase": (17 + 400_000_001 * 103 // 4) % 10**9,
        },
        {"time_ns": 1000},
    ]  # fmt: skip
    (train,), _ = pulse_trains(run_of(), trace_of(rows, 2000), {0: ALWAYS_ON})
    assert [p.duration_ns for p in train.pieces] == [1000]
    assert not len(train.pieces[0].samples)


def test_a_phase_reset_cuts_a_tone() -> None:
    rows = [
        {"time_ns": 0, "offs0": 8000, "nco_freq": 400_000_001},
        {"time_ns": 103, "offs0": 8000, "nco_freq": 400_000_001, "nco_phase": 0},
    ]
    (train,), _ = pulse_trains(run_of(), trace_of(rows, 200), {0: ALWAYS_ON})
    np.testing.assert_array_equal(train.start_ns, [0, 103])


def test_an_rf_output_whose_switch_is_open_is_silent() -> None:
    rows = [{"time_ns": 0, "offs0": 8000}]
    off = SwitchTimeline(np.zeros(0, np.int64), np.zeros(0, np.bool_))
    assert pulse_trains(run_of(), trace_of(rows, 100), {0: off}) == ((), False)


@pytest.mark.parametrize(
    ("model", "output", "bit"), [("QCM-RF", 0, 1), ("QCM-RF", 1, 2), ("QRM-RF", 0, 2)]
)
def test_markers_of_all_sequencers_close_the_switch_together(model, output, bit) -> None:
    afe = run_of(model).afe
    first = np.array([0, 100, 200]), np.array([bit, bit, 0], np.int8)
    second = np.array([50, 150, 300]), np.array([0, bit, 3 ^ bit], np.int8)
    switch = switch_timeline(afe, output, [first, second])
    at = {int(t): bool(on) for t, on in zip(switch.time_ns, switch.on, strict=True)}
    assert at[0] is True
    assert at[150] is True
    assert at[200] is True
    assert at[300] is False


def test_a_word_that_does_not_fit_is_held_and_reported() -> None:
    rows = [{"time_ns": 0, "kind": EventKind.PLAY, "wave0": 1, "offs0": 20_000}]
    run = run_of("QCM", ((2,), ()), modulate=False)
    (train,), overflowed = pulse_trains(run, trace_of(rows, 10), {})
    assert overflowed
    (piece,) = train.pieces
    # a level without a carrier counts as the peak of a tone: V / sqrt(2 * 50)
    assert abs(piece.samples[0]) ** 2 == pytest.approx(2.5**2 / 100)
    level = 2.5 * 20_000 / 32767
    assert abs(piece.level) ** 2 == pytest.approx(level**2 / 100)


@pytest.mark.parametrize(
    ("model", "outputs", "lines"),
    [
        ("QCM", ((0,), (1,)), ["slot4.out0_1"]),
        ("QCM", ((0, 2), (1, 3)), ["slot4.out0_1", "slot4.out2_3"]),
        ("QCM", ((2,), ()), ["slot4.out2"]),
        ("QCM", ((), (3,)), ["slot4.out3"]),
        ("QCM", ((), ()), []),
        ("QCM-RF", ((0, 2), (1, 3)), ["slot4.out0", "slot4.out1"]),
        ("QCM-RF", ((0,), ()), []),
        ("QRM-RF", ((0,), (1,)), ["slot4.out0"]),
    ],
)
def test_lines_are_named_by_connectors(model, outputs, lines) -> None:
    run = run_of(model, outputs)
    rows = [{"time_ns": 0, "offs0": 1000, "offs1": 1000}]
    switches = dict.fromkeys(range(4), ALWAYS_ON)
    trains, _ = pulse_trains(run, trace_of(rows, 10), switches)
    assert [train.line for train in trains] == lines


def test_a_tone_into_an_iq_mixer_has_the_power_of_its_two_voltages() -> None:
    rows = [{"time_ns": 0, "offs0": 32767}]
    (train,), _ = pulse_trains(run_of("QCM", ((0,), (1,))), trace_of(rows, 10), {})
    assert abs(train.pieces[0].level) == pytest.approx(2.5 / np.sqrt(2 * 50))


@given(st.integers(2 * 10**9, 18 * 10**9), st.integers(0, 9 * 10**12))
def test_the_phase_of_an_oscillator_is_exact_after_hours(lo_hz, time_ns) -> None:
    got = lo_turns(lo_hz, np.array([time_ns], np.int64))[0]
    assert got == pytest.approx(lo_hz * time_ns % 10**9 / 1e9, abs=1e-12)


@given(st.lists(st.tuples(*[st.integers(-2, 2)] * 3), max_size=60))
def test_distinct_rows_are_numbered_in_order_of_appearance(rows) -> None:
    keys = np.array(rows, np.int64).reshape(-1, 3)
    number, first = distinct(keys)
    seen: dict[tuple, int] = {}
    assert [seen.setdefault(row, len(seen)) for row in rows] == number.tolist()
    assert [tuple(keys[f]) for f in first] == list(seen)
