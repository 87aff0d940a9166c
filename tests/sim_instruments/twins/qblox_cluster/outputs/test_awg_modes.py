"""Settings that change how waveforms are played, held against a rendering sample by sample."""

from dataclasses import replace

import numpy as np
import pytest
from tests.benches.qblox_cluster.output_stage import WAVEFORMS, run_of, trace_of

from podium.firmware_interfaces.qblox_cluster import limits
from podium.sim_instruments.twins.qblox_cluster.outputs.output_stage import ALWAYS_ON, pulse_trains
from podium.sim_instruments.twins.qblox_cluster.processor.q1_abilities import NotEmulated
from podium.sim_instruments.twins.qblox_cluster.processor.real_time_trace import EventKind
from podium.sim_instruments.twins.qblox_cluster.runs.sequencer_run import SequencerRun

PLAY = {"kind": EventKind.PLAY}


def run_with(model: str = "QCM", outputs=((0,), (1,)), modulate: bool = False, **modes):
    run = run_of(model, outputs, modulate)
    return replace(run, configuration=replace(run.configuration, **modes))


def rendered(run: SequencerRun, rows: list[dict[str, int]], end_ns: int) -> np.ndarray:
    """Return what leaves the module, sample by sample, in words of the first path and j the other.

    Trains are added on no carrier.
    """
    trains, _ = pulse_trains(run, trace_of(rows, end_ns), dict.fromkeys(range(4), ALWAYS_ON))
    total = np.zeros(end_ns, np.complex128)
    for train in trains:
        for start, number, turns in zip(
            train.start_ns, train.piece, train.phase_turns, strict=True
        ):
            piece = train.pieces[number]
            count = min(piece.duration_ns, end_ns - start)
            envelope = np.full(count, piece.level, np.complex128)
            envelope[: len(piece.samples)] = piece.samples[:count]
            turned = turns + piece.carrier_hz * 1e-9 * np.arange(count)
            total[start : start + count] += envelope * np.exp(2j * np.pi * turned)
    tone = run.afe.model.output_full_scale_v / np.sqrt(2 * limits.IMPEDANCE_OHM)
    return total / tone * limits.DAC_MAX


def word(sample: int) -> int:
    return int(sample) * 32767 >> 15


def test_a_rate_of_n_holds_each_sample_for_n_and_one_of_its_own_path() -> None:
    found = rendered(run_with(upsampling=(0, 2)), [{**PLAY, "wave0": 0, "wave1": 3}], 20)
    path0 = [word(one) for one in WAVEFORMS[0]]
    path1 = np.repeat([word(one) for one in WAVEFORMS[3]], 3)
    assert np.allclose(found.real[:5], path0)
    assert np.allclose(found.imag[:9], path1)
    assert np.allclose(found[9:], 0)


def test_a_path_in_continuous_mode_plays_its_waveform_over_and_over() -> None:
    rows = [{"time_ns": 4, "gain0": 16384}, {**PLAY, "time_ns": 10, "wave0": 1, "wave1": 3}]
    found = rendered(run_with(continuous=(0, None)), rows, 24)
    assert np.allclose(found[:4], 0)
    gains = np.where(np.arange(20) < 6, 16384, 32767)
    samples = np.tile(WAVEFORMS[0].astype(np.int64), 4)
    assert np.allclose(found.real[4:], samples * gains >> 15)
    assert np.allclose(found.imag[10:13], [word(one) for one in WAVEFORMS[3]])
    assert np.allclose(found.imag[13:], 0), "the other path does what the program says"


def test_the_oscillator_goes_on_through_a_continuous_waveform() -> None:
    rows = [{"nco_freq": 40_000_000, "nco_phase": 250_000_000}]
    found = rendered(run_with(continuous=(0, None), modulate=True), rows, 200)
    samples = np.tile([word(one) for one in WAVEFORMS[0]], 40)
    turning = np.exp(2j * np.pi * (0.25 + 1e7 * 1e-9 * np.arange(200)))
    assert np.allclose(found, samples * turning, atol=1e-3 * np.abs(samples).max())


def test_without_the_waveform_a_continuous_path_is_silent() -> None:
    assert np.allclose(rendered(run_with(continuous=(9, None)), [{}], 50), 0)


def test_too_many_repeats_are_refused_in_words() -> None:
    with pytest.raises(NotEmulated, match=r"path 0 in continuous mode repeats waveform 0"):
        rendered(run_with(continuous=(0, None)), [{}], 10_000_000)


def test_in_real_mode_the_oscillator_turns_path_0_and_path_1_is_added() -> None:
    """docs.qblox.com, baseband sequencer modes: path 0 times the cosine, plus path 1."""
    run = run_with(outputs=((0,), ()), modulate=True, real_mode=True)
    rows = [{"nco_freq": 40_000_000, "offs0": 12000, "offs1": 5000}]
    trains, _ = pulse_trains(run, trace_of(rows, 100), {})
    assert {train.line for train in trains} == {"slot4.out0"}
    turned, level = trains
    assert [piece.carrier_hz for piece in turned.pieces] == [1e7]
    assert [piece.carrier_hz for piece in level.pieces] == [0.0]
    tone = run.afe.model.output_full_scale_v / np.sqrt(2 * limits.IMPEDANCE_OHM)
    assert turned.pieces[0].level == pytest.approx(12000 / limits.DAC_MAX * tone)
    # a level without a carrier counts as the peak of a tone does
    assert level.pieces[0].level == pytest.approx(5000 / limits.DAC_MAX * tone)


def test_waveforms_of_both_paths_are_played_in_real_mode() -> None:
    run = run_with(outputs=((2,), ()), real_mode=True)
    found = rendered(run, [{**PLAY, "wave0": 0, "wave1": 3}], 20).real
    expected = np.zeros(20)
    expected[:5] += [word(one) for one in WAVEFORMS[0]]
    expected[:3] += [word(one) for one in WAVEFORMS[3]]
    assert np.allclose(found, expected)


def test_rf_modules_know_no_real_mode() -> None:
    rows = [{"offs0": 12000, "offs1": 5000}]
    plain, real = (run_with("QCM-RF", real_mode=on) for on in (False, True))
    (one,), _ = pulse_trains(plain, trace_of(rows, 100), dict.fromkeys(range(2), ALWAYS_ON))
    (other,), _ = pulse_trains(real, trace_of(rows, 100), dict.fromkeys(range(2), ALWAYS_ON))
    assert one.pieces[0].level == other.pieces[0].level
