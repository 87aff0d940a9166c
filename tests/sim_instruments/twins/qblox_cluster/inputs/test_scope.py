"""The scope's modes, and the converters, against sums over samples."""

from dataclasses import replace

import numpy as np
import pytest
from tests.benches.qblox_cluster.input_stage import LO_HZ, NCO_STEPS, answered, run_of, trace_of

from podium.firmware_interfaces.qblox_cluster import limits
from podium.sim_instruments.physics.signals import CaptureAnswer
from podium.sim_instruments.twins.clipping import clipped_tone
from podium.sim_instruments.twins.qblox_cluster.inputs.input_stage import heard, listening
from podium.sim_instruments.twins.qblox_cluster.inputs.scope import AVERAGES_MAX, UnsimulatedRecord
from podium.sim_instruments.twins.qblox_cluster.processor.real_time_trace import EventKind
from podium.sim_instruments.twins.qblox_cluster.runs.sequencer_run import ScopeSettings

FULL = limits.rf_input_full_scale(0)


def scoping(averages=(False, False), levels=(None, None), offset_v=(0.0, 0.0)):
    run = run_of(scope=True)
    settings = ScopeSettings(averages, levels)
    return replace(run, afe=replace(run.afe, scope=settings, input_offset_v=offset_v))


def taken(run, traces):
    n = len(traces)
    listened = listening(run, trace_of(np.arange(n) * 2000, EventKind.ACQUIRE, [0] * n))
    if listened.single:
        captured = tuple(CaptureAnswer(np.zeros(1, complex), one * FULL, LO_HZ) for one in traces)
    else:
        captured = (CaptureAnswer(np.zeros(n, complex), traces[-1] * FULL, LO_HZ),)
    assert len(captured) == len(listened.trains)
    return heard(listened, captured)


def noisy(seed: int, count: int = 3) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [(rng.normal(0, 0.4, (1200, 2)) @ [1, 1j]) for _ in range(count)]


def words(values: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(values * 2048), -2048, 2047).astype(int)


def test_averaging_adds_every_acquisition_and_counts_them() -> None:
    traces = noisy(1)
    got = taken(scoping((True, False)), traces)
    path0, path1 = got.scope
    np.testing.assert_array_equal(path0.words[:1200], sum(words(t.real) for t in traces))
    np.testing.assert_array_equal(path1.words[:1200], words(traces[-1].imag))
    assert (path0.average_count, path1.average_count) == (3, 1)
    assert "ACQ SCOPE OVERWRITTEN PATH 0" not in got.flags
    assert "ACQ SCOPE OVERWRITTEN PATH 1" in got.flags


def test_each_sample_that_does_not_fit_is_cut_before_it_is_averaged() -> None:
    traces = [np.full(1200, 1.5 + 0j), np.full(1200, -0.5 + 0j)]
    path0, path1 = taken(scoping((True, True)), traces).scope
    assert set(path0.words[:1200]) == {2047 - 1024}
    assert path0.out_of_range
    assert not path1.out_of_range


def test_what_is_averaged_fills_the_bins_as_well() -> None:
    run = scoping((True, True))
    listened = listening(run, trace_of([0, 2000], EventKind.ACQUIRE, [0, 1]))
    captured = tuple(
        CaptureAnswer(np.array([v * FULL]), np.zeros(1000, complex), LO_HZ) for v in (0.25, 0.5j)
    )
    bins = heard(listened, captured).bins[0]
    assert bins["path0"].tolist() == [(250 * 2048**2), 0, 0]
    assert bins["path1"].tolist() == [0, (500 * 2048**2), 0]


def test_an_average_of_more_than_can_be_simulated_is_said_to_be_none_and_bins_are_sound() -> None:
    n = AVERAGES_MAX + 1
    trace = trace_of(np.arange(n) * 2000, EventKind.ACQUIRE, [0] * n)
    listened = listening(scoping((True, False)), trace)
    assert not any(train.scope for train in listened.trains)
    left = heard(listened, (CaptureAnswer(np.full(n, 0.25 * FULL, complex), None),))
    assert left.bins[0]["path0"][0] == n * 250 * 2048**2
    for path in left.scope:
        assert isinstance(path, UnsimulatedRecord)
        assert f"has averaged {n} acquisitions" in path.why


def test_a_level_begins_the_record_where_it_is_reached() -> None:
    ramp = np.linspace(-1, 1, 1200) * (0.9 + 0.3j)
    path0, path1 = taken(scoping(levels=(0.45, 0.45)), [ramp]).scope
    first = int(np.argmax(words(ramp.real) >= 0.45 * 2048))
    np.testing.assert_array_equal(path0.words[: 1200 - first], words(ramp.real)[first:])
    assert path0.average_count == 1
    assert path1.average_count == 0
    assert not path1.words.any()


@pytest.mark.parametrize("size", [0.5, 1.0, 1.2, 2.0, 10.0])
def test_a_clipped_tone_keeps_the_fundamental_of_a_clipped_sine(size: float) -> None:
    turns = np.arange(100_000) / 100_000
    cut = np.clip(size * np.cos(2 * np.pi * turns), -1, 1)
    assert 2 * np.mean(cut * np.cos(2 * np.pi * turns)) == pytest.approx(
        size * clipped_tone(np.array([size]))[0], abs=1e-6
    )


def test_an_input_offset_is_in_the_scope_and_in_the_sums() -> None:
    run = scoping(offset_v=(0.05, -0.02))
    got = taken(run, [np.zeros(1200, complex)])
    assert set(got.scope[0].words[:1200]) == {round(0.05 * 2048)}
    assert set(got.scope[1].words[:1200]) == {round(-0.02 * 2048)}
    weighed = trace_of([0], EventKind.ACQUIRE_WEIGHED, [0], weight0=0, weight1=0, phase=125_000_000)
    bins = answered(run, weighed, 0.0).bins[0]
    turns = NCO_STEPS / 4e9 * np.arange(3) + 0.125
    weights = np.array([1, 0, -1])
    direct = np.sum((0.05 - 0.02j) * weights * np.exp(-2j * np.pi * turns)) * 2048**2
    assert bins["path0"][0] == pytest.approx(direct.real, abs=1)
    assert bins["path1"][0] == pytest.approx(direct.imag, abs=1)
