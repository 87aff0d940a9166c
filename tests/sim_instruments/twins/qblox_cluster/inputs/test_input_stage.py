from dataclasses import replace

import numpy as np
import pytest
from tests.benches.qblox_cluster.input_stage import LO_HZ, answered, run_of, trace_of

from podium.firmware_interfaces.qblox_cluster import limits
from podium.firmware_interfaces.qblox_cluster.identity import MODULE_MODELS
from podium.sim_instruments.physics.signals import CaptureAnswer
from podium.sim_instruments.twins.qblox_cluster.inputs.input_stage import heard, listening
from podium.sim_instruments.twins.qblox_cluster.processor.real_time_trace import (
    EventKind,
)


def test_a_window_listens_at_lo_plus_nco_with_the_phase_of_both() -> None:
    listened = listening(
        run_of(), trace_of([3, 2003], EventKind.ACQUIRE, [0, 1], phase=250_000_000)
    )
    (train,) = listened.trains
    assert train.line == "slot2.in0"
    (window,) = train.windows
    assert window.demod_hz == LO_HZ - 100e6
    assert (window.duration_ns, window.weights) == (1000, None)
    # 7.2 GHz makes 0.6 turns in 3 ns (and in 2003 ns)
    np.testing.assert_allclose(train.phase_turns, [0.85, 0.85], atol=1e-9)
    assert listened.end_ns == 3003


def test_without_demodulation_only_the_lo_is_taken_off() -> None:
    trace = trace_of([3], EventKind.ACQUIRE, [0], phase=250_000_000)
    (train,) = listening(run_of(demodulate=False), trace).trains
    assert train.windows[0].demod_hz == LO_HZ
    assert train.phase_turns[0] == pytest.approx(0.6)


def test_delay_compensation_holds_the_demodulating_oscillator_back() -> None:
    trace = trace_of([0], EventKind.ACQUIRE, [0])
    nco = {"delay_comp_en": True, "delay_comp": 4}
    (train,) = listening(run_of(nco=nco), trace).trains
    # 150 ns at -100 MHz are -15 turns; 146 + 4 is the docstring's sum
    assert train.phase_turns[0] % 1 == pytest.approx(0.0, abs=1e-9)
    (train,) = listening(run_of(nco=nco | {"delay_comp": 5}), trace).trains
    assert train.phase_turns[0] == pytest.approx(0.1)


def test_a_bin_holds_the_sum_over_the_window_in_full_scales_of_the_input() -> None:
    run = run_of()
    full = limits.rf_input_full_scale(0)
    got = answered(
        run, trace_of([0, 2000, 4000], EventKind.ACQUIRE, [1, 1, 2]), full * (0.5 - 0.25j)
    )
    bins = got.bins[0]
    np.testing.assert_array_equal(bins["average_count"], [0, 2, 1])
    np.testing.assert_array_equal(bins["valid"], [0, 1, 1])
    assert bins["path0"][1] == 2 * round(0.5 * 1000 * 2048**2)
    assert bins["path1"][2] == round(-0.25 * 1000 * 2048**2)
    assert got.flags == ("ACQ BINNING DONE",)


def test_acquisitions_are_kept_apart_by_index() -> None:
    trace = trace_of([0, 2000], EventKind.ACQUIRE, [0, 4], acq=[0, 2])
    got = answered(run_of(), trace, 0.0)
    assert got.bins[0]["average_count"].tolist() == [1, 0, 0]
    assert got.bins[2]["average_count"].tolist() == [0, 0, 0, 0, 1]


def test_the_input_attenuator_takes_its_decibels() -> None:
    run = run_of()
    softer = replace(run, afe=replace(run.afe, input_attenuation_db=20))
    trace = trace_of([0], EventKind.ACQUIRE, [0])
    plain, soft = (answered(r, trace, 0.001).bins[0]["path0"][0] for r in (run, softer))
    assert soft == pytest.approx(plain / 10, rel=1e-6)


def test_a_signal_too_large_is_held_and_reported() -> None:
    trace = trace_of([0], EventKind.ACQUIRE, [0])
    got = answered(run_of(), trace, 2 * limits.rf_input_full_scale(0))
    wave = 2 * np.exp(
        2j * np.pi * -0.1 * np.arange(1000)
    )  # at the converters: 100 MHz below the LO
    cut = np.clip(wave.real, -1, 1) + 1j * np.clip(wave.imag, -1, 1)
    direct = np.sum(cut * np.exp(2j * np.pi * 0.1 * np.arange(1000))).real * 2048**2
    # in ten samples a period the harmonics that fold back are some percent
    assert got.bins[0]["path0"][0] == pytest.approx(direct, rel=0.04)
    assert "ACQ INTEGRATOR OUT-OF-RANGE PATH 0" in got.flags
    assert "ACQ INTEGRATOR OUT-OF-RANGE PATH 1" in got.flags  # its waves are as high on both


@pytest.mark.parametrize(
    ("angle_deg", "signal", "above"),
    [
        (0, 0.2, True), (0, -0.2, False), (180, -0.2, True), (90, 0.2, False),
        (90, -0.2j, True), (90, 0.2j, False), (270, 0.2j, True),
    ],
)  # fmt: skip
def test_the_threshold_is_compared_with_the_real_part_of_the_rotated_sum(
    angle_deg, signal, above
) -> None:
    th_acq = {
        "discr_threshold": 100.0,
        # as the client sets thresholded_acq_rotation
        "rotation_matrix_a11": float(np.cos(np.deg2rad(360 - angle_deg))),
        "rotation_matrix_a12": float(np.sin(np.deg2rad(360 - angle_deg))),
    }
    trace = trace_of([0], EventKind.ACQUIRE, [0])
    got = answered(run_of(th_acq=th_acq), trace, signal * limits.rf_input_full_scale(0))
    assert got.bins[0]["threshold"][0] == above
    assert above == (0.2 * np.real(signal / 0.2 * np.exp(1j * np.deg2rad(angle_deg))) > 0.1)


def test_weights_go_to_the_world_and_set_the_duration() -> None:
    trace = trace_of([0], EventKind.ACQUIRE_WEIGHED, [0], weight0=0, weight1=0)
    listened = listening(run_of(), trace)
    (train,) = listened.trains
    np.testing.assert_allclose(train.windows[0].weights, [1, 0, -1])
    assert listened.duration_ns.tolist() == [3]


def test_two_different_weights_are_two_questions_one_for_each_path() -> None:
    trace = trace_of([0], EventKind.ACQUIRE_WEIGHED, [0], weight0=0, weight1=1)
    run = run_of()
    first, second = listening(run, trace).trains
    np.testing.assert_allclose(first.windows[0].weights, [1, 0, -1, 0])
    np.testing.assert_allclose(second.windows[0].weights, [16384 / 32767] * 4)
    full = limits.rf_input_full_scale(0)
    bins = answered(run, trace, full * (0.1 + 0.9j), full * (0.9 + 0.2j)).bins[0]
    assert bins["path0"][0] == round(0.1 * 4 * 2048**2)
    assert bins["path1"][0] == round(0.2 * 4 * 2048**2)


def test_a_sequencer_without_input_hears_nothing() -> None:
    run = run_of(inputs=((), ()))
    trace = trace_of([0], EventKind.ACQUIRE, [0])
    assert listening(run, trace).trains == ()
    bins = answered(run, trace).bins[0]
    assert (bins["valid"][0], bins["path0"][0]) == (1, 0)


def test_a_module_without_inputs_listens_to_nothing() -> None:
    run = run_of()
    run = replace(run, afe=replace(run.afe, model=MODULE_MODELS["QCM-RF"]))
    assert listening(run, trace_of([0], EventKind.ACQUIRE, [0])) is None


def test_the_scope_is_the_input_at_the_lo_in_words_of_the_adc() -> None:
    run = run_of(scope=True)
    listened = listening(run, trace_of([0, 2000], EventKind.ACQUIRE, [0, 1]))
    assert listened.trains[0].scope
    full = limits.rf_input_full_scale(0)
    raw = full * 0.5 * np.ones(1200, complex)  # a tone at 100 MHz below the LO, demodulated there
    captured = CaptureAnswer(np.zeros(2, complex), raw, LO_HZ - 100e6)
    got = heard(listened, (captured,))
    path0, path1 = got.scope
    assert len(path0.words) == limits.SCOPE_SAMPLES
    np.testing.assert_array_equal(path0.words[[0, 5, 10]], [1024, -1024, 1024])
    np.testing.assert_array_equal(path1.words[[0, 5, 10]], [0, 0, 0])
    assert not path0.words[1200:].any()
    assert got.flags == (
        "ACQ SCOPE DONE PATH 0",
        "ACQ SCOPE OVERWRITTEN PATH 0",
        "ACQ SCOPE DONE PATH 1",
        "ACQ SCOPE OVERWRITTEN PATH 1",
        "ACQ BINNING DONE",
    )
    loud = heard(listened, (replace(captured, trace=4 * raw),))
    assert loud.scope[0].out_of_range
    assert loud.scope[0].words.max() == 2047
