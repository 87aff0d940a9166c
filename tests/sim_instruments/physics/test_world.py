import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import ks_2samp
from tests.benches.physics.small_chip import (
    LINE,
    NONE,
    Complexes,
    capture,
    coherent_turns,
    feedline_point,
    hann,
    pi_amplitude,
    play,
    prepared,
    qubit_point,
    rabi,
    run_of,
    tone,
    train,
)
from tests.benches.thoroughness import cases

from podium.sim_instruments.physics.assignment import assignment_at
from podium.sim_instruments.physics.counter_based_random import key
from podium.sim_instruments.physics.episodes import NotSimulated
from podium.sim_instruments.physics.operating_point import FeedlinePoint, QubitPoint
from podium.sim_instruments.physics.readout import ReadoutTone, flight, response_table
from podium.sim_instruments.physics.shots import shots_of, thermal
from podium.sim_instruments.physics.signals import CaptureTrain, Piece, PulseTrain, Window

FLIGHT_NS = 70.3 + 75.4


def frozen_qubit(name: str = "node_a.q0", resonator: float = 7.26e9) -> QubitPoint:
    """A qubit that stays in 0."""
    qubit = qubit_point(name, resonator=resonator, n_crit=1e12)
    return replace(qubit, rates_1_s=np.zeros((4, 4)))


def quiet(feedline: FeedlinePoint) -> FeedlinePoint:
    return replace(feedline, noise_w_per_hz=0.0)


def heard(
    feedline: FeedlinePoint, trains: list[PulseTrain], at_ns: np.ndarray, levels: list[int]
) -> Complexes:
    """The signal at the listener's connector, one tone after another, in absolute time.

    Step response of a hanger: a tone of detuning d that starts at 0 rings up as
    ``(exp(1j d t) - exp(l t)) / (1j d - l)`` and rings down with ``exp(l t)`` after its end.
    """
    out = np.zeros(at_ns.size, np.complex128)
    for t in trains:
        for start, kind, phase in zip(t.start_ns, t.piece, t.phase_turns, strict=True):
            piece = t.pieces[kind]
            now = at_ns - FLIGHT_NS - start
            on = (now >= 0) & (now < piece.duration_ns)
            carrier = np.exp(2j * np.pi * (phase + piece.carrier_hz * 1e-9 * now))
            total = np.where(on, 1.0 + 0j, 0j)
            for qubit, level in zip(feedline.qubits, levels, strict=True):
                apart = 2e-9j * np.pi * (piece.carrier_hz - qubit.resonator_hz[level])
                ring = -1e-9 * np.pi * qubit.kappa_hz
                grown = np.clip(now, 0, piece.duration_ns)
                response = (1 - np.exp((ring - apart) * grown)) / (apart - ring)
                after = np.maximum(now - piece.duration_ns, 0)
                response = np.where(now > 0, response, 0) * np.exp((ring - apart) * after)
                total = total - 1e-9 * np.pi * qubit.kappa_coupling_hz * response
            out += piece.level * total * carrier
    return feedline.transmission_in * feedline.gain_out * out


def test_every_phase_and_delay_is_that_of_the_signals_definition() -> None:
    feedline = quiet(feedline_point(frozen_qubit(), frozen_qubit("node_a.q1", 7.275e9)))
    starts = [400, 20_011]
    trains = [
        train("node_a.feedline", starts, [Piece(f, NONE, a, lasts)], [0, 0], [turns, turns + 0.7])
        for f, a, lasts, turns in (
            (7.2604e9, 2e-4 + 0j, 500, 0.21),
            (7.2741e9, 1e-4 + 1e-4j, 300, 0.84),
        )
    ]
    weights = np.exp(2j * np.pi * np.arange(410) / 90)
    captures = [
        CaptureTrain(
            "node_a.feedline",
            np.array([500, 20_040]),
            np.array([0, 1], np.int32),
            np.array([0.4, 0.9]),
            (Window(7.2604e9, 450, None), Window(7.2741e9, 410, weights)),
            scope=True,
        ),
        capture(7.2741e9, 600, [300, 20_100]),
    ]
    results = play(feedline, run_of(trains, captures, 40_000))
    for listener, found in zip(captures, results, strict=True):
        for i, (start, kind) in enumerate(zip(listener.start_ns, listener.window, strict=True)):
            window = listener.windows[kind]
            j = np.arange(window.duration_ns)
            signal = heard(feedline, trains, start + j.astype(float), [0, 0])
            oscillator = np.exp(
                -2j * np.pi * (listener.phase_turns[i] + window.demod_hz * 1e-9 * j)
            )
            used = 1.0 if window.weights is None else window.weights
            wanted = np.sum(used * signal * oscillator) / window.duration_ns
            assert abs(found.integrated[i] - wanted) < 1e-5 * 2e-4
    trace = results[0].trace
    assert trace is not None
    assert trace.size == 16_384
    assert results[1].trace is None
    j = np.arange(trace.size)
    signal = heard(feedline, trains, 20_040.0 + j, [0, 0])
    assert results[0].trace_hz == 7.2741e9
    wanted = signal * np.exp(-2j * np.pi * (0.9 + 7.2741 * j))
    assert np.max(np.abs(trace - wanted)) < 1e-5 * 2e-4


def test_nothing_is_heard_before_the_time_of_flight() -> None:
    feedline = quiet(feedline_point(frozen_qubit()))
    (found,) = play(
        feedline,
        run_of([tone(7.3e9, 1e-4, 400, [1000])], [capture(7.3e9, 400, [1000], scope=True)], 9000),
    )
    assert found.trace is not None
    arrives = int(np.ceil(FLIGHT_NS))
    assert np.all(found.trace[:arrives] == 0)
    assert np.all(np.abs(found.trace[arrives : arrives + 200]) > 0.5e-4)


def test_records_scatter_as_a_sample_by_sample_reference_does() -> None:
    """4000 shots against a reference that adds noise to every sample of a trace.

    Kolmogorov-Smirnov on two projections, each refused at 1e-7: false alarm 2e-7 for other seeds.
    """
    qubit = qubit_point(t1=1.2e-6, thermal=0.3, n_crit=1e12)
    feedline = feedline_point(qubit, kelvin=0.6)
    shots, lasts, period = 4000, 600, 40_000
    starts = [1000 + period * i for i in range(shots)]
    frequency, level = 7.26e9, 2e-4
    listener = capture(frequency, lasts, [s + 146 for s in starts])
    # the oscillator's phase at the window's opening is the tone's: the same for all shots
    listener = replace(listener, phase_turns=np.array(coherent_turns(frequency, starts)))
    (found,) = play(
        feedline, run_of([tone(frequency, level, lasts, starts)], [listener], shots * period)
    )
    random = np.random.default_rng(5)
    reference = np.empty(cases(500, shots), np.complex128)
    ring = -1e-9 * np.pi * qubit.kappa_hz
    times = 146 - FLIGHT_NS + np.arange(lasts)
    rates = 1e-9 * qubit.rates_1_s
    equilibrium = thermal(qubit)
    for shot in range(reference.size):
        level_now = int(random.choice(4, p=equilibrium))
        r, now = 0j, 0.0
        change = random.exponential(1 / rates[:, level_now].sum())
        signal = np.empty(lasts, np.complex128)
        for j, at in enumerate(times):
            while now < at:
                step = min(at, change) - now
                pole = ring + 2e-9j * np.pi * (qubit.resonator_hz[level_now] - frequency)
                r = r * np.exp(pole * step) + level * 1e-3 * (np.exp(pole * step) - 1) / pole
                now += step
                if now == change:
                    leaving = rates[:, level_now]
                    level_now = int(random.choice(4, p=leaving / leaving.sum()))
                    change = now + random.exponential(1 / rates[:, level_now].sum())
            signal[j] = level * 1e-3 - 1e-9 * np.pi * qubit.kappa_coupling_hz * r
        power = feedline.noise_w_per_hz * 1e9
        noise = np.sqrt(power / 2) * (
            random.standard_normal(lasts) + 1j * random.standard_normal(lasts)
        )
        trace = feedline.gain_out * signal + noise
        reference[shot] = np.mean(trace) * np.exp(2j * np.pi * frequency * 1e-9 * times[0])
    axis = np.exp(-1j * np.angle(np.mean(reference)))
    for part in (axis, 1j * axis):
        verdict = ks_2samp((found.integrated * part).real, (reference * part).real)
        assert verdict.pvalue > 1e-7
    # and it would notice: the same without jumps is refused
    still = play(
        quiet(feedline_point(frozen_qubit())),
        run_of([tone(frequency, level, lasts, starts)], [listener], shots * period),
    )[0].integrated
    assert ks_2samp((still * axis).real, (reference * axis).real).pvalue < 1e-7


@pytest.mark.parametrize("weighted", [False, True])
def test_noise_has_the_variance_of_its_density(weighted: bool) -> None:
    """20,000 records; variances are known to 1 % (1 sigma), bound at 5.5 sigma."""
    feedline = feedline_point(frozen_qubit())
    weights = np.linspace(0, 2, 500).astype(np.complex128) if weighted else None
    starts = [2000 * i for i in range(20_000)]
    (found,) = play(feedline, run_of([], [capture(7.26e9, 500, starts, weights)], 40_000_000))
    power = feedline.noise_w_per_hz / 500e-9
    if weights is not None:
        power *= np.mean(np.abs(weights) ** 2)
    for part in (found.integrated.real, found.integrated.imag):
        assert np.var(part) == pytest.approx(power / 2, rel=0.055)
        assert abs(np.mean(part)) < 5.5 * np.sqrt(power / 2 / 20_000)


def test_a_rabi_scan_shows_its_oscillation() -> None:
    """Means of 400 shots on 11 points: each within 6 standard errors of the level's means."""
    qubit = qubit_point()
    feedline = feedline_point(qubit, kelvin=0.5)
    signals = run_of(*rabi(11, 400, qubit))
    (found,) = play(feedline, signals)
    value = (found.integrated * _untwist(signals.drives[1], signals.captures[0])).reshape(400, 11)
    table = response_table(
        feedline, [ReadoutTone(7.26e9, 2e-4, 800)], Window(7.26e9, 800, None), 146, 0
    )
    apart = table.mean[1] - table.mean[0]
    share = ((value - table.mean[0]) / apart).real
    excited = np.sin(np.linspace(0, 1, 11) * np.pi) ** 2
    for k in range(11):
        spread = np.std(share[:, k]) / np.sqrt(400)
        # decay during the readout takes 1 to 2 % of the 1, heat puts 1 % into the 0
        assert abs(np.mean(share[:, k]) - excited[k]) < 6 * spread + 0.03
    assert np.mean(share[:, 5]) > 0.9


def _untwist(played: PulseTrain, listener: CaptureTrain) -> Complexes:
    return np.asarray(np.exp(2j * np.pi * (listener.phase_turns - played.phase_turns)))


def test_the_same_run_gives_the_same_records_and_another_run_others() -> None:
    qubit = qubit_point(slow=1e4)
    feedline = feedline_point(qubit)
    first, second = (run_of(*rabi(5, 20, qubit, run)) for run in (1, 2))
    one = play(feedline, first)[0].integrated
    other = play(feedline, second)[0].integrated
    assert np.all(one != other)
    with ThreadPoolExecutor(4) as pool:
        for again in pool.map(lambda _: play(feedline, first)[0].integrated, range(8)):
            np.testing.assert_array_equal(one, again)
    assert np.all(one != play(feedline, first, seed=8)[0].integrated)


@pytest.mark.parametrize("seed", range(3))
def test_evolving_each_block_for_itself_changes_nothing(seed: int) -> None:
    random = np.random.default_rng(seed)
    qubit = qubit_point(t1=8e-6)
    envelope = hann(16)
    pieces = [
        Piece(f, share * pi_amplitude(qubit, envelope) * envelope, 0j, 16)
        for f, share in ((6.02e9, 0.5), (6.023e9, 1.0), (5.845e9, 0.7))
    ]
    starts, at = [], 0
    readouts = []
    for _ in range(60):
        for _ in range(random.integers(0, 4)):
            starts.append(at)
            at += int(random.integers(16, 400))
        readouts.append(at + 100)
        at += int(random.integers(1500, 6000))
    kind = [int(k) for k in random.integers(0, 3, len(starts))]
    drive = train(LINE, starts, pieces, kind, coherent_turns(6.02e9, starts))
    weak = tone(7.26e9, 2e-5, 300, readouts)
    levels = []
    for each in (False, True):
        _, made = prepared(qubit, [drive], [weak], (1e3, 0.0), each)
        assert bool(made.matrices.size) is not each
        paths = shots_of(qubit, made, 0.3, 11, 1)
        levels.append(paths.level)
    np.testing.assert_array_equal(*levels)
    assert set(levels[0]) >= {0, 1}


def test_a_readout_that_learns_nothing_leaves_the_coherence() -> None:
    still = np.zeros((4, 4))
    for informative in (False, True):
        qubit = replace(qubit_point(dephasing=0.0), rates_1_s=still)
        if not informative:
            qubit = replace(qubit, resonator_hz=np.full(4, 7.26e9))
        envelope = hann(40)
        half = Piece(6.02e9, 0.5 * pi_amplitude(qubit, envelope) * envelope, 0j, 40)
        starts = [0, 5000]
        drive = train(LINE, starts, [half], [0, 0], coherent_turns(6.02e9, starts))
        schedule, made = prepared(
            qubit, [drive], [tone(7.26e9, 3e-4, 500, [100, 5100])], each_for_itself=False
        )
        assert schedule.episode.size == 2
        excited = made.matrices[1] @ made.matrices[0] if informative else made.matrices[1]
        assert excited[1, 0] == pytest.approx(0.5 if informative else 1.0, abs=0.03)


def test_two_readouts_in_a_row_agree() -> None:
    """Noiseless, half excited: pairs differ only by decay in between, 2 % of 1000."""
    qubit = qubit_point(t1=50e-6, thermal=0.01)
    feedline = quiet(feedline_point(qubit))
    envelope = hann(40)
    half = Piece(6.02e9, 0.5 * pi_amplitude(qubit, envelope) * envelope, 0j, 40)
    starts = [300_000 * i for i in range(1000)]
    drive = train(LINE, starts, [half], [0] * 1000, coherent_turns(6.02e9, starts))
    first, second = [s + 40 for s in starts], [s + 2040 for s in starts]
    tones = [tone(7.26e9, 1e-4, 400, first), tone(7.26e9, 1e-4, 400, second)]
    captures = [capture(7.26e9, 400, [s + 146 for s in at]) for at in (first, second)]
    results = play(feedline, run_of([drive, *tones], captures, 300_000_000))
    table = response_table(
        feedline, [ReadoutTone(7.26e9, 1e-4, 400)], Window(7.26e9, 400, None), 146, 0
    )
    middle, apart = np.mean(table.mean[:2]), table.mean[1] - table.mean[0]
    excited = []
    for result, played, listener in zip(results, tones, captures, strict=True):
        value = result.integrated * _untwist(played, listener)
        excited.append(((value - middle) / apart).real > 0)
    assert 0.4 < np.mean(excited[0]) < 0.6
    assert np.mean(excited[0] != excited[1]) < 0.1


def test_a_wait_that_is_too_short_shows() -> None:
    """A pi pulse every 1.0 T1: the populations' own recursion, to 6 standard errors."""
    qubit = replace(qubit_point(t1=20e-6, thermal=1e-6, n_crit=1e12))
    envelope = hann(40)
    whole = Piece(6.02e9, pi_amplitude(qubit, envelope) * envelope, 0j, 40)
    shots, period = 4000, 20_000
    starts = [period * i for i in range(shots)]
    drive = train(LINE, starts, [whole], [0] * shots, coherent_turns(6.02e9, starts))
    _, made = prepared(qubit, [drive], [tone(7.26e9, 2e-4, 300, [s + 60 for s in starts])])
    found = np.mean(shots_of(qubit, made, 0.3, 3, 1).level == 1)
    kept = np.exp(-1.0)
    wanted = 1 / (1 + kept)  # p = 1 - kept * p
    assert abs(found - wanted) < 6 * 0.5 / np.sqrt(shots) + 0.01


def test_slow_noise_is_averaged_as_by_a_fine_integral() -> None:
    qubit = qubit_point()
    sigma = 60e3
    envelope = hann(20)
    half = Piece(6.0207e9, 0.5 * pi_amplitude(qubit, envelope) * envelope, 0j, 20)
    for delay in (100, 3000, 9000):
        starts = [0, delay]
        drive = train(LINE, starts, [half], [0, 0], coherent_turns(6.0207e9, starts))
        readout = tone(7.26e9, 2e-4, 300, [delay + 100])

        def excited(
            shift: float, stray: float, drive: PulseTrain = drive, readout: PulseTrain = readout
        ) -> float:
            _, made = prepared(qubit, [drive], [readout], (shift, stray))
            return float(made.matrices[-1][1, 0])

        wanted = quad(
            lambda z, f=excited: f(sigma * z, 0.0) * np.exp(-z * z / 2) / np.sqrt(2 * np.pi),
            -7,
            7,
            epsabs=1e-9,
            limit=200,
        )[0]
        assert excited(0.0, sigma) == pytest.approx(wanted, abs=1e-6)


def test_single_shots_are_told_apart_as_well_as_the_truth_says() -> None:
    """20,000 shots from 0 and 1: errors of 3 % are known to 0.17 % (1 sigma), bound at 6 sigma."""
    qubit = qubit_point(t1=15e-6, thermal=0.4, n_crit=40.0, chi=-1.0e6)
    feedline = feedline_point(qubit, kelvin=4.0)
    frequency, amplitude, lasts = 7.2602e9, 2.2e-4, 900
    promised = assignment_at(feedline, 0, frequency, amplitude, 0, lasts)
    assert 0.8 < promised.fidelity < 0.99
    starts = [100_000 * i for i in range(20_000)]
    played = tone(frequency, amplitude, lasts, starts)
    listener = capture(frequency, lasts, [s + 146 for s in starts])
    (found,) = play(feedline, run_of([played], [listener], 2_000_000_000), seed=3)
    _, made = prepared(qubit, [], [played])
    _, fraction = flight(feedline)
    levels = shots_of(qubit, made, fraction, key(3, qubit.name, "levels"), 1).level
    table = response_table(
        feedline, [ReadoutTone(frequency, amplitude, lasts)], Window(frequency, lasts, None), 146, 0
    )
    apart = table.mean[1] - table.mean[0]
    value = found.integrated * _untwist(played, listener)
    place = ((value - table.mean[0]) / apart).real
    best = max(
        0.5 * (np.mean(place[levels == 0] < cut) + np.mean(place[levels == 1] >= cut))
        for cut in np.linspace(0.3, 0.7, 41)
    )
    assert best == pytest.approx(promised.fidelity, abs=6 * 0.0017)


def test_a_wandering_node_of_slow_noise_has_the_mean_of_all_nodes() -> None:
    """40,000 shots: 0.0025 (1 sigma) and the memory of a few shots, bound at 6 sigma."""
    qubit = qubit_point(t1=5e-6, thermal=1e-6, memory=20e-6, drive_delay=70.3)
    envelope = hann(20)
    half = Piece(6.02e9, 0.5 * pi_amplitude(qubit, envelope) * envelope, 0j, 20)
    shots, period = 40_000, 30_000
    starts = [period * i for i in range(shots)]
    both = sorted([*starts, *(s + 2500 for s in starts)])
    drive = train(LINE, both, [half], [0] * len(both), [0.0] * len(both))
    readout = tone(7.26e9, 2e-4, 300, [s + 2600 for s in starts])
    found = []
    for each in (False, True):
        _, made = prepared(qubit, [drive], [readout], (0.0, 80e3), each)
        found.append(np.mean(shots_of(qubit, made, 0.3, 5, 1).level == 1))
    _, still = prepared(qubit, [drive], [readout], (0.0, 0.0), False)
    assert abs(found[0] - found[1]) < 6 * 0.0025 * 2
    assert abs(found[0] - still.matrices[-1][1, 0]) > 0.1  # the noise does something


def test_a_drive_in_an_almost_empty_resonator_is_a_drive() -> None:
    """The stepwise way through photons against the plain one, with next to no photons."""
    qubit = qubit_point(drive_delay=70.3)
    envelope = hann(40)
    mark = Piece(6.02e9, NONE, 1e-12 + 0j, 4)
    pulse = Piece(6.021e9, 0.5 * pi_amplitude(qubit, envelope) * envelope, 0j, 40)
    held = Piece(6.02e9, np.ones(3, np.complex128) * 1e-3, 2e-3 + 1e-3j, 90)
    drive = train(LINE, [0, 100, 500, 800], [mark, pulse, held], [0, 1, 2, 1], [0, 0.1, 0.7, 0.3])
    readout = tone(7.26e9, 1e-4, 300, [4000])
    faint = tone(7.26e9, 1e-10, 600, [4])  # its ring-down reaches over the last pulse
    schedule, made = prepared(qubit, [drive], [faint, readout])
    assert len(schedule.during_readout) == 3
    _, plain = prepared(qubit, [drive], [readout])
    np.testing.assert_allclose(made.matrices[-1], plain.matrices[-1], atol=2e-6)


def test_a_pulse_in_the_ring_up_sees_the_stark_shift_and_the_dephasing() -> None:
    """A narrow pi/2 pulse hardly turns a qubit that photons have moved away."""
    qubit = qubit_point(drive_delay=70.3, chi=-2.5e6, n_crit=1e9)
    envelope = hann(200)
    half = Piece(6.02e9, 0.5 * pi_amplitude(qubit, envelope) * envelope, 0j, 200)
    found = []
    for level in (1e-8, 4e-5):
        drive = train(LINE, [600], [half], [0], [0.0])
        schedule, made = prepared(qubit, [drive], [tone(7.25e9, level, 2000, [0])])
        assert len(schedule.during_readout) == 1
        found.append(made.matrices[-1][1, 0])
    assert found[0] == pytest.approx(0.5, abs=0.02)
    assert found[1] < 0.2


def test_a_line_of_no_world_is_refused_with_the_lines_there_are() -> None:
    feedline = feedline_point(qubit_point())
    stray = train("node_a.q7.drive", [0], [Piece(6e9, NONE, 1e-3, 10)], [0], [0.0])
    with pytest.raises(NotSimulated, match=r"node_a\.q7\.drive.*node_a\.q0\.drive"):
        play(feedline, run_of([stray], [], 1000))
    with pytest.raises(NotSimulated, match="listened to"):
        play(feedline, run_of([], [replace(capture(7e9, 10, [0]), line="nowhere")], 1000))


def test_a_tone_without_end_is_refused() -> None:
    feedline = feedline_point(qubit_point())
    with pytest.raises(NotSimulated, match="let the resonators ring down"):
        play(
            feedline,
            run_of([tone(7.26e9, 1e-4, 9_000_000, [0])], [capture(7.26e9, 100, [500])], 9_000_000),
        )


def test_shots_too_fast_for_the_ring_down_are_still_played() -> None:
    feedline = feedline_point(qubit_point())
    starts = [1200 * i for i in range(300)]
    (found,) = play(
        feedline,
        run_of(
            [tone(7.26e9, 2e-4, 800, starts)],
            [capture(7.26e9, 800, [s + 146 for s in starts])],
            400_000,
        ),
    )
    assert np.all(np.isfinite(found.integrated))
    assert np.all(np.abs(found.integrated) > 0)


def test_a_run_that_listens_to_nothing_has_nothing_to_say() -> None:
    feedline = feedline_point(qubit_point())
    assert play(feedline, run_of([tone(7.26e9, 2e-4, 800, [0])], [], 10_000)) == ()
    (empty,) = play(feedline, run_of([], [capture(7.26e9, 100, [])], 10_000))
    assert empty.integrated.size == 0


@pytest.mark.slow
def test_nothing_is_left_to_compile_after_the_warm_up() -> None:
    program = """
import gc
from numba.core.registry import CPUDispatcher
from podium.sim_instruments.physics.compilation_runs import run_whole
run_whole()
def compiled():
    found = [o for o in gc.get_objects() if isinstance(o, CPUDispatcher)]
    return {str(f.py_func): len(f.signatures) for f in found if "podium" in f.__module__}
before = compiled()
from tests.benches.physics.small_chip import feedline_point, play, qubit_point, rabi, run_of
qubit = qubit_point(slow=1e4, levels=3)
play(feedline_point(qubit), run_of(*rabi(5, 20, qubit)))
assert sum(before.values()) > 10
assert compiled() == before, (before, compiled())
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=250)
