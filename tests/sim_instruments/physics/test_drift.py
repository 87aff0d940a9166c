"""What moves in world time: a function of time and seed, and the truth is its mean over a run."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.benches.physics.small_chip import (
    capture,
    feedline_point,
    pi_amplitude,
    qubit_point,
    tone,
    train,
)
from tests.benches.thoroughness import cases

from podium.sim_instruments.physics.drift import (
    CHAIN_MEMORIES_S,
    FREQUENCY_MEMORIES_S,
    LOSS_MEMORIES_S,
    Drift,
    FeedlineDrift,
    QubitDrift,
    slow_noise,
)
from podium.sim_instruments.physics.sampling import sample
from podium.sim_instruments.physics.signals import Piece, RunSignals
from podium.sim_instruments.physics.truth import MovingTruth, Span, truth
from podium.sim_instruments.physics.world import World
from podium.sim_instruments.physics.world_file import WorldFile, dump_world, parse_world

EXAMPLE = Path(__file__).parents[3] / "examples" / "first_light" / "facility.yaml"
NAME = "node_a.q0"
NOW_S = 1.8e9
DAY = np.arange(NOW_S, NOW_S + 86_400, 600.0)


def drifting(seed: int = 3, chain: FeedlineDrift | None = None, **more: float) -> Drift:
    known = {"frequency_hz": 0.0, "loss": 0.0, "defect_loss": 0.0, "flux": 0.0} | more
    point = feedline_point(qubit_point(NAME, thermal=0.0))
    feedlines = {} if chain is None else {point.name: chain}
    return Drift(lambda *_: (point,), seed, {NAME: QubitDrift(**known)}, feedlines)


def f01_hz(drift: Drift, at_s: float, duration_s: float = 1.0) -> float:
    return float(drift.at({}, None, at_s, duration_s)[0].qubits[0].levels_hz[1])


def loss_1_s(drift: Drift, at_s: float) -> float:
    return float(drift.at({}, None, at_s, 1.0)[0].qubits[0].rates_1_s[0, 1])


def test_it_is_a_function_of_world_time_and_seed_alone() -> None:
    one, other = drifting(frequency_hz=500.0), drifting(frequency_hz=500.0)
    late, early = f01_hz(one, NOW_S + 1000), f01_hz(one, NOW_S)
    assert f01_hz(other, NOW_S) == early
    assert f01_hz(other, NOW_S + 1000) == late != early
    assert f01_hz(drifting(4, frequency_hz=500.0), NOW_S) != early


def test_the_frequency_has_the_variance_of_its_decades_and_moves_slowly() -> None:
    """400 worlds at one time, or 1,000; deviation within 5 standard errors."""
    worlds = cases(400, 1000)
    at, soon, later = (
        [f01_hz(drifting(k, frequency_hz=500.0), NOW_S + by_s, 1e-3) for k in range(worlds)]
        for by_s in (0, 1, 3600)
    )
    sigma = 500 * math.sqrt(len(FREQUENCY_MEMORIES_S))
    assert np.std(at) == pytest.approx(sigma, rel=5 / math.sqrt(2 * worlds))
    moved_s, moved_h = (np.std(np.subtract(then, at)) for then in (soon, later))
    # exp(-|t| / memory) each: what is forgotten in a second, and in an hour
    forgotten = [
        500 * math.sqrt(sum(2 * (1 - math.exp(-t / memory)) for memory in FREQUENCY_MEMORIES_S))
        for t in (1.0, 3600.0)
    ]
    assert moved_s == pytest.approx(forgotten[0], rel=0.15)
    assert moved_h == pytest.approx(forgotten[1], rel=0.15)


def test_what_does_not_average_out_over_a_run_is_left_as_its_stray() -> None:
    point = drifting(frequency_hz=500.0).at({}, None, NOW_S, 30.0)[0].qubits[0]
    assert 500 * math.sqrt(2) < point.stray_hz < 500 * math.sqrt(5)
    short = drifting(frequency_hz=500.0).at({}, None, NOW_S, 1e-6)[0].qubits[0]
    assert short.stray_hz < 20


def test_the_loss_scatters_by_its_decades_and_a_defect_adds_to_it_now_and_then() -> None:
    usual = 1 / 33e-6
    plain = [loss_1_s(drifting(seed, loss=0.13), NOW_S) / usual for seed in range(400)]
    sigma = 0.13 * math.sqrt(len(LOSS_MEMORIES_S))
    assert np.std(np.log(plain)) == pytest.approx(sigma, rel=5 / math.sqrt(800))
    dips = [loss_1_s(drifting(seed, defect_loss=1.5), NOW_S) / usual for seed in range(1000)]
    assert set(np.round(dips, 9)) == {1.0, 2.5}
    assert 0.02 < np.mean(np.array(dips) > 2) < 0.09, "5 %, within 5 standard errors"


def test_a_loss_that_moves_leaves_the_thermal_population() -> None:
    point = feedline_point(qubit_point(NAME, thermal=0.02))
    drift = Drift(lambda *_: (point,), 3, {NAME: QubitDrift(0.0, 0.3, 0.0, 0.0)}, {})
    rates = drift.at({}, None, NOW_S, 1.0)[0].qubits[0].rates_1_s
    before = point.qubits[0].rates_1_s
    assert rates[0, 1] != before[0, 1]
    assert rates[1, 0] / rates[0, 1] == pytest.approx(before[1, 0] / before[0, 1])


def test_gain_takes_the_noise_with_it_and_delay_stays_above_zero() -> None:
    chain = FeedlineDrift(gain_db=0.05, delay_ns=3e-4)
    still = feedline_point(qubit_point(NAME))
    gains, delays = [], []
    for seed in range(400):
        (moved,) = drifting(seed, chain).at({}, None, NOW_S, 1.0)
        gains.append(20 * math.log10(moved.gain_out / still.gain_out))
        delays.append(moved.delay_out_ns - still.delay_out_ns)
        assert moved.noise_w_per_hz / moved.gain_out**2 == pytest.approx(
            still.noise_w_per_hz / still.gain_out**2
        )
    decades = math.sqrt(len(CHAIN_MEMORIES_S))
    assert np.std(gains) == pytest.approx(0.05 * decades, rel=5 / math.sqrt(800))
    assert np.std(delays) == pytest.approx(3e-4 * decades, rel=5 / math.sqrt(800))


def test_flux_drift_moves_the_sweet_spot_and_the_truth_follows() -> None:
    world = sample(EXAMPLE, 2, drift=True)
    chip = world.chip()
    drift = world.drift(chip)
    assert drift is not None
    span = Span(NOW_S, 10.0)
    moved = drift.flux(NOW_S, 10.0)
    assert any(moved.values())
    told = truth(chip, None, False, MovingTruth(world.seed, span, drift))
    still = truth(chip, None, False)
    for qubit in chip.qubits:
        by_v = told[f"{qubit.name}.sweet_spot"].value - still[f"{qubit.name}.sweet_spot"].value
        expected = -moved[qubit.name] / chip.flux_per_volt.diagonal()[chip.qubits.index(qubit)]
        assert by_v == pytest.approx(expected, abs=0.02 * max(map(abs, moved.values())) * 1.5)
        f01 = told[f"{qubit.name}.f01"].value - still[f"{qubit.name}.f01"].value
        assert 0 < abs(f01) < 10e3, "there, only frequency drift moves it"


def test_without_drift_the_world_file_is_what_it_was_and_with_it_reads_back() -> None:
    plain, moving = sample(EXAMPLE, 2), sample(EXAMPLE, 2, drift=True)
    assert plain.drift(plain.chip()) is None
    assert "drift" not in dump_world(plain)
    assert parse_world(dump_world(moving)) == moving == sample(EXAMPLE, 2, drift=True)
    tree = moving.model_dump()
    for node in tree["nodes"].values():
        for part in (*node["qubits"].values(), *node["feedlines"].values()):
            assert part.pop("drift") is not None
    assert WorldFile.model_validate(tree) == plain


# in the world


def ramsey(detuning_hz: float, shots: int, start_s: float) -> RunSignals:
    """Half pi, a microsecond, half pi: P(1) tells the phase of the wait."""
    half = 0.5 * pi_amplitude(qubit_point(NAME), np.ones(40)) * np.ones(40)
    starts = 200_000 * np.arange(1, shots + 1)
    carrier = 6.02e9 + detuning_hz
    piece = Piece(carrier, half + 0j, 0j, 40)
    both = np.sort(np.concatenate([starts - 1200, starts - 200]))
    turns = (1e-9 * carrier * both) % 1.0
    drive = train(f"{NAME}.drive", both, [piece], np.zeros(both.size, int), turns)
    probe = tone(7.26e9, 1e-6, 1000, list(starts))
    heard = capture(7.26e9, 1000, list(starts + 146))
    return RunSignals(1, round(start_s * 1e15), 200_000 * (shots + 2), (drive, probe), (heard,), {})


def test_a_run_is_played_at_the_point_of_its_own_time() -> None:
    """With drift, a run equals one of a still world that has been moved there by hand."""
    point = feedline_point(qubit_point(NAME))
    drift = Drift(
        lambda *_: (point,),
        3,
        {NAME: QubitDrift(50e3, 0.3, 0.0, 0.0)},
        {point.name: FeedlineDrift(0.5, 0.0)},
    )
    moving = World(lambda *_: (point,), 3, drift=drift)
    for at_s in (NOW_S, NOW_S + 3 * 3600):
        signals = ramsey(0.0, 20, at_s)
        there = drift.at({}, None, 1e-15 * signals.start_tai_fs, 1e-9 * signals.duration_ns)
        still = World(lambda *_, there=there: there, 3)
        left, right = (one.play(signals)[0].integrated for one in (moving, still))
        assert np.array_equal(left, right)
        assert not np.array_equal(left, World(lambda *_: (point,), 3).play(signals)[0].integrated)


# truth over a time


@pytest.mark.parametrize("text", ["", "now", "1..0", "nan", "1..", "a..b", "1..2..3"])
def test_what_is_no_time_is_refused_with_one_that_is(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no time: .* 1767225637\.5\.\.1767225640"):
        Span.of_text(text)


def test_times_are_read_as_written() -> None:
    assert Span.of_text("1767225637.5") == Span(1767225637.5, 0.0)
    assert Span.of_text("10..12.5") == Span(10.0, 2.5)


def test_the_truth_over_a_run_holds_the_mean_of_slow_noise_in_every_world() -> None:
    world = sample(EXAMPLE, 2)
    chip = world.chip()
    span = Span(NOW_S, 0.5)
    still = truth(chip, None, False)
    told = truth(chip, None, False, MovingTruth(world.seed, span, None))
    for qubit in chip.at(chip.sweet_spots_v())[0].qubits:
        mean_hz, _ = slow_noise(qubit, world.seed).over(span.start_s, span.duration_s)
        name = f"{qubit.name}.f01"
        assert told[name].value - still[name].value == pytest.approx(mean_hz, abs=1e-4)
        assert 0 < abs(mean_hz) < 5e3
    instant = truth(chip, None, False, MovingTruth(world.seed, replace(span, duration_s=0.0), None))
    assert instant == still
