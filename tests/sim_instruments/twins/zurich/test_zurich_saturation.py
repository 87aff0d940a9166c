"""Beyond full scale: what leaves, what is heard, and which nodes say so."""

import numpy as np
import pytest
from tests.benches.zurich.device_bench import QA, READOUT, SG, US
from tests.benches.zurich.precomputed_runs import DRIVE, READ, bench, set_up, sweep, trigger

from podium.firmware_interfaces.qblox_cluster.limits import tone_amplitude
from podium.firmware_interfaces.zurich.values import vector_of
from podium.firmware_interfaces.zurich.vector_headers import numbers_of
from podium.sim_instruments.physics.signals import CaptureAnswer, CaptureTrain, Window
from podium.sim_instruments.twins.zurich.quantum_analyzer.input_saturation import digitised
from podium.sim_instruments.twins.zurich.signals.sequencer_signals import IntegratorCapture

__all__ = ["bench"]
MS = 1000 * US
IN, OUT = "qachannels/0/input", "qachannels/0/output"


def cut(samples):
    return np.clip(samples.real, -1, 1) + 1j * np.clip(samples.imag, -1, 1)


def sampled(trains, centre_hz, index, length):
    """The signal of start ``index`` of some trains about a centre, a sample each nanosecond."""
    total = np.zeros(length, complex)
    for train in trains:
        piece = train.pieces[train.piece[index]]
        held = np.full(piece.duration_ns, piece.level)
        held[: len(piece.samples)] = piece.samples
        turns = train.phase_turns[index] + (piece.carrier_hz - centre_hz) * 1e-9 * np.arange(
            len(held)
        )
        total[: len(held)] += held * np.exp(2j * np.pi * turns)
    return total


def test_readout_pulses_that_add_up_beyond_full_scale_leave_cut(bench):
    set_up(bench, DRIVE, READ.replace("QA_GEN_0", "QA_GEN_0 | QA_GEN_1"))
    # Slow beside the nanosecond over which the world takes means.
    waves = [a * np.exp(2j * np.pi * f * np.arange(256)) for a, f in ((0.9, 1e-3), (0.5, -2e-3))]
    for slot, wave in enumerate(waves):
        bench.set(f"qachannels/0/generator/waveforms/{slot}/wave", vector_of(wave))
    trigger(bench)
    bench.world.work()
    pulses = [train for train in bench.world.signals.drives if train.line == "dev12000.qa0_out"]
    left = sampled(pulses, 7e9, 0, 128) / tone_amplitude(-25)
    expected = cut(waves[0] + waves[1]).reshape(-1, 2).mean(axis=1)
    synthesizer = left[0] / expected[0]
    assert abs(synthesizer) == pytest.approx(1, abs=1e-2)
    assert left == pytest.approx(expected * synthesizer, abs=1e-2)
    assert np.abs((waves[0] + waves[1]).real).max() > 1.3
    assert bench.get(f"{OUT}/overrangecount") == 0, "not before it has left"
    bench.wait(10 * MS)
    assert bench.get(f"{OUT}/overrangecount") == 1
    bench.wait(180 * MS)
    assert bench.get(f"{OUT}/overrangecount") == 1
    bench.wait(20 * MS)
    assert bench.get(f"{OUT}/overrangecount") == 0


def test_pulses_apart_may_each_be_of_full_scale(bench):
    read = READ.replace("QA_GEN_0", "(QA_GEN_0)") + "startQA(QA_GEN_1, QA_INT_0); playZero(4096);"
    set_up(bench, DRIVE, read)
    for slot in range(2):
        bench.set(f"qachannels/0/generator/waveforms/{slot}/wave", vector_of(np.ones(256) + 0j))
    trigger(bench)
    bench.world.work()
    bench.wait(10 * MS)
    assert bench.get(f"{OUT}/overrangecount") == 0
    trains = bench.world.signals.drives[1:]
    levels = [train.pieces[k].level for train in trains for k in train.piece]
    assert levels == pytest.approx([tone_amplitude(-25)] * 4)


@pytest.mark.parametrize(("amplitudes", "over"), [((1, 0), 0), ((1, 1), 1)])
def test_a_generators_wave_beyond_full_scale_keeps_its_fundamental(bench, amplitudes, over):
    wave = "wave w = {} * ones(64); wave z = {} * ones(64);".format(*amplitudes)
    drive = DRIVE.replace("wave w = 0.5 * ones(64); wave z = zeros(64);", wave)
    set_up(bench, drive, READ)
    trigger(bench)
    bench.world.work()
    piece = bench.world.signals.drives[0].pieces[0]
    size = np.hypot(*amplitudes)
    angle = 2 * np.pi * np.arange(10_000) / 10_000
    fundamental = 2 * np.mean(np.clip(size * np.sin(angle), -1, 1) * np.sin(angle))
    assert abs(piece.level) / tone_amplitude(5) == pytest.approx(fundamental, rel=1e-3)
    bench.wait(10 * MS)
    assert bench.get("sgchannels/0/output/overrangecount") == over


def test_an_input_beyond_its_range_is_cut_and_counted(bench):
    set_up(bench, DRIVE, READ)
    bench.set(f"{IN}/range", -5)
    full = tone_amplitude(-5)

    def play(signals):
        sizes = np.array([0.5, 1.0, 3.0]) * full
        return tuple(CaptureAnswer(sizes.astype(complex), None) for _ in signals.captures)

    bench.world.play = play
    trigger(bench)
    bench.world.work()
    bench.wait(10 * MS)
    found = numbers_of(bench.get(f"{READOUT}/result/data/0/wave")) / (10 * 256 * full)
    assert found[:2] == pytest.approx([0.5, 1.0])
    assert found[2] == pytest.approx(4 / np.pi * (1 - 1 / 54), rel=2e-3), "of a sine cut at a third"
    assert bench.get(f"{IN}/overrangecount") == bench.get(f"{IN}/adcoverrangecount") == 1
    bench.wait(200 * MS)
    assert bench.get(f"{IN}/overrangecount") == bench.get(f"{IN}/adcoverrangecount") == 0


def test_spectroscopy_beyond_the_range_is_cut_and_counted(bench):
    bench.set(f"{IN}/range", -50)
    sizes = tone_amplitude(-50) * np.arange(1, 4) + 0j
    bench.world.play = lambda signals: tuple(CaptureAnswer(sizes, None) for _ in signals.captures)
    sweep(bench)
    bench.world.work()
    bench.wait(10 * MS)
    found = numbers_of(bench.get("qachannels/0/spectroscopy/result/data/wave"))
    # Of one, two and three full scales.
    full = np.sqrt(50) * tone_amplitude(-50)
    assert np.abs(found) / full == pytest.approx([1.0, 1.2180, 1.2493], abs=1e-3)
    assert bench.get(f"{IN}/overrangecount") == 1


def test_tones_that_beat_are_cut_where_they_meet():
    """Against the sum sample by sample."""
    tones = [(0.8, 7.1e9), (0.7j, 7.153e9), (0.2, 7.289e9)]
    at = 1000
    trains, answers = {}, []
    for unit, (amplitude, hz) in enumerate(tones):
        train = CaptureTrain(
            "in", np.arange(4) * 5000, np.zeros(4, np.int32), np.zeros(4), (Window(hz, at, None),)
        )
        trains[unit] = IntegratorCapture(np.arange(4), 1.0, train)
        answers.append(CaptureAnswer(amplitude * np.array([1, 1, 0.4, 1j]), None))
    left, over = digitised(4, trains, answers, 1.0)
    assert over.tolist() == [True, True, False, True]
    # Some gigahertz up, four samples a turn, so that the converter cuts waves.
    ns = np.arange(200_000) / 40
    signal = sum(
        abs(a) * np.cos(2 * np.pi * (hz - 5e9) * 1e-9 * ns + np.angle(a)) for a, hz in tones
    )
    for (amplitude, hz), answer in zip(tones, left, strict=True):
        kept = 2 * np.mean(np.clip(signal, -1, 1) * np.exp(-2j * np.pi * (hz - 5e9) * 1e-9 * ns))
        assert answer.integrated[0] == pytest.approx(kept, abs=0.03)
        assert answer.integrated[2] == pytest.approx(0.4 * amplitude)


def test_nothing_is_said_of_signals_within_range(bench):
    set_up(bench, DRIVE, READ)
    bench.set(f"{IN}/range", 10)
    bench.world.play = lambda signals: tuple(
        CaptureAnswer(np.full(3, 0.05 + 0j), None) for _ in signals.captures
    )
    trigger(bench)
    bench.world.work()
    bench.wait(10 * MS)
    nodes = [f"{IN}/overrangecount", f"{OUT}/overrangecount", "sgchannels/0/output/overrangecount"]
    assert [bench.get(node) for node in nodes] == [0, 0, 0]
    assert bench.get(f"{QA}/enable") == bench.get(f"{SG}/enable") == 0
