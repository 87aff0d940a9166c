"""What an own trigger starts is executed at once, played on the world, and told in its time."""

import numpy as np
import pytest
from tests.benches.zurich.device_bench import QA, READOUT, SG, US, Bench
from tests.benches.zurich.precomputed_runs import (
    DRIVE,
    READ,
    SMALL,
    SPECTROSCOPY,
    SWEEP,
    VOLTS_RMS,
    Inline,
    bench,
    set_up,
    sweep,
    trigger,
)

from podium.firmware_interfaces.qblox_cluster.limits import tone_amplitude
from podium.firmware_interfaces.zurich.values import vector_of
from podium.firmware_interfaces.zurich.vector_headers import numbers_of

__all__ = ["bench"]


def test_drives_readouts_and_windows_reach_the_world_as_they_leave_the_connectors(bench):
    set_up(bench, DRIVE, READ)
    trigger(bench)
    bench.world.work()
    drive, readout = bench.world.signals.drives
    (capture,) = bench.world.signals.captures
    assert (drive.line, readout.line, capture.line) == (
        "dev12000.sg0",
        "dev12000.qa0_out",
        "dev12000.qa0_in",
    )
    (piece,) = (drive.pieces[k] for k in np.unique(drive.piece))
    assert piece.carrier_hz == pytest.approx(6.1e9, abs=1e-3)
    assert (len(piece.samples), piece.duration_ns) == (0, 32)
    assert piece.level == pytest.approx(0.5 * tone_amplitude(5), rel=1e-4)
    assert np.diff(drive.start_ns).tolist() == [2080, 2080]
    # The oscillator goes on by whole turns of 100 MHz in 10 ns.
    assert drive.phase_turns == pytest.approx(np.full(3, drive.phase_turns[0]), abs=1e-6)
    (pulse,) = (readout.pieces[k] for k in np.unique(readout.piece))
    assert pulse.carrier_hz == pytest.approx(7.1e9, abs=2e-3)
    assert (len(pulse.samples), pulse.duration_ns) == (0, 128)
    assert pulse.level == pytest.approx(0.5 * tone_amplitude(-25), rel=1e-6)
    assert (capture.start_ns - readout.start_ns).tolist() == [0, 0, 0]
    assert capture.windows[0].duration_ns == 128


def test_without_modulation_a_pulse_rides_on_the_synthesizer_alone(bench):
    set_up(bench, DRIVE, READ)
    bench.set(f"{SG}/modulation/enable", 0)
    trigger(bench)
    bench.world.work()
    drive = bench.world.signals.drives[0]
    (piece,) = (drive.pieces[k] for k in np.unique(drive.piece))
    assert piece.carrier_hz == 6e9
    assert piece.level == pytest.approx(0.5 * tone_amplitude(5), rel=1e-4)


def test_results_are_told_when_their_time_has_come_and_not_before(bench):
    set_up(bench, DRIVE, READ)
    trigger(bench)
    assert bench.execution.horizon(bench.now_fs).computing
    bench.wait(100 * US)
    assert bench.get(f"{QA}/enable") == 1, "nothing is known yet"
    bench.world.work()
    bench.wait(US)
    assert not bench.execution.horizon(bench.now_fs).computing
    assert bench.get(f"{QA}/enable") == bench.get(f"{SG}/enable") == 0
    found = numbers_of(bench.get(f"{READOUT}/result/data/0/wave"))
    # Means over the window of 1, 2, 3 roots of a watt, at 50 ohms; 256 samples are added up.
    assert found == pytest.approx(np.array([1, 2, 3]) * SMALL * 10.0 * 256, rel=1e-9)


def test_a_generator_that_was_worked_out_ends_with_what_it_left_and_what_was_written(bench):
    set_up(bench, "waitDigTrigger(1); playZero(40000); setUserReg(3, 7);", READ)
    trigger(bench)
    bench.world.work()
    bench.wait(10 * US)
    bench.set(f"{SG}/userregs/5", 9)  # of which the copy that was worked out has not heard
    bench.wait(100 * US)
    assert [bench.get(f"{SG}/userregs/{k}") for k in (3, 5)] == [7, 9]
    assert (bench.get(f"{SG}/enable"), bench.get(f"{SG}/sequencer/status")) == (0, 0)


def test_the_worlds_end_is_where_time_may_leap_to(bench):
    set_up(bench, DRIVE, READ)
    trigger(bench)
    bench.world.work()
    bench.get(f"{QA}/enable")
    horizon = bench.execution.horizon(bench.now_fs)
    assert not horizon.armed
    assert not horizon.computing
    bench.wait(horizon.busy_until_fs - bench.now_fs)
    assert bench.get(f"{QA}/enable") == 0
    assert len(numbers_of(bench.get(f"{READOUT}/result/data/0/wave"))) == 3


def test_a_program_that_waits_for_a_trigger_that_never_comes_waits(bench):
    waits = "waitDigTrigger(1); playZero(32); waitDigTrigger(2); playZero(32);"
    set_up(bench, waits, READ)
    trigger(bench)
    bench.world.work()
    bench.wait(100 * US)
    assert bench.get("raw/error/json/errors") == '{"messages":[]}'
    assert (bench.get(f"{SG}/enable"), bench.get(f"{QA}/enable")) == (1, 0)
    assert bench.get(f"{SG}/sequencer/status") == 4
    assert bench.execution.horizon(bench.now_fs).armed, "time does not leap meanwhile"


def test_a_play_and_the_hold_after_it_are_one_pulse(bench):
    set_up(bench, DRIVE.replace("z); playZero(4096)", "z); playHold(1024); playZero(3072)"), READ)
    trigger(bench)
    bench.world.work()
    drive = bench.world.signals.drives[0]
    assert len(drive.start_ns) == 3
    (piece,) = (drive.pieces[k] for k in np.unique(drive.piece))
    assert (len(piece.samples), piece.duration_ns) == (0, 32 + 512)
    assert piece.level == pytest.approx(0.5 * tone_amplitude(5), rel=1e-4)


def test_settings_that_cannot_be_at_the_trigger_end_the_program_with_a_message(bench):
    set_up(bench, DRIVE, READ)
    for at in (SG, QA):
        bench.set(f"{at}/auxtriggers/0/channel", 8)
        bench.set(f"{at}/enable", 1)
    bench.wait(US)
    bench.set(f"{READOUT}/integration/weights/0/wave", vector_of(np.full(500, 2 + 0j)))
    bench.set("system/internaltrigger/repetitions", 1)
    bench.set("system/internaltrigger/enable", 1)
    assert bench.world.waiting is None, "without an analyser nothing is played on the world"
    bench.wait(US)
    assert "qachannels/0" in str(bench.get("raw/error/json/errors"))
    assert bench.get(f"{QA}/enable") == 0


def test_readouts_that_ride_on_oscillators_go_out_and_are_heard_where_those_are():
    bench = Bench("LRT", world=Inline())
    set_up(
        bench,
        "waitDigTrigger(1); playZero(64);",
        "configFreqSweep(0, 10e6, 5e6); waitDigTrigger(1); playZero(64);"
        "var k; for (k = 0; k < 3; k++) { playZero(128); setSweepStep(0, k); playZero(2000);"
        "startQA(QA_GEN_0, QA_INT_0, true, 0, 0b0); } playZero(2000);",
    )
    flat = np.ones(256, np.complex128)
    bench.set("qachannels/0/generator/waveforms/0/wave", vector_of(0.5 * flat))
    bench.set(f"{READOUT}/integration/weights/0/wave", vector_of(flat))
    bench.set("qachannels/0/modulation/enable", 1)
    trigger(bench)
    bench.world.work()
    (tone,) = (one for one in bench.world.signals.drives if one.line == "dev12000.qa0_out")
    (capture,) = bench.world.signals.captures
    hz = [7.01e9, 7.015e9, 7.02e9]
    assert [tone.pieces[k].carrier_hz for k in tone.piece] == pytest.approx(hz, abs=1e-3)
    assert [capture.windows[k].demod_hz for k in capture.window] == pytest.approx(hz, abs=1e-3)
    assert capture.start_ns.tolist() == tone.start_ns.tolist()
    # What comes back of a tone is held against the same oscillator: phases stand still.
    turned = (tone.phase_turns - capture.phase_turns) % 1.0
    assert np.exp(2j * np.pi * turned) == pytest.approx(np.ones(3), abs=1e-6)


def test_spectroscopy_sweeps_a_tone_and_listens_to_the_same(bench):
    sweep(bench)
    bench.world.work()
    (tone,) = bench.world.signals.drives
    (capture,) = bench.world.signals.captures
    assert (tone.line, capture.line) == ("dev12000.qa0_out", "dev12000.qa0_in")
    hz = [6.9e9, 6.95e9, 7.0e9]
    heard = np.searchsorted(tone.start_ns, capture.start_ns, side="right") - 1
    pieces = [tone.pieces[k] for k in tone.piece[heard]]
    assert [one.carrier_hz for one in pieces] == pytest.approx(hz, abs=1e-3)
    assert [capture.windows[k].demod_hz for k in capture.window] == pytest.approx(hz, abs=1e-3)
    assert [one.duration_ns for one in capture.windows] == [1000] * 3
    assert np.diff(capture.start_ns).tolist() == [4080, 4080]
    # The tone is on from the start, or the window before, to the end of the last window.
    ends = tone.start_ns + [tone.pieces[k].duration_ns for k in tone.piece]
    assert tone.start_ns[0] == 0
    assert ends[:-1].tolist() == tone.start_ns[1:].tolist()
    assert ends[-1] - capture.start_ns[-1] == 1000
    assert {piece.level for piece in tone.pieces} == {0.5 * tone_amplitude(-25)}
    # What comes back of the tone is held against the tone: the phases stand still.
    since = (capture.start_ns - tone.start_ns[heard]) * 1e-9
    turned = tone.phase_turns[heard] + np.array(hz) * since - capture.phase_turns
    assert np.exp(2j * np.pi * turned) == pytest.approx(np.ones(3), abs=1e-6)
    bench.wait(100 * US)
    found = numbers_of(bench.get(f"{SPECTROSCOPY}/result/data/wave"))
    assert found == pytest.approx(np.array([1, 2, 3]) * SMALL * VOLTS_RMS)
    assert bench.get(f"{SPECTROSCOPY}/result/enable") == 0


def test_an_envelope_goes_out_on_the_oscillator_with_a_trigger_of_its_own(bench):
    envelope = np.concatenate([np.linspace(0, 1, 64), np.ones(400)])
    bench.set(f"{SPECTROSCOPY}/envelope/wave", vector_of(envelope + 0j))
    bench.set(f"{SPECTROSCOPY}/envelope/enable", 1)
    bench.set(f"{SPECTROSCOPY}/envelope/delay", 100e-9)
    bench.set(f"{QA}/auxtriggers/0/channel", 8)
    sweep(bench, "waitDigTrigger(1);")
    assert bench.world.waiting is None
    bench.set("system/internaltrigger/repetitions", 1)
    bench.set("system/internaltrigger/enable", 1)
    bench.world.work()
    (tone,) = bench.world.signals.drives
    (capture,) = bench.world.signals.captures
    assert (capture.start_ns - tone.start_ns).tolist() == [124] * 3
    piece = tone.pieces[tone.piece[0]]
    assert (len(piece.samples), piece.duration_ns) == (32, 232)
    assert piece.level == pytest.approx(0.5 * tone_amplitude(-25))
    assert piece.samples[1] == pytest.approx(0.5 * tone_amplitude(-25) * 2.5 / 63)


def test_the_density_of_power_is_what_psd_enable_logs(bench):
    bench.set(f"{SPECTROSCOPY}/psd/enable", 1)
    sweep(bench)
    bench.world.work()
    bench.wait(100 * US)
    found = numbers_of(bench.get(f"{SPECTROSCOPY}/result/data/wave"))
    assert found == pytest.approx((np.array([1, 2, 3]) * SMALL * VOLTS_RMS) ** 2 * 1e-6)


def test_a_long_integration_is_played_in_parts_with_pauses(bench):
    sweep(bench)
    bench.set(f"{SPECTROSCOPY}/length", 1 << 23)
    bench.upload(QA, SWEEP.format(wait="").replace("8000", "8400000"))
    bench.set(f"{SPECTROSCOPY}/result/enable", 1)
    bench.set(f"{QA}/enable", 1)
    bench.world.work()
    (tone,) = bench.world.signals.drives
    (capture,) = bench.world.signals.captures
    lasts = np.array([one.duration_ns for one in capture.windows])[capture.window]
    assert len(lasts) == 12
    assert sorted(set(lasts.tolist())) == [(1 << 20) - 2048, 1 << 20]
    ends = capture.start_ns + lasts
    silent = capture.start_ns[1:] - ends[:-1]
    assert silent.min() == 2048
    # The tone pauses with the windows, but for its lead before each integration.
    tones = tone.start_ns + [tone.pieces[k].duration_ns for k in tone.piece]
    assert set(ends[lasts < 1 << 20].tolist()) <= set(tones.tolist())
    bench.wait(20_000 * US)
    found = numbers_of(bench.get(f"{SPECTROSCOPY}/result/data/wave"))
    parts = np.arange(1, 13).reshape(3, 4) * lasts.reshape(3, 4) / lasts.reshape(3, 4).sum(1)[0]
    assert found == pytest.approx(parts.sum(axis=1) * SMALL * VOLTS_RMS)


def test_a_frequency_that_changes_during_an_integration_cuts_it(bench):
    bench.set(f"{SPECTROSCOPY}/result/length", 1)
    sweep(bench)
    bench.upload(
        QA,
        "configFreqSweep(0, -100e6, 50e6); setSweepStep(0, 0); playZero(160); setTrigger(1);"
        "playZero(1248); playZero(3200); setSweepStep(0, 1);",
    )
    bench.set(f"{SPECTROSCOPY}/result/length", 1)
    bench.set(f"{SPECTROSCOPY}/result/enable", 1)
    bench.set(f"{QA}/enable", 1)
    bench.world.work()
    (capture,) = bench.world.signals.captures
    parts = [capture.windows[k].duration_ns for k in capture.window]
    assert sum(parts) == 1000
    assert len(parts) == 2
    bench.wait(100 * US)
    found = numbers_of(bench.get(f"{SPECTROSCOPY}/result/data/wave"))
    assert found == pytest.approx([VOLTS_RMS * SMALL * (parts[0] + 2 * parts[1]) / 1000])


def test_a_register_that_is_set_while_a_precomputed_run_goes_on_is_known_to_it(bench):
    branch = (
        "var n = 4; waitDigTrigger(1); playZero(32); while (n > 0) { playZero(64);"
        "startQA(QA_GEN_0, QA_INT_0, true, 0, 0); playZero(2000000);"
        "n = n - 1; if (getUserReg(3) == 7) { n = 0; } }"
    )
    set_up(bench, DRIVE, branch)
    bench.set(f"{READOUT}/result/length", 2)
    bench.set(f"{READOUT}/result/enable", 1)
    trigger(bench)
    bench.world.work()
    bench.wait(1500 * US)
    assert len(bench.world.signals.captures[0].start_ns) == 4
    assert bench.get(f"{READOUT}/result/acquired") == 2
    bench.world.done_ = False
    bench.set(f"{QA}/userregs/3", 7)
    assert bench.get(f"{QA}/userregs/3") == 7
    bench.world.work()
    # The third is read out in any case: it is asked for as the second goes on, 1 ms from the start.
    assert len(bench.world.signals.captures[0].start_ns) == 3
    bench.wait(1600 * US)
    assert bench.get(f"{QA}/enable") == 0


def test_a_register_that_is_set_before_the_trigger_is_known_from_then_on(bench):
    before = "var n = getUserReg(0); waitDigTrigger(1); playZero(32); n = n + getUserReg(0);"
    set_up(bench, DRIVE, before + "setUserReg(1, n); startQA(QA_GEN_0, QA_INT_0, true, 0, 0);")
    bench.set(f"{QA}/userregs/0", 1)
    for at in (SG, QA):
        bench.set(f"{at}/auxtriggers/0/channel", 8)
        bench.set(f"{at}/enable", 1)
    bench.wait(US)
    bench.set(f"{QA}/userregs/0", 20)
    bench.wait(US)
    bench.set("system/internaltrigger/repetitions", 1)
    bench.set("system/internaltrigger/enable", 1)
    bench.world.work()
    bench.wait(100 * US)
    assert bench.get(f"{QA}/userregs/1") == 21
    assert bench.get(f"{QA}/enable") == 0


def test_readouts_before_the_trigger_are_logged_before_those_after_it(bench):
    before = "repeat (600) { playZero(8192); startQA(QA_GEN_0, QA_INT_0, true, 0, 0); }"
    set_up(bench, DRIVE, before + READ.replace("4096", "8192"))
    bench.set(f"{READOUT}/integration/length", 4096)
    bench.set(f"{READOUT}/integration/weights/0/wave", vector_of(np.ones(4096) + 0j))
    bench.set(f"{READOUT}/result/length", 603)
    bench.set(f"{READOUT}/result/enable", 1)
    # Without a generator that may wait for results, they are worked on when there is time.
    bench.set(f"{QA}/auxtriggers/0/channel", 8)
    bench.set(f"{QA}/enable", 1)
    bench.now_fs += 3000 * US
    bench.set("system/internaltrigger/repetitions", 1)
    bench.set("system/internaltrigger/enable", 1)
    bench.world.work()
    assert len(bench.world.signals.captures[0].start_ns) == 603
    for _ in range(20):
        bench.wait(100 * US)
    assert bench.get(f"{READOUT}/result/error/count") == 0
    assert bench.get(f"{READOUT}/result/acquired") == 603
    found = numbers_of(bench.get(f"{READOUT}/result/data/0/wave")) / (10 * SMALL * 4096)
    # What was worked on before the trigger was heard by way of the cable, the rest in order.
    order = found.real[found.real > 0.99]
    assert np.all(np.diff(order) > 0)
    assert found[-3:] == pytest.approx(np.array([601, 602, 603]))
