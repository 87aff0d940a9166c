"""The flux of a whole run is the plain convolution of what is played, to 1e-6."""

import numpy as np
import pytest
from scipy.signal import fftconvolve
from tests.benches.physics.chip import FEEDLINE, MATRIX, QUBITS
from tests.benches.physics.small_chip import NONE, capture, tone, train
from tests.benches.thoroughness import cases

from podium.sim_instruments.physics.chip import Chip, FluxPulses
from podium.sim_instruments.physics.feedline_run import FeedlineRun
from podium.sim_instruments.physics.flux_line import LineResponse
from podium.sim_instruments.physics.joint.line_output import SHARP_NS
from podium.sim_instruments.physics.signals import Piece, PulseTrain, RunSignals

Q0, LINE = "node_a.q0", "node_a.q0.flux"
SHOTS, PERIOD_NS, PLAYED_NS = 4, 20_000, 4_000
STARTS = PERIOD_NS * np.arange(SHOTS) + 1_000
LARGEST = 0.02
BOUND = 1e-6


def random_line(rng: np.random.Generator) -> LineResponse:
    count = int(rng.integers(1, 5))
    taus = np.exp(rng.uniform(np.log(2.0), np.log(50e3), count))
    exponentials = tuple(zip(rng.uniform(-0.03, 0.03, count).tolist(), taus.tolist(), strict=True))
    high_pass_ns = float(rng.uniform(20e3, 200e3)) if rng.random() < 0.5 else np.inf
    reflection = (float(rng.uniform(-0.02, 0.02)), float(rng.uniform(3, 40)))
    return LineResponse(exponentials, high_pass_ns, float(rng.uniform(-3, 5)), reflection)


def random_pulses(rng: np.random.Generator) -> PulseTrain:
    """Shaped and rectangular pulses, other ones in each shot; one has the line's largest level."""
    starts, pieces, now = [], [Piece(0.0, NONE, LARGEST + 0j, 40)], 0
    for shot in range(SHOTS):
        now = 60
        while True:
            now += int(np.exp(rng.uniform(0, np.log(400))))
            lasts = int(np.exp(rng.uniform(0, np.log(600))))
            if now + lasts > PLAYED_NS - 60:
                break
            level = LARGEST * rng.uniform(-1, 1)
            samples = level * np.hanning(lasts) if rng.random() < 0.5 else NONE
            starts.append(int(STARTS[shot]) + now)
            pieces.append(Piece(0.0, samples + 0j, level if samples is NONE else 0j, lasts))
            now += lasts
    starts.append(int(STARTS[-1]) + PLAYED_NS - 50)
    kinds = [*range(1, len(pieces)), 0]
    return train(LINE, starts, pieces, kinds, [0.0] * len(starts))


def dense(one: PulseTrain, length: int) -> np.ndarray:
    """Return a train, nanosecond by nanosecond."""
    held = np.zeros(length)
    for start, kind in zip(one.start_ns, one.piece, strict=True):
        piece = one.pieces[kind]
        value = np.full(piece.duration_ns, complex(piece.level).real)
        value[: piece.samples.size] = piece.samples.real
        held[start : start + value.size] += value
    return held


def convolved(held: np.ndarray, response: LineResponse) -> np.ndarray:
    """Return the means over each ns of what arrives, by the integral of the step response.

    The line's whole delay is made good by a shift.
    """
    delay_ns = int(np.floor(response.delay_ns))
    edges = np.arange(held.size + 1.0)
    integral = np.zeros(held.size + 1)
    high_pass, echo = response.high_pass_ns, response.reflection
    for later, part in ((0.0, 1.0), (echo[1], echo[0])):
        since = np.maximum(edges - (response.delay_ns - delay_ns) - later, 0.0)
        integral += part * of_steps(since, response.exponentials, high_pass)
    return np.roll(
        fftconvolve(np.diff(held, prepend=0.0), np.diff(integral))[: held.size], delay_ns
    )


def of_steps(since, exponentials, high_pass_ns) -> np.ndarray:
    """Return the integral of 1 + sum of a exp(-t / tau) behind a high-pass, over time."""
    taus = np.array([tau for _, tau in exponentials])
    sizes = np.array([a for a, _ in exponentials])
    if np.isinf(high_pass_ns):
        found = since.copy()
    else:
        # of a step: exp(-t/T); of a exp(-t/tau): a (T exp(-t/tau) - tau exp(-t/T)) / (T - tau)
        found = high_pass_ns * -np.expm1(-since / high_pass_ns)
        found *= 1 - np.sum(sizes * taus / (high_pass_ns - taus))
        sizes = sizes * high_pass_ns / (high_pass_ns - taus)
    for a, tau in zip(sizes, taus, strict=True):
        found += a * tau * -np.expm1(-since / tau)
    return found


def arrives(played: PulseTrain, response: LineResponse) -> np.ndarray:
    """Return what a run's flux is, drives and readouts and all, as the world's qubits meet it."""
    chip = Chip(QUBITS, [FEEDLINE], MATRIX, np.zeros(2), pulses=FluxPulses({LINE: response}))
    biases = chip.sweet_spots_v()
    (point,) = chip.at(biases)
    qubit = point.qubits[0]
    ends = np.sort(np.concatenate([STARTS, STARTS + PLAYED_NS + 100])).tolist()
    drive = Piece(float(qubit.levels_hz[1]), NONE, 1e-6 + 0j, 10)
    probe, read = float(np.mean(qubit.resonator_hz[:2])), (STARTS + PLAYED_NS + 200).tolist()
    drives = (
        train(f"{Q0}.drive", ends, [drive], [0] * len(ends), [0.0] * len(ends)),
        tone(probe, 2e-4, 800, read),
        played,
    )
    listens = capture(probe, 800, [one + 150 for one in read])
    signals = RunSignals(1, 0, SHOTS * PERIOD_NS, drives, (listens,), dict(biases))
    run = FeedlineRun(point, signals, 3, {LINE}, chip)
    found = run.as_arrived([drives[1]], [listens]).signals.drives
    (flux,) = (one for one in found if one.line == LINE)
    return dense(flux, SHOTS * PERIOD_NS)


@pytest.mark.parametrize("seed", range(cases(8, 200)))
def test_the_flux_of_a_run_is_the_plain_convolution(seed: int) -> None:
    """Each ns shortly behind a change of the level; of what is held in cells, its mean."""
    rng = np.random.default_rng([17, seed])
    response, played = random_line(rng), random_pulses(rng)
    found = arrives(played, response)
    held = dense(played, found.size)
    wanted = convolved(held, response)
    at = np.arange(found.size) - STARTS[0]
    counts = (at % PERIOD_NS >= 10) & (at % PERIOD_NS < PLAYED_NS + 90) & (at >= 0)
    assert np.abs(wanted[counts] - held[counts]).max() > 1e-3 * LARGEST, "the line distorts"
    sharp = np.zeros(found.size, np.bool_)
    delay_ns = int(np.floor(response.delay_ns))
    for change in np.flatnonzero(np.diff(held)) + 1 + delay_ns:
        sharp[change : change + SHARP_NS] = True
    assert np.abs(found - wanted)[counts & sharp].max() < BOUND * LARGEST
    cell = np.append(0, np.cumsum(np.diff(found) != 0))
    sizes = np.bincount(cell)
    off = np.bincount(cell, found - wanted) / sizes
    whole = np.bincount(cell, ~counts) == 0
    assert np.abs(off[whole]).max() < BOUND * LARGEST
